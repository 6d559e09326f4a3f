"""The files of a server's models, for programs without an event loop."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from breeze.client.client import Client
from breeze.contracts.events import Finish, Progress
from breeze.contracts.shelf import PullStatus, Shelf

T = TypeVar("T")


class Waiting(Protocol):
    """Whoever carries out what is asynchronous."""

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` returns or raises."""


class SyncShelfAsking:
    """The questions; a base of `SyncClient`."""

    _client: Client
    _loop: Waiting

    def shelf(self) -> Shelf:
        """The models on the server's disk, in its catalogue, and on their way."""
        return self._loop.wait(self._client.shelf())

    @contextmanager
    def pull(self, model: str, *, again: bool = False) -> Iterator[Iterator[Progress | Finish]]:
        """Have the server fetch a model: Progress in bytes, then one Finish. Raises RunnerError.

        with client.pull("hf:org/name") as events:
            for event in events: ...

        Leaving the block ends the watching: the server goes on.
        """
        events = self._client.pull(model, again=again)
        try:
            yield iter(lambda: self._loop.wait(_next(events)), None)
        finally:
            self._loop.wait(events.aclose())

    def pause_pull(self, id: str) -> PullStatus:
        """Stop a pull there; what has come stays."""
        return self._loop.wait(self._client.pause_pull(id))

    def resume_pull(self, id: str) -> PullStatus:
        """Go on with a pull that rests, in the background."""
        return self._loop.wait(self._client.resume_pull(id))

    def cancel_pull(self, id: str) -> None:
        """Stop a pull there and forget what has come of it."""
        self._loop.wait(self._client.cancel_pull(id))

    def remove_model(self, id: str) -> int:
        """Delete a model from the server's disk; bytes that are free now."""
        return self._loop.wait(self._client.remove_model(id))


async def _next(events: AsyncGenerator[Progress | Finish]) -> Progress | Finish | None:
    return await anext(events, None)
