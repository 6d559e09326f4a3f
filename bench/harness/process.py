"""Processes under test: started on a core, paused, measured with all their children, stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

Clocks = dict[int, int]
"""Nanoseconds of processor time by thread."""


@contextmanager
def on_core(core: int | None) -> Iterator[None]:
    """What is started inside runs on this core only; None leaves it to the scheduler."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def free_port() -> int:
    """A port of the loopback interface that nobody listens on now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


class Process:
    """A running program and everything it started."""

    boosted = False
    """Whether new ones win the processor from other work on the machine."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        log: Path,
        core: int | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        clean = {name: v for name, v in os.environ.items() if "proxy" not in name.lower()}
        with on_core(core), log.open("ab") as out:
            self._process = subprocess.Popen(
                list(command), cwd=folder, env={**clean, **(environ or {})},
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip
        self.log = log
        if Process.boosted:
            boost(self._process.pid)

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def tree(self) -> list[int]:
        """Ids of the process and of its children, and of theirs."""
        found: list[int] = []
        ahead = [self._process.pid]
        while ahead:
            pid = ahead.pop()
            with suppress(OSError):
                for task in Path(f"/proc/{pid}/task").iterdir():
                    ahead += map(int, (task / "children").read_text().split())
                found.append(pid)
        return found

    def clocks(self) -> Clocks:
        """Each thread's own clock, as the scheduler counts it.

        The clock of a whole process counts too much on some virtual machines as soon as it has a
        second thread, and ticks are too coarse for one request.
        """
        read: Clocks = {}
        for pid in self.tree():
            with suppress(OSError):
                for task in Path(f"/proc/{pid}/task").iterdir():
                    read[int(task.name)] = int((task / "schedstat").read_text().split()[0])
        return read

    def memory(self, kind: str) -> float:
        """Megabytes of the whole tree; `kind` is Rss, or Pss which counts shared pages once."""
        kilobytes = 0
        for pid in self.tree():
            with suppress(OSError):
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
                kilobytes += sum(int(ln.split()[1]) for ln in lines if ln.startswith(f"{kind}:"))
        return kilobytes / 1024

    def pause(self) -> None:
        """Stands still, so that it costs the others nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def stop(self, seconds: float = 5) -> int:
        """Asks it to end, and ends what is left after so many seconds; its exit status."""
        self._signal(signal.SIGCONT)
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self._signal(signal.SIGKILL)
        return self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def boost(pid: int, nice: int = -20) -> None:
    """The highest priority for a process, its session and what it starts; needs root."""
    with suppress(FileNotFoundError):  # a kernel that does not group by session
        Path(f"/proc/{pid}/autogroup").write_text(str(nice))
    os.setpriority(os.PRIO_PROCESS, pid, nice)


def wait_for_quiet(seconds: float) -> None:
    """Returns when others use under a tenth of the machine for a moment, or when time is up."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        busy, had = machine_time()
        time.sleep(0.25)
        now_busy, now_had = machine_time()
        if (now_busy - busy) / max(now_had - had, 1e-9) < 0.1:
            return
        time.sleep(0.5)


def spent(before: Clocks, after: Clocks) -> float:
    """Seconds of processor time between two readings."""
    return sum(after[task] - before.get(task, 0) for task in after) / 1e9


def machine_time() -> tuple[float, float]:
    """Seconds that all cores were busy, and seconds they had, since the machine started."""
    ticks = [int(part) for part in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    hertz = os.sysconf("SC_CLK_TCK")
    return (sum(ticks) - ticks[3] - ticks[4]) / hertz, sum(ticks) / hertz


def wait_for_port(port: int, process: Process, seconds: float = 10) -> None:
    """Returns once somebody listens on the port; raises when the process ends or time is up."""
    end = time.monotonic() + seconds
    while not process.ended and time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.01)
    raise OSError(f"nobody listens on port {port}; see {process.log}")
