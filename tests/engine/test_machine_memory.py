"""How much memory models may take: what the machine has, what control groups allow, what is set."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from breeze.contracts.machine_memory import Bound, bounds, resident
from breeze.engine.budget import Budget, size

GB = 1_000_000_000
KIB = 1024


def system(root: Path, files: dict[str, str | int]) -> Path:
    """A `/` with these files."""
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")
    return root


MACHINE: dict[str, str | int] = {
    "proc/meminfo": "MemTotal:  8000 kB\nMemFree: 10 kB\nMemAvailable:  5000 kB",
}
WHOLE = Bound(8000 * KIB, 5000 * KIB, "this machine's memory")


def test_a_machine_tells_what_it_has_and_what_is_left(tmp_path: Path) -> None:
    assert bounds(system(tmp_path, MACHINE)) == (WHOLE,)


def test_a_group_and_those_above_it_limit_a_process(tmp_path: Path) -> None:
    groups: dict[str, str | int] = {
        "proc/self/cgroup": "0::/outer/inner",
        "sys/fs/cgroup/outer/inner/memory.max": "max",
        "sys/fs/cgroup/outer/inner/memory.high": 3000,
        "sys/fs/cgroup/outer/inner/memory.current": 2000,
        "sys/fs/cgroup/outer/inner/memory.stat": "anon 1\ninactive_file 300\nactive_file 200",
        "sys/fs/cgroup/outer/memory.max": 2500,
    }
    assert bounds(system(tmp_path, MACHINE | groups)) == (
        WHOLE,
        Bound(
            3000, 1500, "the control group's memory.high"
        ),  # files that were read are no use of memory
        Bound(2500, None, "the control group's memory.max"),
    )


def test_in_a_container_the_groups_path_may_not_be_there(tmp_path: Path) -> None:
    groups: dict[str, str | int] = {
        "proc/self/cgroup": "0::/../../machine/pod",
        "sys/fs/cgroup/memory.max": 4000,
        "sys/fs/cgroup/memory.current": 5000,
    }
    (found,) = bounds(system(tmp_path, groups))
    assert found == Bound(4000, 0, "the control group's memory.max")


def test_groups_of_the_first_version_count_too(tmp_path: Path) -> None:
    groups: dict[str, str | int] = {
        "proc/self/cgroup": "5:cpu,cpuacct:/a\n4:memory:/a",
        "sys/fs/cgroup/memory/a/memory.limit_in_bytes": 700,
        "sys/fs/cgroup/memory/a/memory.usage_in_bytes": 300,
        "sys/fs/cgroup/memory/a/memory.stat": "inactive_file 9\ntotal_inactive_file 60\n"
        "active_file 8\ntotal_active_file 40",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": 9223372036854771712,  # none
    }
    (found,) = bounds(system(tmp_path, groups))
    assert found == Bound(700, 500, "the control group's memory.limit_in_bytes")


def test_a_system_that_tells_nothing_limits_nothing(tmp_path: Path) -> None:
    assert bounds(tmp_path) == ()
    assert resident(tmp_path) == 0
    limit = Budget(measure=lambda: ()).now()
    assert (limit.size, limit.free) == (None, None)
    assert "memoryBudgetMb" in limit.why


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_this_machine_tells_its_memory() -> None:
    held = bytearray(64_000_000)
    before = resident()
    del held
    assert before - resident() > 50_000_000
    assert any(bound.size > 100_000_000 for bound in bounds())


def test_a_fifth_of_the_tightest_bound_stays_free() -> None:
    tight = Bound(10 * GB, 9 * GB, "the control group's memory.max")
    roomy = Bound(100 * GB, 5 * GB, "this machine's memory")
    limit = Budget(measure=lambda: (roomy, tight)).now()
    assert (limit.size, limit.free) == (8 * GB, 4 * GB)
    assert limit.why == "80% of the control group's memory.max, 10.0 GB"


def test_what_is_configured_stands_unless_the_machine_is_smaller() -> None:
    small = Bound(2 * GB, 1 * GB, "this machine's memory")
    assert Budget(1500, measure=lambda: (small,)).now().size == 1_500_000_000
    assert Budget(1500, measure=lambda: ()).now().size == 1_500_000_000
    too_much = Budget(3000, measure=lambda: (small,)).now()
    assert (too_much.size, "this machine's" in too_much.why) == (2 * GB, True)


@pytest.mark.parametrize(
    ("number", "text"),
    [(999, "999 bytes"), (1500, "1.5 kB"), (82_000_000, "82.0 MB"), (5_250_000_000, "5.2 GB")],
)
def test_sizes_are_told_in_the_nearest_unit(number: int, text: str) -> None:
    assert size(number) == text
