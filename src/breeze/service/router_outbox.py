"""Responses on their way to one client: bounded, numbered, and kept if they may be asked again."""

from __future__ import annotations

import asyncio
from collections import deque

from breeze.contracts.errors import InputError
from breeze.contracts.router import AIResponse
from breeze.contracts.router_frames import PushFrame
from breeze.service.router_limits import RouterLimits

_OVERHEAD = 256


def size_of(response: AIResponse) -> int:
    """About how many bytes of memory a response takes."""
    data = sum(len(attachment.data) for attachment in response.binary_attachments)
    return _OVERHEAD + len(response.text) + data + sum(map(len, response.metadata.values()))


class _Waiting(asyncio.Queue[AIResponse]):
    """A queue that is full by number or by bytes."""

    def __init__(self, limits: RouterLimits) -> None:
        super().__init__()
        self._limits = limits
        self._bytes = 0

    def full(self) -> bool:
        return self.qsize() >= self._limits.waiting or self._bytes >= self._limits.waiting_bytes

    def _put(self, item: AIResponse) -> None:
        self._bytes += size_of(item)
        super()._put(item)

    def _get(self) -> AIResponse:
        item = super()._get()
        self._bytes -= size_of(item)
        return item

    @property
    def requests(self) -> list[str]:
        """The requests whose responses wait here."""
        waiting: deque[AIResponse] = self._queue  # type: ignore[attr-defined]  # see asyncio.Queue
        return [response.request_id for response in waiting]


class Outbox:
    """`put` waits while the client is behind; `get` is for the one who sends."""

    def __init__(self, limits: RouterLimits) -> None:
        self.seq = 0
        """The number of the last push that was taken."""
        self.keeps = False
        """Whether pushes are kept after they were taken."""
        self._limits = limits
        self._waiting = _Waiting(limits)
        self._kept: deque[PushFrame] = deque()
        self._kept_bytes = 0
        self._again: deque[PushFrame] = deque()

    async def put(self, response: AIResponse) -> None:
        """Hand over a response."""
        await self._waiting.put(response)

    async def get(self) -> PushFrame:
        """The next push."""
        if self._again:
            return self._again.popleft()
        response = await self._waiting.get()
        self.seq += 1
        push = PushFrame(self.seq, response)
        if self.keeps:
            self._keep(push)
        return push

    def repeat(self, after: int) -> tuple[str, ...]:
        """Send again what came after push number `after`; the requests that are answered there.

        Raises InputError when that is gone or was never sent; then nothing is changed.
        """
        if after > self.seq:
            raise InputError(f"after is {after}, but the last push was {self.seq}.", field="after")
        again = [push for push in self._kept if push.seq > after]
        if len(again) < self.seq - after:
            first = self.seq - len(self._kept) + 1
            raise InputError(
                f"The pushes {after + 1} to {first - 1} are no longer kept: resume after "
                f"{first - 1} and go without them, or send the requests again.",
                field="after",
            )
        self._again = deque(again)
        while self._kept and self._kept[0].seq <= after:  # these have arrived
            self._kept_bytes -= size_of(self._kept.popleft().params)
        ids = [push.params.request_id for push in again]
        return tuple(dict.fromkeys([*ids, *self._waiting.requests]))

    def clear(self) -> None:
        """Keep nothing: nobody will ask for it any more."""
        self._kept.clear()
        self._again.clear()
        self._waiting = _Waiting(self._limits)

    def _keep(self, push: PushFrame) -> None:
        self._kept.append(push)
        self._kept_bytes += size_of(push.params)
        while len(self._kept) > 1 and (
            len(self._kept) > self._limits.kept or self._kept_bytes > self._limits.kept_bytes
        ):
            self._kept_bytes -= size_of(self._kept.popleft().params)
