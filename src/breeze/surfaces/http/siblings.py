"""The workers of one server ask each other: a client meets one, its request may run in another.

Each worker listens on a Unix socket in a folder that only this user may enter. A question is one
line of JSON; the answer is one line, then its body until the end. It is never seen by clients.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from breeze.contracts.errors import RunnerError
from breeze.service.access import Principal, Role
from breeze.surfaces.http.asked import Asked
from breeze.surfaces.http.call import Call
from breeze.surfaces.http.problems import reply as problem
from breeze.surfaces.http.reply import Answer, Headers, Reply, Stream
from breeze.surfaces.http.routes import Missing, Table

if TYPE_CHECKING:
    from breeze.surfaces.http.app import App

_PATIENCE = 2.0
"""Seconds to wait for a sibling's answer; one that is busy for longer is passed over."""
_LINE = 256 * 1024
_BLOCK = 64 * 1024


class Question(msgspec.Struct, frozen=True):
    """A request as one worker puts it to another: what was asked, and by whom."""

    method: str
    path: str
    query: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    name: str = ""
    role: int = 0

    @classmethod
    def of(cls, call: Call) -> Question:
        """The same question, from the same caller."""
        kept = tuple(
            (name, call.headers[name])
            for name in (b"accept", b"last-event-id")
            if name in call.headers
        )
        return cls(
            call.method, call.path, call.asked.query, kept, call.caller.name, call.caller.role
        )


class Head(msgspec.Struct, frozen=True):
    """How an answer begins."""

    status: int
    type: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Siblings:
    """The other workers, as the one with this `number` sees them.

    `table` are the routes that this worker answers for itself alone.
    """

    def __init__(self, app: App, table: Table, folder: Path, number: int) -> None:
        self._app = app
        self._table = table
        self._folder = folder
        self._own = folder / f"{number}.sock"

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Answer the others for the time of the block."""
        self._own.unlink(missing_ok=True)  # of a worker before, which died
        server = await asyncio.start_unix_server(self._served, self._own, limit=_LINE)
        try:
            yield
        finally:
            server.close()
            self._own.unlink(missing_ok=True)

    # asking -------------------------------------------------------------------------------

    async def all(self, question: Question) -> list[bytes]:
        """What each of the others answers, where it answers with success."""
        found = await asyncio.gather(*(self._whole(path, question) for path in self._others()))
        return [body for body in found if body is not None]

    async def first(self, question: Question) -> Stream | None:
        """The answer of the one that has one, piece by piece; None when nobody has."""
        for path in self._others():
            with suppress(OSError, TimeoutError, ValueError):
                head, reader, writer = await self._asked(path, question)
                if head.status < 300:
                    headers: Headers = list(head.headers)
                    return Stream(_pieces(reader, writer), head.type, headers=headers)
                writer.close()
        return None

    def _others(self) -> list[Path]:
        return sorted(path for path in self._folder.glob("*.sock") if path != self._own)

    async def _whole(self, path: Path, question: Question) -> bytes | None:
        with suppress(OSError, TimeoutError, ValueError):
            head, reader, writer = await self._asked(path, question)
            try:
                async with asyncio.timeout(_PATIENCE):
                    body = await reader.read()
            finally:
                writer.close()
            return body if head.status < 300 else None
        return None

    async def _asked(
        self, path: Path, question: Question
    ) -> tuple[Head, asyncio.StreamReader, asyncio.StreamWriter]:
        async with asyncio.timeout(_PATIENCE):
            reader, writer = await asyncio.open_unix_connection(path, limit=_LINE)
            try:
                writer.write(msgspec.json.encode(question) + b"\n")
                head = msgspec.json.decode(await reader.readline(), type=Head)
            except BaseException:
                writer.close()
                raise
        return head, reader, writer

    # answering ----------------------------------------------------------------------------

    async def _served(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ValueError):
            question = msgspec.json.decode(await reader.readline(), type=Question)
            call = _call(self._app, question)
            listening = asyncio.create_task(_leaving(reader, call.asked))
            try:
                await _write(writer, await self._answer(call))
            finally:
                listening.cancel()
                call.end()
        writer.close()

    async def _answer(self, call: Call) -> Answer:
        try:
            found = self._table.find(call.method, call.path)
            if isinstance(found, Missing):
                return Reply(b"", status=404)
            call.route, call.found = found
            return await call.route.handler(call)
        except RunnerError as error:
            return problem(error, call.dialect)


def _call(app: App, question: Question) -> Call:
    asked = Asked(question.method, question.path, question.query, list(question.headers))
    call = Call(app, asked)
    call.caller = Principal(question.name, Role(question.role))
    return call


async def _leaving(reader: asyncio.StreamReader, asked: Asked) -> None:
    await reader.read(1)
    asked.leave()


async def _write(writer: asyncio.StreamWriter, answer: Answer) -> None:
    head = Head(answer.status, answer.type, tuple(answer.headers))
    writer.write(msgspec.json.encode(head) + b"\n")
    if isinstance(answer, Reply):
        writer.write(answer.body)
        await writer.drain()
        return
    try:
        async for piece in answer.pieces:
            writer.write(piece)
            await writer.drain()
    finally:
        await answer.pieces.aclose()


async def _pieces(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> AsyncGenerator[bytes]:
    try:
        while piece := await reader.read(_BLOCK):
            yield piece
    finally:
        writer.close()
