"""A short cut for chunks that differ from the one before in nothing but their text.

Nearly all chunks of a stream do, byte for byte. Once the place of the text is known, and proven
by parsing, the rest need not be parsed again.
"""

from __future__ import annotations

from breeze.contracts.dialects.openai import ChunkReader, UpstreamError
from breeze.contracts.errors import ProcessingError
from breeze.contracts.events import ChatEvent, TextDelta

_PROBE = b"probe"
_LARGEST = 1024
"""Bytes of a chunk that is worth it."""
_TRIES = 4
"""Chunks to learn from. A server that varies more than the text is read the long way."""


class TextForm:
    """What stands before and after the text in a chunk that holds plain text for one choice.

    Until a form is known, no chunk begins with `before`, and no event with `lead`.
    """

    __slots__ = ("_tries", "after", "before", "choice", "close", "lead")

    def __init__(self) -> None:
        self.before = self.lead = b"\0"
        self.after = self.close = b""
        self.choice = 0
        self._tries = _TRIES

    def only(self, event: bytes) -> TextDelta | None:
        """What a whole event on the wire holds, when it is one of this form and nothing more."""
        if event.startswith(self.lead) and event.endswith(self.close):
            return self.plain(event[len(self.lead) : -len(self.close)])
        return None

    def plain(self, text: bytes) -> TextDelta | None:
        """The event of `text` from between the two, None when it is not plain."""
        if not text or b'"' in text or b"\\" in text:
            return None
        try:
            return TextDelta(text.decode(), self.choice)
        except UnicodeDecodeError:
            return None

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
        if quoted and _holds(before + b'"', b'"' + after, event.choice):
            self.before, self.after, self.choice = before + b'"', b'"' + after, event.choice
            self.lead, self.close = b"data: " + self.before, self.after + b"\n\n"


def _holds(before: bytes, after: bytes, choice: int) -> bool:
    """True when what stands between the two is the text of the choice, and all that there is."""
    try:
        return ChunkReader().read(before + _PROBE + after) == [TextDelta(_PROBE.decode(), choice)]
    except (ProcessingError, UpstreamError):
        return False
