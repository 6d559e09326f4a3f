"""The responses to one request, as a client takes them."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Self

from breeze.contracts.errors import RunnerError
from breeze.contracts.router import AIResponse, ResponseState


class Responses:
    """Iterate to take the responses; the one that is complete is the last.

    When listeners were registered as the request was sent, they get the responses instead, and
    iterating raises RuntimeError.
    """

    def __init__(self, request_id: str, *, to_listeners: bool) -> None:
        self.request_id = request_id
        self.to_listeners = to_listeners
        self._waiting: deque[AIResponse] = deque()
        self._came = asyncio.Event()
        self._ended = False

    def add(self, response: AIResponse) -> None:
        """The next one came."""
        if not self.to_listeners:
            self._waiting.append(response)
            self._came.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> AIResponse:
        if self.to_listeners:
            raise RuntimeError("These responses go to the listeners that were registered.")
        if self._ended:
            raise StopAsyncIteration
        while not self._waiting:
            self._came.clear()
            await self._came.wait()
        response = self._waiting.popleft()
        self._ended = response.is_complete
        return response

    async def last(self) -> AIResponse:
        """The response that is complete: state COMPLETED or ERROR."""
        async for response in self:
            if response.is_complete:
                return response
        raise RuntimeError("The last response was taken before.")


def fault_of(response: AIResponse) -> str:
    """What is wrong with a response by the contract; empty when nothing is."""
    ends = response.state in (ResponseState.COMPLETED, ResponseState.ERROR)
    if response.is_complete is not ends:
        return f"isComplete is {response.is_complete} in state {response.state}"
    if (response.error is not None) is not (response.state is ResponseState.ERROR):
        return f"error is {response.error!r} in state {response.state}"
    return ""


def lost(request_id: str, error: RunnerError) -> AIResponse:
    """The last response of a request whose own will never come."""
    return AIResponse(
        request_id=request_id,
        text="",
        is_complete=True,
        state=ResponseState.ERROR,
        metadata={"error_code": error.code, "detail": error.detail or "cut"},
        error=error.message,
    )
