"""Answers of another shape: framing, marks at the end, usage, what nobody has heard of."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from breeze.testing.standins._fault import Fault, Play, Scene
from breeze.testing.standins._reply import SSE, Reply

_AFTER = {"after": "1"}
_USAGE = ("usage", "usageMetadata", "usage_metadata")
_REASON = re.compile(rb'("(?:finish_?reason|stop_reason|done_reason|finishReason)":\s*)"[^"]*"')


def _every(change: Callable[[bytes], bytes]) -> Play:
    return lambda scene: scene.reply.but(pieces=tuple(map(change, scene.reply.pieces)))


def _events(change: Callable[[bytes], bytes]) -> Play:
    """Every server-sent event, changed. What is none stays."""
    every = _every(change)
    return lambda scene: every(scene) if _is_sse(scene.reply) else scene.reply


def _is_sse(reply: Reply) -> bool:
    return reply.headers.get("content-type", "").startswith(SSE)


def _marked(scene: Scene) -> Reply:
    """With a byte order mark in front."""
    if not _is_sse(scene.reply):
        return scene.reply
    return scene.reply.but(pieces=(b"\xef\xbb\xbf", *scene.reply.pieces))


def _crlf(scene: Scene) -> Reply:
    every = _every(lambda piece: piece.replace(b"\n", b"\r\n"))
    return every(scene) if scene.reply.is_text else scene.reply


def _commented(scene: Scene) -> Reply:
    if not _is_sse(scene.reply):
        return scene.reply
    return scene.reply.but(
        pieces=tuple(b": here\nid: 7\nretry: 10\n" + piece for piece in scene.reply.pieces)
    )


def _multi_line(piece: bytes) -> bytes:
    """JSON with a line break after its first brace, as two lines of data."""
    return re.sub(rb"^data: \{", b"data: {\ndata: ", piece, flags=re.M)


def _together(scene: Scene) -> Reply:
    return scene.reply.but(pieces=(scene.reply.body,))


def _type(scene: Scene) -> Reply:
    default = "text/plain" if scene.reply.streamed else "text/html"
    return scene.reply.having(content_type=scene.values["type"] or default)


def _end_mark(change: Callable[[tuple[bytes, ...], bytes], tuple[bytes, ...]]) -> Play:
    """What comes at the end, if this dialect marks its end."""

    def play(scene: Scene) -> Reply:
        pieces = scene.reply.pieces
        if not pieces or not scene.reply.streamed:
            return scene.reply
        if not pieces[-1].startswith(scene.vendor.terminal):
            return scene.reply
        return scene.reply.but(pieces=change(pieces[:-1], pieces[-1]))

    return play


def json_of(piece: bytes) -> tuple[bytes, Any, bytes] | None:
    """What stands before the JSON object of a piece, the object, and what stands after."""
    start, end = piece.find(b"{"), piece.rfind(b"}") + 1
    if start < 0 or not end:
        return None
    try:
        return piece[:start], msgspec.json.decode(piece[start:end]), piece[end:]
    except msgspec.DecodeError:
        return None


def rewritten(change: Callable[[Any], Any]) -> Play:
    """The JSON object of every piece, changed."""

    def altered(piece: bytes) -> bytes:
        found = json_of(piece)
        if found is None:
            return piece
        before, value, after = found
        return before + msgspec.json.encode(change(value)) + after

    return _every(altered)


def _with_usage(used: Any) -> Callable[[Any], Any]:
    def change(value: Any) -> Any:
        return {n: used if n in _USAGE else v for n, v in value.items()}

    return change


def _without_usage(value: Any) -> Any:
    return {n: v for n, v in value.items() if n not in _USAGE}


def _usage_everywhere(scene: Scene) -> Reply:
    """The last usage in every event."""
    found = [f[1] for f in map(json_of, scene.reply.pieces) if f]
    used = {n: v for value in found for n, v in value.items() if n in _USAGE and v}
    return rewritten(lambda value: value | used)(scene)


def _unheard(scene: Scene) -> Reply:
    """An event of a kind that nobody has heard of, in the framing of the others."""
    found = json_of(scene.next)
    if found is None or not scene.reply.streamed:
        return scene.reply
    before, _, after = found
    before = re.sub(rb"event: \S+", b"event: breeze.unheard", before)
    odd = {"type": "breeze.unheard", "object": "breeze.unheard", "value": [1, {"a": None}]}
    return scene.with_next(before + msgspec.json.encode(odd) + after, scene.next)


def _field(value: Any) -> Any:
    return {"unheard_of": {"a": [1]}, **value}


def _reason(piece: bytes) -> bytes:
    return _REASON.sub(rb'\1"unheard_of"', piece)


def _framed(name: str, title: str, looks: str, play: Play) -> Fault:
    return Fault(f"framing-{name}", 22, title, looks, "shape", play, harmless=True)


SHAPES: tuple[Fault, ...] = (
    Fault("wrong-type", 18, "Another content type", "a stream as text/plain, JSON as text/html; "
          "or type=…", "shape", _type, {"type": ""}),
    _framed("crlf", "CRLF", "lines end in CR LF", _crlf),
    _framed("cr", "CR", "lines end in CR", _events(lambda p: p.replace(b"\n", b"\r"))),
    _framed("bom", "A byte order mark", "the stream begins with one", _marked),
    _framed("comments", "Comments and other fields", "comments, id and retry beside the data",
            _commented),
    _framed("multi-line", "Data on two lines", "the JSON of one event on two lines",
            _events(_multi_line)),
    _framed("no-space", "No space after the colon", "data:{…}",
            _events(lambda p: re.sub(rb"^(data|event): ", rb"\1:", p, flags=re.M))),
    _framed("together", "All in one write", "all events in one write", _together),
    _framed("bytewise", "Byte by byte", "each byte in a write of its own",
            lambda s: s.reply.but(tiny=1)),
    Fault("no-done", 23, "No mark at the end", "the last event is the last thing said", "shape",
          _end_mark(lambda pieces, end: pieces), harmless=True),
    Fault("double-done", 23, "Two marks at the end", "the end is said twice", "shape",
          _end_mark(lambda pieces, end: (*pieces, end, end)), harmless=True),
    Fault("data-after-done", 23, "Data after the end", "the end, then another event", "shape",
          _end_mark(lambda pieces, end: (*pieces, end, *pieces[-2:])), harmless=True),
    Fault("usage-null", 24, "Usage of nothing", "null where the counts should be", "shape",
          rewritten(_with_usage(None)), harmless=True),
    Fault("usage-missing", 24, "No usage", "no counts at all", "shape", rewritten(_without_usage),
          harmless=True),
    Fault("usage-everywhere", 24, "Usage in every event", "counts beside each piece of text",
          "shape", _usage_everywhere, harmless=True),
    Fault("unknown-event", 26, "An unknown event", "an event nobody has heard of", "shape",
          _unheard, _AFTER, harmless=True),
    Fault("unknown-field", 26, "An unknown field", "one more field in every object", "shape",
          rewritten(_field), harmless=True),
    Fault("unknown-reason", 26, "An unknown reason to end", "a finish reason nobody has heard of",
          "shape", _every(_reason), harmless=True),
)  # fmt: skip
