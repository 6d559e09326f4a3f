"""The bytes of a file on their way, and a record of which of them went out."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from dataclasses import dataclass

from breeze.testing.standins._fault import Fault, Play, Scene
from breeze.testing.standins._reply import Reply

_PIECE = 64 * 1024
Sent = tuple[str, int, int]
"""A path, the first byte of it that went out, and the one after the last."""


@dataclass(frozen=True)
class Body:
    """Sends `data` from `start`; breaks off after `cut` bytes, and turns the byte `flip` over."""

    path: str
    data: bytes
    start: int
    record: Callable[[Sent], object]
    cut: int | None = None
    flip: int | None = None
    hold: int | None = None
    gate: asyncio.Event | None = None
    """Behind the byte `hold` nothing goes out until this is set."""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        end = len(self.data) if self.cut is None else min(len(self.data), self.start + self.cut)
        at = self.start
        view = memoryview(self.data)
        try:
            while at < end:
                piece = bytes(view[at : min(end, at + _PIECE)])
                if self.flip is not None and at <= self.flip < at + len(piece):
                    place = self.flip - at
                    turned = bytes([piece[place] ^ 1])
                    piece = piece[:place] + turned + piece[place + 1 :]
                if self.hold is not None and at >= self.hold and self.gate is not None:
                    await _opened(self.gate, reader)
                writer.write(piece)
                at += len(piece)
                await writer.drain()
        finally:
            self.record((self.path, self.start, at))


async def _opened(gate: asyncio.Event, reader: asyncio.StreamReader) -> None:
    """Return when the gate is open. Raises ConnectionError when the client left first."""
    waiting = {asyncio.ensure_future(gate.wait()), asyncio.ensure_future(reader.read(1))}
    try:
        await asyncio.wait(waiting, return_when="FIRST_COMPLETED")
    finally:
        for task in waiting:
            task.cancel()
    if not gate.is_set():
        raise ConnectionAbortedError("the client left")


def of_body(change: Callable[[Body, Scene], Body]) -> Play:
    """A fault of what carries a file; other answers stay as they are."""

    def play(scene: Scene) -> Reply:
        body = scene.reply.upgrade
        return (
            scene.reply.but(upgrade=change(body, scene)) if isinstance(body, Body) else scene.reply
        )

    return play


def _cut(body: Body, scene: Scene) -> Body:
    return Body(body.path, body.data, body.start, body.record, int(scene.number("after")))


def _altered(body: Body, scene: Scene) -> Body:
    return Body(body.path, body.data, body.start, body.record, flip=int(scene.number("at")))


def _range_ignored(scene: Scene) -> Reply:
    body = scene.reply.upgrade
    if not isinstance(body, Body):
        return scene.reply
    headers = {n: v for n, v in scene.reply.headers.items() if n != "content-range"}
    headers["content-length"] = str(len(body.data))
    whole = Body(body.path, body.data, 0, body.record)
    return Reply(200, headers, upgrade=whole)


def _range_refused(scene: Scene) -> Reply:
    body = scene.reply.upgrade
    if not isinstance(body, Body) or "range" not in scene.call.headers:
        return scene.reply
    return Reply(416, {"content-range": f"bytes */{len(body.data)}"})


def _range_other(scene: Scene) -> Reply:
    """A later part than was asked for, which says so."""
    body = scene.reply.upgrade
    if not isinstance(body, Body) or "range" not in scene.call.headers:
        return scene.reply
    later = min(body.start + 1000, len(body.data) - 1)
    headers = {
        **scene.reply.headers,
        "content-length": str(len(body.data) - later),
        "content-range": f"bytes {later}-{len(body.data) - 1}/{len(body.data)}",
    }
    return Reply(206, headers, upgrade=Body(body.path, body.data, later, body.record))


def _packed(scene: Scene) -> Reply:
    body = scene.reply.upgrade
    if not isinstance(body, Body):
        return scene.reply
    small = gzip.compress(body.data)
    headers = {**scene.reply.headers, "content-encoding": "gzip", "content-length": str(len(small))}
    return Reply(200, headers, upgrade=Body(body.path, small, 0, body.record))


def _etag_changed(scene: Scene) -> Reply:
    return scene.reply.having(etag='"another"') if scene.reply.upgrade else scene.reply


def _size_wrong(scene: Scene) -> Reply:
    body = scene.reply.upgrade
    if not isinstance(body, Body):
        return scene.reply
    more = Body(body.path, body.data + b"more", body.start, body.record)
    headers = {**scene.reply.headers, "content-length": str(len(more.data) - more.start)}
    if "content-range" in headers:
        headers["content-range"] = f"bytes {more.start}-{len(more.data) - 1}/{len(more.data)}"
    return scene.reply.but(headers=headers, upgrade=more)


def _pages_endless(scene: Scene) -> Reply:
    number = int(scene.call.query.get("cursor", ["0"])[0]) + 1
    link = f'<{scene.call.path}?recursive=true&cursor={number}>; rel="next"'
    return scene.reply.having(link=link) if "/tree/" in scene.call.path else scene.reply


def _refused(status: int, code: str, message: str) -> Play:
    def play(scene: Scene) -> Reply:
        return refused(status, code, message)

    return play


def refused(status: int, code: str, message: str) -> Reply:
    """A refusal as the hub words it: in headers, and once more in the body."""
    given = {"x-error-code": code, "x-error-message": message}
    reply = Reply.json({"error": message}, status)
    return reply.but(headers={**reply.headers, **{n: v for n, v in given.items() if v}})


def _fault(
    number: int, name: str, looks: str, play: Play, *, harmless: bool = False, **values: str
) -> Fault:
    title = name.replace("-", " ").capitalize()
    phase = "before" if number == 0 and not values and not harmless else "during"
    return Fault(name, number, title, looks, phase, play, values, harmless)  # type: ignore[arg-type]


OWN: tuple[Fault, ...] = (
    _fault(0, "file-cut", "the connection ends after so many bytes of a file", of_body(_cut),
           harmless=True, after="65536"),
    _fault(0, "file-altered", "one byte of a file is another", of_body(_altered), harmless=True,
           at="0"),
    _fault(0, "range-ignored", "the whole file where a part was asked for", _range_ignored,
           harmless=True),
    _fault(0, "range-refused", "416 although there is more", _range_refused, harmless=True),
    _fault(0, "range-other", "206 with a later part than was asked for", _range_other,
           harmless=True),
    _fault(0, "packed", "a file that is compressed although nobody asked for that", _packed,
           harmless=True),
    _fault(0, "etag-changed", "another ETag than before", _etag_changed, harmless=True),
    _fault(0, "size-wrong", "four bytes more than the list of files says", _size_wrong,
           harmless=True),
    _fault(0, "pages-endless", "the list of files has always one more page", _pages_endless,
           harmless=True),
    _fault(0, "gated", "403 GatedRepo",
           _refused(403, "GatedRepo", "Access to model is restricted.")),
    _fault(0, "disabled", "403 DisabledRepo", _refused(403, "DisabledRepo", "Disabled.")),
    _fault(0, "bad-token", "401 for a key that is none",
           _refused(401, "", "Invalid credentials in Authorization header")),
)  # fmt: skip
