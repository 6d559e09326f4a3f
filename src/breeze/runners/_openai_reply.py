"""The answer to one chat request as it arrives: pieces of bytes in, events out."""

from __future__ import annotations

from breeze.contracts.dialects.openai import ChunkReader, UpstreamError
from breeze.contracts.errors import ProcessingError, RunnerError
from breeze.contracts.events import ChatEvent, Finish
from breeze.runners._http_answer import Answer
from breeze.runners._http_errors import reported
from breeze.runners._http_sse import Fields
from breeze.runners._openai_says import SAYS
from breeze.runners._openai_text import TextForm
from breeze.runners._reply import PieceReply

_DONE = b"[DONE]"


def _with_error(fields: Fields) -> bytes:
    """The data of an event; older servers write an error as a field of its own."""
    if b"error" in fields:
        return b'{"error":' + fields[b"error"] + b"}"
    return fields.get(b"data", b"")


class Reply(PieceReply):
    """Reads one answer. `end` gives the last events, and raises the error that was kept.

    What `text` gives for a piece need not be taken: the usual case when pieces come slowly.
    """

    __slots__ = ("_answer", "_form", "_reader", "_secrets", "text")
    _data_of = staticmethod(_with_error)

    def __init__(self, answer: Answer, top: int, secrets: tuple[str, ...]) -> None:
        super().__init__()
        self._answer = answer
        self._reader = ChunkReader(top=top)
        self._secrets = secrets
        self._form = TextForm()
        self.text = self._form.piece.text

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
        if (split := self._split) is not None:
            self._form.expect(split.clean)
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
        text = self._marked(chunk)
        if text is None:
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
        elif not self.over:
            events = self._last()
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


def _malformed(where: str, what: object) -> ProcessingError:
    text = what.message if isinstance(what, RunnerError) else f"It sent {what}."
    return ProcessingError(f"{where} sent no chat completion. {text}", detail="malformed")
