"""Several workers behind one port: started, replaced when one dies, stopped together."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from breeze.contracts.errors import InputError, RunnerError, UnavailableError, from_info
from breeze.contracts.values import ErrorInfo
from breeze.surfaces.http.plan import Plan
from breeze.surfaces.http.server import Stopped
from breeze.surfaces.http.worker import Place, Ready, Tell, configure_logging, run

_log = logging.getLogger("breeze.server")
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_decode = msgspec.json.Decoder(Ready | Stopped | ErrorInfo).decode
_SOON = 5.0
"""Seconds in which a worker must not die, else the next one is started more slowly."""
_SLOWEST = 10.0
_OVERTIME = 10.0
"""Seconds beyond the shutdown limit after which a worker that hangs is killed."""


class _Worker:
    """One process, and the end of a pipe on which it tells how it is."""

    def __init__(self, number: int, process: BaseProcess, news: Connection) -> None:
        self.number = number
        self.process = process
        self.news = news
        self.started = time.monotonic()
        self.ready = False

    def hurry(self) -> None:
        """It is to stop at once."""
        pid = self.process.pid
        if pid is not None:
            with suppress(ProcessLookupError):  # it has
                os.kill(pid, signal.SIGUSR1)


class Supervisor:
    """Keeps `plan.settings.workers` processes serving on `listener` until a signal comes."""

    def __init__(self, plan: Plan, listener: socket.socket, tell: Tell, folder: Path) -> None:
        self._plan = plan
        self._listener = listener
        self._tell = tell
        self._folder = folder
        # A fork shares the memory of what is imported; elsewhere than on Linux it is not safe.
        kind = "fork" if sys.platform == "linux" else "spawn"
        self._context: Any = multiprocessing.get_context(kind)
        self._workers: dict[int, _Worker] = {}
        self._due: dict[int, float] = {}
        self._delay = 0.1
        self._told = False
        self._signals = 0  # that came
        self._heeded = 0  # that were acted on
        self._stopped = Stopped(0, 0)
        self._ending = 0.0

    def serve(self) -> None:
        """Until all have ended. Raises what kept the first ones from starting."""
        count = self._plan.settings.workers
        self._due = dict.fromkeys(range(count), 0.0)
        with _woken_by_signals(self._signalled) as bell:
            try:
                while self._workers or (self._due and not self._heeded):
                    self._heed()
                    self._start_due()
                    self._listen(bell)
            finally:
                for worker in self._workers.values():
                    worker.process.kill()
        self._tell(self._stopped)

    # life ---------------------------------------------------------------------------------

    def _start_due(self) -> None:
        now = time.monotonic()
        for number in [n for n, when in self._due.items() if when <= now and not self._heeded]:
            del self._due[number]
            ours, theirs = self._context.Pipe(duplex=False)
            process = self._context.Process(
                target=_work,
                args=(self._plan, self._listener, theirs, Place(self._folder, number, os.getpid())),
                name=f"breeze-worker-{number}",
            )
            with _without_signals():  # until the new process knows what they mean to it
                process.start()
            theirs.close()
            self._workers[number] = _Worker(number, process, ours)

    def _listen(self, bell: socket.socket) -> None:
        """Wait for something to happen, and see to it."""
        now = time.monotonic()
        moments = [*self._due.values(), *((self._ending,) if self._heeded else ())]
        patience = min((max(0.0, when - now) for when in moments), default=None)
        pipes = {worker.news: worker for worker in self._workers.values()}
        for found in wait([bell, *pipes], patience):
            if found is bell:
                bell.recv(64)
            else:
                self._heard(pipes[found])  # type: ignore[index]  # the others are pipes
        if self._heeded and time.monotonic() >= self._ending:
            for worker in self._workers.values():
                worker.process.kill()

    def _heard(self, worker: _Worker) -> None:
        try:
            news = _decode(worker.news.recv_bytes())
        except (EOFError, OSError):
            return self._ended(worker)
        if isinstance(news, ErrorInfo):
            raise from_info(news)
        if isinstance(news, Stopped):
            before = self._stopped
            self._stopped = Stopped(
                before.finished + news.finished, before.cancelled + news.cancelled
            )
        if isinstance(news, Ready):
            worker.ready = True
            if not self._told and sum(w.ready for w in self._workers.values()) == self._count:
                self._told = True
                self._tell(news)
        return None

    @property
    def _count(self) -> int:
        return self._plan.settings.workers

    def _ended(self, worker: _Worker) -> None:
        worker.process.join()
        worker.news.close()
        del self._workers[worker.number]
        if self._heeded:
            return
        code = worker.process.exitcode
        if not self._told:
            raise UnavailableError(f"Worker {worker.number} ended with {code} while it started.")
        lived = time.monotonic() - worker.started
        self._delay = 0.1 if lived >= _SOON else min(self._delay * 2, _SLOWEST)
        _log.error("worker %d ended with %s; another takes its place", worker.number, code)
        self._due[worker.number] = time.monotonic() + self._delay

    def _signalled(self) -> None:
        self._signals += 1

    def _heed(self) -> None:
        """The first signal asks all to stop, the second one to stop at once, a third kills."""
        while self._heeded < self._signals:
            self._heeded += 1
            if self._heeded == 1:
                self._listener.close()
                limit = self._plan.settings.shutdown_limit_seconds
                self._ending = time.monotonic() + limit + _OVERTIME
            for worker in self._workers.values():
                if self._heeded == 1:
                    worker.process.terminate()
                elif self._heeded == 2:
                    worker.hurry()
                else:
                    worker.process.kill()


def supervise(plan: Plan, listener: socket.socket, tell: Tell) -> None:
    """Serve with `plan.settings.workers` processes until a signal comes."""
    if not hasattr(socket, "AF_UNIX"):
        raise InputError("Several workers need Unix sockets: use one here.", field="workers")
    configure_logging(plan.settings.log_level)
    gc.collect()
    gc.freeze()  # what the workers share stays shared
    with TemporaryDirectory(prefix="breeze-") as folder:  # private to the user
        Supervisor(plan, listener, tell, Path(folder)).serve()


def _work(plan: Plan, listener: socket.socket, news: Connection, place: Place) -> None:
    """The life of one worker. The terminal's Ctrl-C reaches it too, but the supervisor decides."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    try:
        run(plan, listener, partial(_tell, news), place)
    except RunnerError as error:
        _tell(news, error.info())


def _tell(news: Connection, what: Ready | Stopped | ErrorInfo) -> None:
    with suppress(OSError):  # the supervisor has died, and this worker is about to see it
        news.send_bytes(msgspec.json.encode(what))


@contextmanager
def _without_signals() -> Iterator[None]:
    """They wait; a process that is started meanwhile begins without them too."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _woken_by_signals(signalled: Callable[[], None]) -> Iterator[socket.socket]:
    """A socket that can be read when a signal came."""
    bell, rope = socket.socketpair()
    bell.setblocking(False)
    rope.setblocking(False)
    before = {
        number: signal.signal(number, lambda _number, _frame: signalled()) for number in _SIGNALS
    }
    old = signal.set_wakeup_fd(rope.fileno(), warn_on_full_buffer=False)
    try:
        yield bell
    finally:
        signal.set_wakeup_fd(old)
        for number, handler in before.items():
            signal.signal(number, handler)
        bell.close()
        rope.close()
