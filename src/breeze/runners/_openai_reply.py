"""The answer to one chat request as it arrives: pieces of bytes in, events out."""

from __future__ import annotations

from breeze.contracts.dialects.openai import ChunkReader, UpstreamError
from breeze.contracts.errors import ProcessingError, RunnerError
from breeze.contracts.events import ALIVE, ChatEvent, Finish
from breeze.runners._http_answer import Answer
from breeze.runners._http_errors import reported
from breeze.runners._http_sse import EventSplitter, Fields
from breeze.runners._openai_says import SAYS
from breeze.runners._openai_text import TextForm

_DONE = b"[DONE]"
_WHOLE = (b"{", b"[", b"<")
"""How JSON and web pages begin, and no stream."""
_MOST_BROKEN = 3
"""Pieces in a row with text that is no UTF-8 before it is no text stream."""


class Reply:
    """Reads one answer, be it a stream or whole: what it begins with tells.

    `take` gives the events of a piece; once `over` nothing more is of use. `end` gives the last
    events. An error waits for `end`, so that all that came before it is delivered. What `text`
    gives for a piece need not be taken: the usual case when pieces come slowly.
    """

    __slots__ = (
        "_answer", "_broken", "_error", "_form", "_reader", "_secrets", "_split", "_whole", "over",
        "text",
    )  # fmt: skip

    def __init__(self, answer: Answer, top: int, secrets: tuple[str, ...]) -> None:
        self._answer = answer
        self._reader = ChunkReader(top=top)
        self._secrets = secrets
        self._split: EventSplitter | None = None
        self._whole: list[bytes] = []
        self._error: RunnerError | None = None
        self._form = TextForm()
        self.text = self._form.piece.text
        self._broken = 0
        self.over = False

    def take(self, data: bytes) -> list[ChatEvent]:
        """The events that `data` brings."""
        if self._split is None:
            begin = data.lstrip()[:1]
            if self._whole or begin in _WHOLE:
                self._whole.append(data)
            if self._whole or not begin:
                return []
            self._split = EventSplitter(_with_error)
        try:
            chunks = self._split.feed(data)
        except ProcessingError as error:  # an event beyond all bounds
            self.over, self._error = True, error
            return []
        events = self._read_all(chunks)
        self._form.expect(self._split.clean)
        if not events and data[:1] == b":":
            events.append(ALIVE)  # a comment: nothing new, but the server is there
        return events

    def _read_all(self, chunks: list[bytes]) -> list[ChatEvent]:
        events: list[ChatEvent] = []
        text_of, broken = self._form.chunk.text, self._broken
        for chunk in chunks:
            if (text := text_of(chunk)) is not None:
                events.append(text)
                continue
            if chunk[:6] == _DONE:
                self.over = True
                self._answer.release()
                break
            if not self._read(chunk, events):
                break
        if broken and self._broken == broken:
            self._broken = 0
        return events

    def _read(self, chunk: bytes, events: list[ChatEvent]) -> bool:
        """Read one chunk the long way. False when it is an error, which ends the answer."""
        try:
            found = self._reader.read(chunk)
        except UpstreamError as error:
            self.over, self._error = True, self._reported(error)
        except (ProcessingError, UnicodeDecodeError) as error:
            if self._mended(chunk, events):
                return True
            self.over, self._error = True, _malformed(self._answer.where, error)
        else:
            if self._split is not None:
                self._form.learn(chunk, found)
            events += found
            return True
        return False

    def _mended(self, chunk: bytes, events: list[ChatEvent]) -> bool:
        """Read a chunk whose text is no UTF-8, with marks in the place of what is wrong."""
        text = chunk.decode("utf-8", "replace")
        self._broken += 1
        if "\ufffd" not in text or self._broken >= _MOST_BROKEN:
            return False
        try:
            events += self._reader.read(text)
        except (ProcessingError, UpstreamError):
            return False
        return True

    def end(self) -> list[ChatEvent]:
        """The last events. Raises the error that came instead, or ProcessingError (`cut`)."""
        events: list[ChatEvent] = []
        if self._whole:
            events = self._read_whole(b"".join(self._whole))
        elif self._split is not None and not self.over:
            events = self._last(self._split.end())
        if self._error is not None:
            try:
                raise self._error
            finally:
                self._error = None  # it holds the frames that hold this reply
        reader = self._reader
        if reader.reason is None and self.over:  # the server says that this was all
            events += [reader.usage] if reader.usage is not None else []
            return [*events, named(Finish(), reader.model)]
        *last, finish = reader.end()
        return [*events, *last, named(finish, reader.model)]

    def _read_whole(self, body: bytes) -> list[ChatEvent]:
        if body.lstrip()[:1] == b"<":
            self._error = _malformed(self._answer.where, "a web page")
            return []
        events: list[ChatEvent] = []
        self._read(body, events)
        self.over = bool(events)
        if not events and self._reader.reason is None and self._error is None:
            self._error = _malformed(self._answer.where, "JSON without an answer")
        return events

    def _last(self, chunks: list[bytes]) -> list[ChatEvent]:
        """A last event that nothing closed counts if it can be read."""
        events = self._read_all(chunks)
        if isinstance(self._error, ProcessingError) and self._error.detail == "malformed":
            self.over, self._error = False, None
        return events

    def _reported(self, error: UpstreamError) -> RunnerError:
        return reported(
            error.error, self._answer, secrets=self._secrets, field="messages", says=SAYS
        )


def named(finish: ChatEvent, model: str) -> Finish:
    """The end of an answer, with the model that the server named."""
    assert isinstance(finish, Finish)
    if not model:
        return finish
    return Finish(finish.reason, metadata={**(finish.metadata or {}), "model_name": model})


def _with_error(fields: Fields) -> bytes:
    """The data of an event; older servers write an error as a field of its own."""
    if b"error" in fields:
        return b'{"error":' + fields[b"error"] + b"}"
    return fields.get(b"data", b"")


def _malformed(where: str, what: object) -> ProcessingError:
    text = what.message if isinstance(what, RunnerError) else f"It sent {what}."
    return ProcessingError(f"{where} sent no chat completion. {text}", detail="malformed")
