"""The answer to one chat request as it arrives: lines of JSON in, events out."""

from __future__ import annotations

from collections.abc import Iterable

from breeze.contracts.answers import FinishReason
from breeze.contracts.errors import ProcessingError, RunnerError
from breeze.contracts.events import (
    Adjusted,
    ChatEvent,
    Finish,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
)
from breeze.contracts.requests import ChatRequest
from breeze.contracts.unreadable import UNREADABLE
from breeze.runners._http_answer import Answer
from breeze.runners._http_errors import reported
from breeze.runners._http_lines import LineSplitter
from breeze.runners._ollama_errors import CHAT
from breeze.runners._ollama_line import Line, read_line

_REASONS: dict[str, FinishReason] = {"stop": "stop", "length": "length"}
_MOST_BROKEN = 3
"""Lines in a row with text that is no UTF-8 before it is no text stream."""


class Reply:
    """Reads one answer. `take` gives the events of a piece, `end` the last ones.

    Once `over`, nothing more is of use. An error waits for `end`, so that all that came before it
    is delivered. A whole answer is a stream of one line.
    """

    def __init__(self, answer: Answer, request: ChatRequest, secrets: tuple[str, ...]) -> None:
        self._answer = answer
        self._top = request.top_logprobs
        self._wants_tokens = request.logprobs
        self._secrets = secrets
        self._lines = LineSplitter()
        self._calls = self._broken = 0
        self._error: RunnerError | None = None
        self._last: Line | None = None
        self._known = self._strange = False
        self.over = False

    def take(self, data: bytes) -> list[ChatEvent]:
        """The events that `data` brings."""
        try:
            lines = self._lines.feed(data)
        except ProcessingError as error:  # a line beyond all bounds
            self._fail(error)
            return []
        return self._read_all(lines)

    def take_whole(self, body: bytes) -> list[ChatEvent]:
        """The events of an answer that came whole, as far as its framing can tell."""
        answer = self._answer
        framed = answer.header("content-length") or answer.header("transfer-encoding")
        return self.take(body + b"\n") if framed else self.take(body)

    def end(self) -> list[ChatEvent]:
        """The last events. Raises the error that came instead, or ProcessingError (`cut`)."""
        events = [] if self.over else self._read_all(self._lines.end(), closed=False)
        if self._error is not None:
            try:
                raise self._error
            finally:
                self._error = None  # it holds the frames that hold this reply
        if self._last is None and self._strange and not self._known:
            raise _malformed(self._answer.where, b"")
        if self._last is None:
            raise ProcessingError(
                f"{self._answer.where} ended its stream before the answer was complete. "
                "Send the request again.",
                detail="cut",
            )
        return [*events, *self._ending(self._last)]

    def _read_all(self, lines: Iterable[bytes], *, closed: bool = True) -> list[ChatEvent]:
        events: list[ChatEvent] = []
        for line in lines:
            if self.over:
                break
            found = self._read(line)
            if found is not None:
                self._take_line(found, events)
            elif closed or _is_page(line):
                self._fail(_malformed(self._answer.where, line))
        return events

    def _read(self, line: bytes) -> Line | None:
        """A line as its type, with marks in the place of what is no UTF-8; None when it is none."""
        try:
            found = read_line(line)
        except UNREADABLE:
            text = line.decode("utf-8", "replace")
            self._broken += 1
            if "\ufffd" not in text or self._broken >= _MOST_BROKEN:
                return None
            try:
                return read_line(text)
            except UNREADABLE:
                return None
        self._broken = 0
        return found

    def _take_line(self, line: Line, events: list[ChatEvent]) -> None:
        if line.error:
            said = {"error": line.error}
            self._fail(
                reported(said, self._answer, secrets=self._secrets, field="messages", says=CHAT)
            )
            return
        known = line.message is not None or bool(line.done)
        self._known, self._strange = self._known or known, not known
        if (message := line.message) is not None:
            if message.thinking:
                events.append(ReasoningDelta(message.thinking))
            tokens = line.tokens(self._top) if self._wants_tokens else ()
            if message.content or tokens:
                if self._wants_tokens and not tokens:
                    self._wants_tokens = False
                    events.append(Adjusted("logprobs", True, False, "this server tells none"))
                events.append(TextDelta(message.content or "", 0, tokens))
            for call in message.tool_calls or ():
                events.append(ToolCallDelta(self._calls, *call.parts()))
                self._calls += 1
        if line.done:
            self.over, self._last = True, line
            self._answer.release()

    def _ending(self, last: Line) -> list[ChatEvent]:
        raw = last.done_reason or "stop"
        reason = _REASONS.get(raw, "stop")
        facts = last.facts() | ({} if raw in _REASONS else {"finish_reason": raw})
        if reason == "stop" and self._calls:
            reason = "tool_calls"
        usage = last.usage()
        return [*([usage] if usage is not None else []), Finish(reason, metadata=facts or None)]

    def _fail(self, error: RunnerError) -> None:
        self.over, self._error = True, error


def _is_page(line: bytes) -> bool:
    return line.lstrip()[:1] == b"<"


def _malformed(where: str, line: bytes) -> ProcessingError:
    what = "a web page" if _is_page(line) else "a line that is no answer"
    return ProcessingError(f"{where} sent {what}. Is base_url right?", detail="malformed")
