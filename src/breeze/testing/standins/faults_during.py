"""Faults after some output: cuts, stalls, errors, rubbish, too much."""

from __future__ import annotations

import gzip
import re
import zlib

from breeze.testing.standins._fault import Fault, Play, Scene
from breeze.testing.standins._reply import Ending, Reply

_TEXT = re.compile(
    rb'("(?:content|text|delta|response|thinking|generated_text|arguments|message)":\s*")'
)
"""Where a text begins that a person would read."""
_AFTER = {"after": "2"}
_MIB = 1024 * 1024


def _ends(ending: Ending) -> Play:
    """What came so far, then that end."""
    return lambda scene: scene.reply.but(pieces=scene.begun, ending=ending)


def _close(scene: Scene) -> Reply:
    """Told by closing: no end is promised, so none is missed."""
    return scene.reply.but(pieces=scene.begun, framing="close", ending="close")


def _unfinished(scene: Scene) -> Reply:
    return scene.reply.but(pieces=scene.begun)


def _stall(scene: Scene) -> Reply:
    half = scene.next[: len(scene.next) // 2] if scene.reply.streamed else b""
    return scene.reply.but(pieces=(*scene.begun, half or b" "), ending="silence")


def _error(scene: Scene) -> Reply:
    """The vendor's words for a failure, then the end. A whole answer is nothing but the words."""
    kind = scene.values["kind"]
    if not scene.reply.streamed:
        return scene.vendor.refusal(kind, scene.call).but(status=200)
    return scene.reply.but(pieces=(*scene.begun, scene.vendor.broken(kind, scene.call)))


def _malformed(scene: Scene) -> Reply:
    if not scene.reply.is_text:
        return scene.reply
    piece = scene.next
    kept = piece.rstrip()
    half = kept[: max(1, len(kept) * 2 // 3)] + piece[len(kept) :]
    return scene.with_next(half)


def _into_text(scene: Scene, more: bytes) -> Reply:
    """The answer with `more` where the next text begins. Where none does, it stays as it is."""
    for place in range(scene.after, len(scene.reply.pieces)):
        piece = scene.reply.pieces[place]
        if found := _TEXT.search(piece):
            altered = piece[: found.end()] + more + piece[found.end() :]
            kept = scene.reply.pieces
            return scene.reply.but(pieces=(*kept[:place], altered, *kept[place + 1 :]))
    return scene.reply


def _bad_bytes(scene: Scene) -> Reply:
    return _into_text(scene, b"\xff")


def _split_character(scene: Scene) -> Reply:
    return _into_text(scene, "é漢🌬".encode()).but(tiny=1)


def _huge(scene: Scene) -> Reply:
    return _into_text(scene, b"x" * int(scene.number("mib") * _MIB))


def _endless(scene: Scene) -> Reply:
    pieces = (*scene.begun, scene.next) if scene.reply.streamed else (b" " * 65536,)
    return scene.reply.but(pieces=pieces, framing="chunked", ending="endless")


def _length(factor: int) -> Play:
    def play(scene: Scene) -> Reply:
        body = scene.reply.body
        promised = len(body) * 2 if factor > 1 else len(body) // 2
        return scene.reply.but(framing="length", ending="close").having(
            content_length=str(promised)
        )

    return play


def _altered(scene: Scene) -> Reply:
    """One bit of the middle is another."""
    body = bytearray(scene.reply.body)
    body[len(body) // 2] ^= 1
    return scene.reply.but(pieces=(bytes(body),))


def _encoded(scene: Scene, data: bytes, how: str) -> Reply:
    return scene.reply.but(pieces=(data,)).having(content_encoding=how)


def _bomb(scene: Scene) -> Reply:
    """A small body that swells to `mib`."""
    made = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = b" " * _MIB
    data = b"".join(made.compress(block) for _ in range(int(scene.number("mib"))))
    return _encoded(scene, data + made.flush(), "gzip")


DURING: tuple[Fault, ...] = (
    Fault("stall", 10, "Silence amid the answer", "half an event after `after` pieces, then "
          "nothing", "during", _stall, _AFTER),
    Fault("stream-cut", 11, "Cut off", "closed inside a chunk after `after` pieces", "during",
          _ends("cut"), _AFTER),
    Fault("stream-reset", 11, "Broken off", "a reset connection after `after` pieces", "during",
          _ends("reset"), _AFTER),
    Fault("early-close", 12, "Ends too soon", "a clean close without the last event, where closing "
          "tells the end", "during", _close, _AFTER),
    Fault("early-end", 12, "Ends too soon, in good order", "the last chunk without the last event",
          "during", _unfinished, _AFTER),
    Fault("stream-error", 13, "An error amid the answer", "the vendor's error event after `after` "
          "pieces", "during", _error, {**_AFTER, "kind": "overloaded"}),
    Fault("malformed", 14, "Broken JSON", "an event that is cut in two", "during", _malformed,
          _AFTER),
    Fault("bad-utf8", 15, "Bytes that are no text", "a lone 0xFF inside a text", "during",
          _bad_bytes, _AFTER, harmless=True),
    Fault("split-utf8", 15, "Characters in parts", "letters of several bytes, a byte each write",
          "shape", _split_character, _AFTER, harmless=True),
    Fault("huge-event", 16, "A large event", "one event of `mib` MiB", "during", _huge,
          {**_AFTER, "mib": "20"}, harmless=True),
    Fault("gigantic-event", 16, "An event that is too large", "one event of `mib` MiB", "during",
          _huge, {**_AFTER, "mib": "80"}),
    Fault("endless", 17, "No end", "the same event for ever", "during", _endless, _AFTER),
    Fault("length-long", 30, "Shorter than promised", "Content-Length says twice as much", "during",
          _length(2)),
    Fault("length-short", 30, "Longer than promised", "Content-Length says half as much", "during",
          _length(1)),
    Fault("altered", 30, "One bit is wrong", "a changed byte in the middle", "during", _altered),
    Fault("gzip", 33, "Compressed unasked", "Content-Encoding: gzip", "shape",
          lambda s: _encoded(s, gzip.compress(s.reply.body), "gzip")),
    Fault("gzip-bomb", 33, "A small body that swells", "gzip of `mib` MiB", "shape", _bomb,
          {"mib": "64"}),
    Fault("unknown-encoding", 33, "Compressed unreadably", "Content-Encoding: x-unknown", "shape",
          lambda s: _encoded(s, s.reply.body, "x-unknown")),
)  # fmt: skip
