"""What the end of a worker's process tells: the error for those whom it served."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from breeze.contracts.errors import MemoryLimitError, ProcessingError, RunnerError

_MEANINGS = {
    "SIGSEGV": "a fault in its native code",
    "SIGBUS": "a file that it had mapped became shorter, or a fault in its native code",
    "SIGILL": "its native code needs an instruction that this processor lacks",
    "SIGFPE": "an arithmetic fault in its native code",
    "SIGABRT": "its native code gave up",
    "SIGKILL": "perhaps the system was out of memory, or somebody ended it",
    "SIGTERM": "somebody ended it",
}
_MEMORY_WORDS = ("bad_alloc", "out of memory", "cannot allocate memory", "memoryerror")


def out_of_memory_kills() -> int:
    """Processes that the system has killed for want of memory so far; 0 where nobody counts."""
    try:
        lines = Path("/proc/vmstat").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def died(name: str, code: int | None, tail: str, resident: int, *, starved: bool) -> RunnerError:
    """The error of `name`, whose worker ended with `code` (as of subprocess) and last said `tail`.

    `resident`: its memory when last seen, in bytes; `starved`: the system killed somebody for
    want of memory while it ran.
    """
    how, data = _how(code), {"exit": code, "resident": resident}
    last = _last_line(tail)
    said = f" It last said: {last}" if last else ""
    if (code == -9 and starved) or (code and _names_memory(last)):
        size = f" at {resident / 1e6:.0f} MB" if resident else ""
        return MemoryLimitError(
            f"{name} ran out of memory{size}: its worker {how}. Choose a smaller model or context, "
            f"or free memory.{said}",
            detail="crashed", runner=name, data=data,
        )  # fmt: skip
    return ProcessingError(
        f"{name} crashed: its worker {how}. It is started again for the next request.{said}",
        detail="crashed", runner=name, data=data,
    )  # fmt: skip


def stopped(name: str, code: int, why: str) -> ProcessingError:
    """The error of `name`, whose worker we ended ourselves, `why` says for what."""
    return ProcessingError(
        f"{name}'s worker was stopped, because {why}. It is started again for the next request.",
        detail="crashed",
        runner=name,
        data={"exit": code},
    )


def _how(code: int | None) -> str:
    if code is None:
        return "broke off"
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    meaning = _MEANINGS.get(name)
    return f"was ended by {name} ({meaning})" if meaning else f"was ended by {name}"


def _names_memory(last: str) -> bool:
    return any(word in last.lower() for word in _MEMORY_WORDS)


def _last_line(tail: str) -> str:
    """The last thing that it said, without the frames of a dump, which the log has."""
    lines = tail.split("Fatal Python error:")[0].strip().splitlines()
    return lines[-1].strip()[:200] if lines else ""


def resident(pid: int) -> int:
    """Bytes of memory that a process takes: its share of what it shares; 0 when unknown."""
    if sys.platform != "linux":
        return 0
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return 0
    return 0
