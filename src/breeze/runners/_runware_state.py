"""How far one task is: sent, accepted, its results, its trouble."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from breeze.contracts.errors import RunnerError
from breeze.runners._runware_download import Picture
from breeze.runners._runware_tasks import Item

_DONE = ("imageURL", "imageBase64Data", "imageDataURI", "text")
_IDS = ("imageUUID", "taskUUID")


class State:
    """One task on its way. `trouble`: what came in its way and may pass; `error`: its end."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.tries = 0
        self.accepted = False
        self.known = False
        """The server has said something of it."""
        self.trouble: RunnerError | None = None
        self.error: RunnerError | None = None
        self.text: str | None = None
        self.pictures: dict[str, Picture] = {}
        self.failed: dict[str, RunnerError] = {}
        self.fetching: dict[str, asyncio.Task[None]] = {}
        self.order: dict[str, int] = {}
        self.costs: dict[str, float] = {}

    @property
    def uuid(self) -> str:
        """The id of its task at present."""
        return self.item.uuid(self.tries)

    @property
    def answered(self) -> bool:
        """Nothing more is to be expected of the server."""
        return self.error is not None or len(self.order) >= self.item.count

    @property
    def over(self) -> bool:
        """Nothing more is to be expected at all."""
        return self.answered and all(task.done() for task in self.fetching.values())

    @property
    def cost(self) -> float | None:
        """What its results cost, None when that was not said."""
        return sum(self.costs.values()) if self.costs else None

    def result(self, item: Mapping[str, Any]) -> str:
        """The id of a result that is new and complete; empty for all else that is said of it."""
        self.accepted = self.known = True
        if not any(item.get(name) for name in _DONE):
            return ""
        index = item.get("resultIndex")
        name = next((str(item[i]) for i in _IDS if item.get(i)), str(len(self.order)))
        if name in self.order or len(self.order) >= self.item.count:
            return ""
        self.order[name] = index if isinstance(index, int) else len(self.order)
        return name

    def wrong(self, error: RunnerError) -> None:
        """The server said that this task failed."""
        if error.retryable and not self.order:
            self.trouble = error
        elif not self.answered:
            self.error = error

    def again(self) -> None:
        """Try it once more, as a new task."""
        self.tries += 1
        self.trouble, self.accepted, self.known = None, False, False

    def fail(self, error: RunnerError) -> None:
        """This is its end."""
        if not self.answered:
            self.error = error
        self.trouble = None

    def outcome(self) -> tuple[list[Picture], list[RunnerError]]:
        """What came of it at its end, in the server's order: pictures, and why others are none."""
        names = sorted(self.order, key=self.order.__getitem__)
        made = [self.pictures[name] for name in names if name in self.pictures]
        lost = [self.failed[name] for name in names if name in self.failed]
        missing = self.item.count - len(made) - len(lost)
        return made, lost + ([self.error] * missing if self.error is not None else [])
