"""A short cut for chunks that differ from the one before in nothing but their text.

Nearly all chunks of a stream do, byte for byte. Once the place of the text is known, and proven
by parsing, only the text need be parsed in the rest.
"""

from __future__ import annotations

import msgspec

from breeze.contracts.dialects.openai import ChunkReader, UpstreamError
from breeze.contracts.errors import ProcessingError
from breeze.contracts.events import ChatEvent, TextDelta
from breeze.contracts.unreadable import UNREADABLE

_PROBE = b'"probe"'
_LARGEST = 1024
"""Bytes of a chunk that is worth it."""
_TRIES = 4
"""Chunks to learn from. A server that varies more than the text is read the long way."""
_UNSET = b"\0", b"", 0
"""Between what no chunk has."""
_LEAD, _CLOSE = b"data: ", b"\n\n"
"""What stands before and after a chunk on the wire."""

_string = msgspec.json.Decoder(str).decode


class Frame:
    """A text as JSON between two constants. It is unset until they are known."""

    __slots__ = ("_after", "_before", "_choice", "_first", "_last")

    def __init__(self) -> None:
        self.set(*_UNSET)

    def unset(self) -> None:
        """Nothing is between them."""
        self.set(*_UNSET)

    def set(self, before: bytes, after: bytes, choice: int) -> None:
        """The text between the two belongs to `choice`."""
        self._before, self._after, self._choice = before, after, choice
        self._first, self._last = len(before), -len(after)

    def text(self, data: bytes) -> TextDelta | None:
        """The text of `data`, None when it is anything else than one text between the two."""
        if data.startswith(self._before) and data.endswith(self._after):
            quoted = data[self._first : self._last]
            if b"\n" in quoted:  # several events
                return None
            try:
                text = _string(quoted)
            except UNREADABLE:
                return None
            if text:
                return TextDelta(text, self._choice)
        return None


class TextForm:
    """What stands around the text in a chunk that holds text for one choice, once it is known.

    `chunk` is the frame of a chunk, `piece` that of a piece of the stream that is one chunk.
    """

    __slots__ = ("_begins", "_known", "_tries", "chunk", "piece")

    def __init__(self) -> None:
        self.chunk, self.piece = Frame(), Frame()
        self._known: tuple[bytes, bytes, int] | None = None
        self._begins: bool | None = None
        self._tries = _TRIES

    def expect(self, begins: bool) -> None:
        """Say whether the next piece begins where an event does."""
        if begins is self._begins:
            return
        self._begins = begins
        if begins and self._known is not None:
            before, after, choice = self._known
            self.piece.set(_LEAD + before, after + _CLOSE, choice)
        else:
            self.piece.unset()

    def learn(self, chunk: bytes, events: list[ChatEvent]) -> None:
        """Take the form of `chunk`, which gave `events`, if it is one."""
        if not self._tries or len(events) != 1 or len(chunk) > _LARGEST:
            return
        event = events[0]
        if type(event) is not TextDelta or event.logprobs or event.metadata:
            return
        self._tries -= 1
        text = event.text.encode("utf-8", "surrogatepass")
        before, quoted, after = chunk.partition(b'"%b"' % text)
        if quoted and _holds(before, after, event.choice):
            self._known = before, after, event.choice
            self.chunk.set(*self._known)
            self._begins = None


def _holds(before: bytes, after: bytes, choice: int) -> bool:
    """True when what stands between the two is the text of the choice, and all that there is."""
    try:
        return ChunkReader().read(before + _PROBE + after) == [TextDelta("probe", choice)]
    except (ProcessingError, UpstreamError):
        return False
