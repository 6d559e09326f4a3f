"""A runner that does to its process what it is told to: for tests of what stands between."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncGenerator
from pathlib import Path

from pydantic import SecretStr

from breeze.contracts.capability import RunnerKind
from breeze.contracts.chat import ChatRequest
from breeze.contracts.errors import InputError, RateLimitError
from breeze.contracts.events import (
    ALIVE,
    AudioChunk,
    ChatEvent,
    Finish,
    Progress,
    SpeakEvent,
    TextDelta,
    TranscribeEvent,
    Transcript,
)
from breeze.contracts.fields import integer, path, secret, text
from breeze.contracts.parameters import Parameters
from breeze.contracts.requests import SpeakRequest, TranscribeRequest
from breeze.contracts.runner import Runner, runner


class BrittleParameters(Parameters):
    """What a brittle runner can be told."""

    key: SecretStr = secret("A key")
    word: str = text("word", "What it says", per_request=True)
    on_load: str = text("", "What it does while it loads")
    threads: int = integer(1, "Threads for its maths", low=1, high=8)
    file: Path | None = path(None, "A file that must be there", must_exist=True)


@runner(
    "brittle", vendor="Tests", kind=RunnerKind.LOCAL, isolation="process", concurrency=64,
    default_model="glass",
)  # fmt: skip
class BrittleRunner(Runner[BrittleParameters]):
    """Does what the last message says; `words N` streams N words."""

    async def load(self, model: str) -> None:
        self.progress(Progress("load", 1, 2))
        await _do(self.parameters.on_load)

    async def unload(self) -> None:
        self.work.steps = 0

    async def chat(  # noqa: C901  # one branch a command
        self, request: ChatRequest
    ) -> AsyncGenerator[ChatEvent]:
        p = self.parameters_for(request)
        what = request.messages[-1].text
        command, _, rest = what.partition(" ")
        with self.work.stream() as work:
            if command == "words":
                for number in range(int(rest)):
                    work.steps += 1
                    yield TextDelta(f"{p.word}{number} ")
                    if number % 100 == 99:
                        await asyncio.sleep(0)
            elif command == "slow":
                for number in range(int(rest)):
                    work.steps += 1
                    yield TextDelta(f"{os.getpid()} " if not number else "more ")
                    await asyncio.sleep(0.02)
            elif command == "alive":
                yield ALIVE
            elif command == "say":
                yield TextDelta(str({"pid": os.getpid(), "key": p.key.get_secret_value()}[rest]))
            elif command == "environ":
                yield TextDelta(os.environ.get(rest, "-"))
            elif command == "modules":
                yield TextDelta(" ".join(m for m in sys.modules if m.startswith("breeze.")))
            elif command == "after":
                yield TextDelta("begun ")
                await _do(rest)
            else:
                await _do(what)
        yield Finish()

    async def speak(self, request: SpeakRequest) -> AsyncGenerator[SpeakEvent]:
        yield AudioChunk(bytes(int(request.text)), 0, 16_000)
        yield Finish()

    async def transcribe(self, request: TranscribeRequest) -> AsyncGenerator[TranscribeEvent]:
        heard = len(request.audio)
        if request.live is not None:
            async for piece in request.live:
                heard += len(piece)
                yield Transcript(str(heard))
        yield Transcript(str(heard), is_final=True)
        yield Finish()


async def _do(what: str) -> None:  # noqa: C901  # one branch a command
    """One way to fail, or to be a bad process."""
    command, _, rest = what.partition(" ")
    if command == "signal":
        os.kill(os.getpid(), signal.Signals[rest])
    elif command == "exit":
        print("these are its last words sk-abcdefghijklmnopqrstuvwx", file=sys.stderr)
        sys.stderr.flush()
        os._exit(int(rest))
    elif command == "bad_alloc":
        print("terminate called after throwing an instance of 'std::bad_alloc'", file=sys.stderr)
        os.abort()
    elif command == "once":  # crash while a file is there
        if (sign := Path(rest)).exists():
            sign.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
    elif command == "limit":
        raise RateLimitError("too fast", retry_after=3)
    elif command == "wrong":
        raise InputError("no such thing", field="messages")
    elif command == "raise":
        raise LookupError(f"nothing there for {rest}")
    elif command == "sleep":
        await asyncio.sleep(float(rest))
    elif command == "block":  # on the loop: no cancel is heard
        time.sleep(float(rest))  # noqa: ASYNC251  # that is the fault
    elif command == "compute":  # one long step, until a file is there
        while not Path(rest).exists():  # that is the fault
            sum(range(1000))
    elif command == "send":  # bytes that are no frame, on the engine's socket
        peer = socket.socket(fileno=os.dup(int(sys.argv[1])))
        peer.sendall(bytes.fromhex(rest))
        await asyncio.sleep(60)
    elif what == "hang up":
        os.close(int(sys.argv[1]))
        await asyncio.sleep(60)
    elif command == "leave":  # a process that holds all that is open here, and die
        if not (other := os.fork()):
            if rest == "its group":
                os.setsid()
            time.sleep(30)  # noqa: ASYNC251  # that is the fault
            os._exit(0)
        print(other, file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    elif command == "pad":  # a key that is half gone from the end of what it said
        print(f"{rest}\n".ljust(8 * 1024 + 10, "."), file=sys.stderr, flush=True)
        os._exit(1)
