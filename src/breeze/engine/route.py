"""Who answers a request, and what they have said so far."""

from __future__ import annotations

import time
from typing import Any

from breeze.contracts.answers import Result
from breeze.contracts.capability import METHODS
from breeze.contracts.errors import Attempt
from breeze.contracts.events import Finish
from breeze.contracts.request import Request
from breeze.contracts.results import ANSWERS, Fold, with_facts
from breeze.engine.selection import Decision


class Route:
    """Who answers a request, as known so far; filled in as the request travels.

    `code`: of the error in which it ended. `failed`: the tries that did not answer. `fold`: what
    reached the caller. `started`: when work began, by `time.perf_counter`.
    """

    decision: Decision | None = None
    runner = ""
    model = ""
    mock = False
    code = ""
    failed: tuple[Attempt, ...] = ()
    started = 0.0

    def __init__(self, request: Request[Any]) -> None:
        self.request = request
        self.fold = Fold(ANSWERS[METHODS[request.capability]])

    @property
    def delivered(self) -> int:
        """Events that reached the caller."""
        return self.fold.count

    def answer(self, end: Finish) -> Result:
        """The whole answer at the end of a stream, with the facts of who gave it."""
        microseconds = int((time.perf_counter() - self.started) * 1e6)
        metadata = {**(end.metadata or {}), "processing_time_ms": microseconds / 1000}
        self.model = self._answered(str(metadata.get("model_name", "")))
        self.mock = self.mock or metadata.get("mock") is True  # a mock on another server
        if self.mock:
            metadata["mock"] = True
        decision = self.decision.id if self.decision else ""
        if end.result is not None:
            return with_facts(
                end.result,
                request_id=self.request.id,
                runner=self.runner,
                model=end.result.model or self.model,
                mock=self.mock,
                decision=decision,
                attempts=self.failed,
                metadata=metadata,
            )
        return self.fold.result(
            end,
            request_id=self.request.id,
            runner=self.runner,
            model=self.model,
            mock=self.mock,
            decision=decision,
            attempts=self.failed,
            metadata=metadata,
        )

    def _answered(self, said: str) -> str:
        """The model that answered, of which the runner says that it is `said`.

        Servers may call a model by another name, so that counts only where nobody named one, or
        where the runner told that another answers in its place.
        """
        if self.model in ("", said):
            return said
        notes = self.fold.adjusted if said else ()
        other = any(note.field == "model" and note.asked == self.model for note in notes)
        return said if other else self.model
