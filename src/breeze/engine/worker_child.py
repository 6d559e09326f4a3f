"""The process of a worker: `python -m breeze.engine.worker_child SOCKET PARENT`.

It makes one runner, as its parent says, and serves its calls until the parent hangs up. It imports
the contracts and that runner, and nothing of the engine but the messages.
"""

from __future__ import annotations

import asyncio
import ctypes
import faulthandler
import gc
import os
import signal
import socket
import sys
from collections.abc import Coroutine
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from breeze.contracts.errors import ErrorInfo, InputError, NotLoadedError, RunnerError
from breeze.contracts.events import Progress
from breeze.contracts.runner import Runner
from breeze.engine.worker_channel import Channel
from breeze.engine.worker_messages import (
    Account,
    Cancel,
    Ended,
    Failed,
    Hello,
    Listed,
    Load,
    Loading,
    Message,
    Models,
    Run,
    Settings,
    ToWorker,
    Unload,
)
from breeze.engine.worker_streams import Stream

_AFTERWARDS = 0.02
"""Seconds after a stream's end when the account is looked at once more."""
_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG"""


def failure(number: int, error: BaseException) -> Failed:
    """`error` as the message that ends a call."""
    if isinstance(error, RunnerError):
        return Failed(number, error.info(), error.relayed)
    return Failed(number, ErrorInfo("E101", str(error), 500), kind=type(error).__name__)


def _parameters(kind: type[Runner[Any]], values: dict[str, Any]) -> Any:
    """What the operator set. If it is wrong by now, such as a file that went, no caller is."""
    try:
        return kind.parameters_type.of(values)
    except InputError as error:
        text = f"{kind.info.name} has settings that are wrong: {error.message}"
        raise NotLoadedError(text, runner=kind.info.name, retryable=False) from error


class Served:
    """The runner and the calls in progress."""

    def __init__(self, peer: socket.socket) -> None:
        self.over = asyncio.Event()
        self._runner: Runner[Any] | None = None
        self._problem: Exception | None = None
        self._settings: dict[str, Any] | None = None
        self._streams: dict[int, Stream] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._account = Account(0, 0)
        self._looking = False
        self._channel: Channel[Any] = Channel(
            peer, ToWorker, self._took, self._left, self._last_word
        )

    def _left(self, why: str) -> None:
        if why:
            print(f"The engine hung up: {why}", file=sys.stderr)
        self.over.set()

    def _last_word(self) -> Message | None:
        if self._runner is None:
            return None
        account = Account(self._runner.work.active, self._runner.work.steps)
        if account == self._account:
            return None
        self._account = account
        return account

    def _took(self, message: Any) -> None:
        kind = type(message)
        if kind is Hello:
            self._make(message)
        elif kind is Settings:
            self._settings = message.parameters
        elif kind is Run:
            stream = self._streams[message.id] = Stream(message, self._channel.send)
            stream.task = self._start(self._run(stream))
            stream.task.add_done_callback(partial(self._ended, stream))
        elif kind is Load:
            self._start(self._answer(message.id, self._load(message)))
        elif kind is Models:
            self._start(self._answer(message.id, self._models(message.id)))
        elif kind is Unload:
            self._start(self._answer(message.id, self._unload()))
        elif (known := self._streams.get(message.id)) is not None:
            if kind is Cancel:
                known.cancel()
            else:
                known.told(message)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _make(self, hello: Hello) -> None:
        try:
            module, _, name = hello.runner.partition(":")
            kind: Any = import_module(module)
            for part in name.split("."):
                kind = getattr(kind, part)
            self._runner = kind(_parameters(kind, hello.parameters))
            self._runner.home = Path(hello.home) if hello.home else None
        except Exception as error:  # whatever a runner's module does; each call is told of it
            self._problem = error

    def _made(self) -> Runner[Any]:
        """The runner, with its present parameters. Raises why there is none."""
        if self._runner is None:
            raise self._problem or RuntimeError("no runner was asked for")
        if self._settings is not None:
            self._runner.parameters = _parameters(type(self._runner), self._settings)
            self._settings = None
        return self._runner

    async def _answer(self, number: int, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # the parent judges it
            self._channel.send(failure(number, error))
        else:
            self._channel.send(Ended(number))

    async def _load(self, load: Load) -> None:
        runner = self._made()
        runner.progress = partial(self._progressed, load.id)
        await runner.load(load.model)
        gc.collect()
        gc.freeze()  # what a load leaves is there to stay

    def _progressed(self, number: int, progress: Progress) -> None:
        self._channel.send(Loading(number, progress))

    async def _models(self, number: int) -> None:
        self._channel.send(Listed(number, await self._made().models()))

    async def _unload(self) -> None:
        gc.unfreeze()
        if self._runner is not None:
            await self._runner.unload()

    async def _run(self, stream: Stream) -> None:
        await stream.run(self._made())
        self._over(stream, None)  # in one write with the last events

    def _ended(self, stream: Stream, task: asyncio.Task[None]) -> None:
        """It failed or was cancelled, perhaps before it began."""
        error = None if task.cancelled() else task.exception()
        if stream.id in self._streams:
            self._over(stream, error)

    def _over(self, stream: Stream, error: BaseException | None) -> None:
        del self._streams[stream.id]
        self._channel.send(Ended(stream.id) if error is None else failure(stream.id, error))
        if not self._looking:
            self._looking = True
            asyncio.get_running_loop().call_later(_AFTERWARDS, self._look)

    def _look(self) -> None:
        self._looking = False
        self._channel.plan()


def die_with(parent: int) -> None:
    """End when the engine's process ends, even amid native work; where the system can do that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != parent:  # it has ended already
            os._exit(0)


async def serve(peer: socket.socket) -> None:
    """Serve until the engine hangs up."""
    await Served(peer).over.wait()
    sys.stderr.flush()
    os._exit(0)  # what was to be freed is; native destructors at exit have only crashes to add


def main() -> None:
    """Serve on the socket that was inherited."""
    number, parent = int(sys.argv[1]), int(sys.argv[2])
    die_with(parent)
    os.set_inheritable(number, False)  # not for programs that a runtime starts
    faulthandler.enable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(serve(socket.socket(fileno=number)))


if __name__ == "__main__":
    main()
