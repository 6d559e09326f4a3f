"""A child process for one runner: started bare, watched, and ended for certain."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

from breeze.contracts.clock import Clock, Timer

TERM = 1.0
"""Seconds between asking a process to end and ending it."""
LINGER = 0.5
"""Seconds that what an ended process sent may take to be read."""
_TAIL = 8 * 1024
_READS = 4
"""Times that what it says is read before the loop goes on: it may never stop."""
_KEPT = re.compile(
    r"PATH|HOME|USER|LOGNAME|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|TEMP|TMP|SHELL|SSL_CERT_\w+|XDG_\w+"
    r"|(DY)?LD_\w+|CUDA_\w+|HIP_\w+|ROCR_\w+|HSA_\w+|ZE_\w+|GGML_\w+|ORT_\w+|TORCH_\w+"
    r"|PYTORCH_\w+|CT2_\w+|HF_\w+|TOKENIZERS_\w+|\w+_(CACHE|OFFLINE)|RAYON_\w+|TESSDATA_PREFIX"
    r"|G?OMP_\w+|OPENBLAS_\w+|MKL_\w+|KMP_\w+|VECLIB_\w+|NUMEXPR_\w+|MALLOC_\w+"
    r"|PYTHON(HASHSEED|UTF8)"
)
"""What the system, the loader of libraries, and the libraries that compute go by."""
_PRIVATE = re.compile(r"KEY|TOKEN(?!IZERS_)|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
_THREADS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)  # fmt: skip


def environment(threads: int, own: Mapping[str, str]) -> dict[str, str]:
    """What of our environment `own` a worker gets: no keys, and so many threads for its maths."""
    kept = {k: v for k, v in own.items() if _KEPT.fullmatch(k) and not _PRIVATE.search(k)}
    paths = dict.fromkeys(os.path.abspath(entry or os.curdir) for entry in sys.path)  # noqa: PTH100
    return kept | dict.fromkeys(_THREADS, str(threads)) | {"PYTHONPATH": os.pathsep.join(paths)}


def _watched(pid: int) -> int | None:
    """A descriptor that can be read once the process has ended; None where there is no such."""
    opened = getattr(os, "pidfd_open", None)
    try:
        return int(opened(pid)) if opened is not None else None
    except OSError:  # a kernel, or a sandbox, without it
        return None


class WorkerProcess:
    """A process that runs `breeze.engine.worker_child`. `end` is our end of its socket.

    `orphaned` is called when it has ended and somebody else may hold that socket open: what it
    started itself is ended with it, but for what left its group.
    """

    def __init__(
        self, clock: Clock, threads: int, orphaned: Callable[[], object] = lambda: None
    ) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self.end, theirs = socket.socketpair()
        said, says = os.pipe()
        try:
            # Not from a thread: where the system ends it together with us, it means that thread.
            self._process = subprocess.Popen(  # noqa: S603  # our own program
                [sys.executable, "-P", "-m", "breeze.engine.worker_child",
                 str(theirs.fileno()), str(os.getpid())],
                stdin=subprocess.DEVNULL, stdout=says, stderr=says, pass_fds=(theirs.fileno(),),
                env=environment(threads, os.environ), process_group=0,
            )  # fmt: skip
        except BaseException:
            self.end.close()
            os.close(said)
            raise
        finally:
            theirs.close()
            os.close(says)
        self._said: int | None = said
        self._tail = bytearray()
        self.cut = False
        """Whether it said more than the tail has."""
        self._orphaned = orphaned
        self._watched = _watched(self._process.pid)
        self._linger: Timer | None = None
        self._term: Timer | None = None
        self.ended: asyncio.Future[int] | None = None
        os.set_blocking(said, False)
        self._loop.add_reader(said, self._listen)
        if self._watched is not None:
            self._loop.add_reader(self._watched, self._fell)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def tail(self) -> str:
        """The end of what it wrote on standard output and standard error."""
        self._listen()
        return self._tail.decode("utf-8", "replace")

    def _listen(self) -> None:
        if self._said is None:
            return
        with suppress(BlockingIOError):
            for _ in range(_READS):
                data = os.read(self._said, 65536)
                self._tail += data
                self.cut |= len(self._tail) > _TAIL
                del self._tail[:-_TAIL]
                if not data:
                    self._deafen()
                    return

    def _deafen(self) -> None:
        said, self._said = self._said, None
        if said is not None:
            self._loop.remove_reader(said)
            os.close(said)

    def _fell(self) -> None:
        """It has ended, and nobody has asked how: until then its group cannot be another's."""
        self._unwatch()
        self._end_group()
        self._linger = self._clock.call_later(LINGER, self._orphaned)

    def _unwatch(self) -> None:
        watched, self._watched = self._watched, None
        if watched is not None:
            self._loop.remove_reader(watched)
            os.close(watched)

    def _end_group(self) -> None:
        if self._process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end, and end it if it does not. Harmless when it has ended."""
        if self._process.poll() is None and self._term is None:
            self._process.terminate()
            self._term = self._clock.call_later(TERM, self.kill)

    def kill(self) -> None:
        """End it, and what it started."""
        self._end_group()

    async def wait(self) -> int:
        """Its exit code (below 0: the signal), once it has ended."""
        if self.ended is None:
            self.ended = self._reaped()
        code = await asyncio.shield(self.ended)
        self._unwatch()
        for timer in (self._term, self._linger):
            if timer is not None:
                timer.cancel()
        self._listen()
        self._deafen()
        return code

    def _reap(self) -> int:
        """Its exit code; what it left behind in its group is ended before that is free again."""
        if hasattr(os, "waitid"):
            with suppress(ChildProcessError):  # somebody asked before
                os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
            self._end_group()
        return self._process.wait()

    def _reaped(self) -> asyncio.Future[int]:
        """Its exit code, by a thread that nobody else can keep busy, as with names to look up."""
        ended: asyncio.Future[int] = self._loop.create_future()

        def tell(code: int) -> None:
            if not ended.done():
                ended.set_result(code)

        def wait() -> None:
            code = self._reap()
            with suppress(RuntimeError):  # the loop is closed, and nobody waits
                self._loop.call_soon_threadsafe(tell, code)

        threading.Thread(target=wait, daemon=True, name="breeze-worker-end").start()
        return ended

    async def leave(self, patience: float) -> int:
        """Its exit code; it has been told to end, and is stopped if it takes over `patience` s."""
        timer = self._clock.call_later(patience, self.stop)
        try:
            return await self.wait()
        finally:
            timer.cancel()
