"""The rule of the end: exactly one, nothing after it, and the text is what its pieces were.

A stream that just stops was cut, whatever status the connection had. That is never success.
"""

from __future__ import annotations

from typing import Any

import msgspec

from breeze.contracts.answers import ChatAnswer, Result, Transcription
from breeze.contracts.errors import ProcessingError, from_info
from breeze.contracts.events import (
    EVENTS,
    Finish,
    Redacted,
    Restarted,
    TextDelta,
    Transcript,
)
from breeze.contracts.results import ANSWERS, Fold
from breeze.contracts.values import ErrorInfo
from breeze.contracts.wire import decode_event

_TEXT = frozenset((TextDelta, Redacted, Restarted, Transcript))


class Truth:
    """Reads the messages of one stream. `delivered`: events so far; `finished`: the end came."""

    def __init__(self, method: str) -> None:
        self._allowed = frozenset(EVENTS[method])
        self._fold = Fold(ANSWERS[method])
        self.delivered = 0
        self.finished = False

    def take(self, message: bytes) -> Any:
        """The event in `message`. Raises the error it carries, or E101 `malformed`."""
        try:
            event = decode_event(message)
        except msgspec.DecodeError as error:
            raise self.malformed(f"message {self.delivered + 1} is no event: {error}") from error
        kind = type(event)
        if kind in _TEXT:
            self._fold.add(event)  # type: ignore[arg-type]  # an ErrorInfo is not in _TEXT
        elif isinstance(event, ErrorInfo):
            self.finished = True
            raise from_info(event)
        if kind not in self._allowed:
            raise self.malformed(f"a {kind.__name__} does not belong to this kind of answer")
        if isinstance(event, Finish):
            self.finished = True
            self._check(event.result)
        self.delivered += 1
        return event

    @property
    def text(self) -> str:
        """The text of the first choice so far, without what was withdrawn."""
        return self._fold.text()

    def malformed(self, what: str) -> ProcessingError:
        """The error of a stream that breaks the rules."""
        return ProcessingError(
            f"The server's answer is not sound: {what}. Check that the server's version fits "
            "this client's.",
            detail="malformed",
            delivered=self.delivered,
        )

    def _check(self, result: Result | None) -> None:
        """Whether the pieces of text were the whole text."""
        if isinstance(result, ChatAnswer):
            for number, choice in enumerate(result.choices):
                self._same(self._fold.text(number), choice.text)
            added = self._fold.result(Finish())
            assert isinstance(added, ChatAnswer)
            self._same(_all(added), _all(result))  # no piece belongs to a choice that is not there
        elif isinstance(result, Transcription):
            heard = self._fold.result(Finish())
            assert isinstance(heard, Transcription)
            self._same(heard.text, result.text)

    def _same(self, pieces: str, whole: str) -> None:
        if pieces != whole:
            raise self.malformed(
                f"the text came as {len(pieces)} characters in pieces, and is another text of "
                f"{len(whole)} characters as a whole"
            )


def _all(answer: ChatAnswer) -> str:
    return "".join(choice.text for choice in answer.choices)
