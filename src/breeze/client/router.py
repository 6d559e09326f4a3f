"""The router contract as a client calls it: the methods of IAIRouterService, over a WebSocket.

async with RouterClient.connect("ws://127.0.0.1:8765") as router:
    request = AIRequest(id="1", text="Hello", session_id="s", timestamp=0, api_version=2)
    async for response in await router.send_message(request):
        print(response.state, response.text)
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Self

from breeze.client.router_link import Address
from breeze.client.router_responses import Responses, lost
from breeze.client.router_wire import Wire
from breeze.contracts.answers import Adjustment
from breeze.contracts.errors import CancelledError, RunnerError
from breeze.contracts.router import AIRequest, AIResponse, Configuration
from breeze.contracts.router_frames import CancelParams, CapabilityParams, Method, Nothing

Listener = Callable[[AIResponse], Awaitable[None] | None]


class RouterClient:
    """One session with a router. All methods may be called at the same time.

    A lost connection is made again, and what was not delivered is delivered then. When that
    fails, every open request ends in a response of state ERROR, and calls raise UnavailableError.
    """

    def __init__(self, where: str, *, key: str = "", binary: bool = False) -> None:
        self._open: dict[str, Responses] = {}
        self._listeners: list[Listener] = []
        self._told: asyncio.Queue[AIResponse] = asyncio.Queue()
        self._wire = Wire(
            Address(where), key, binary=binary, on_push=self._deliver, on_lost=self._lose
        )

    @classmethod
    @asynccontextmanager
    async def connect(
        cls, where: str, *, key: str = "", binary: bool = False, resume_seconds: float = 30
    ) -> AsyncIterator[Self]:
        """A client for the time of the block; leaving it stops what is still running.

        `where`: `ws://host:port`, `http://host:port`, or the path of a Unix socket. `binary`:
        msgpack instead of JSON. `resume_seconds`: how long a lost connection may be made again
        (0-300; 0 is not at all). Raises UnavailableError and AuthenticationError.
        """
        client = cls(where, key=key, binary=binary)
        telling = asyncio.create_task(client._tell())
        try:
            await client._wire.open(resume_seconds)
            yield client
        finally:
            telling.cancel()
            await client._wire.close(CancelledError("The client was closed."))
            await asyncio.gather(telling, return_exceptions=True)

    async def get_api_version(self) -> int:
        """The major version of the service."""
        return int(await self._wire.call(Method.GET_API_VERSION, Nothing()))

    async def get_api_minor(self) -> int:
        """The minor version of the service."""
        return int(await self._wire.call(Method.GET_API_MINOR, Nothing()))

    async def initialize(self, configuration: Configuration) -> tuple[Adjustment, ...]:
        """Set the configuration of this session; what of it has no effect. Raises InputError."""
        result = await self._wire.call(Method.INITIALIZE, configuration)
        return tuple(result.adjustments)

    async def send_message(self, request: AIRequest) -> Responses:
        """Have a request answered. The responses go to the listeners, or else to who iterates.

        Raises InputError when the service cannot take it at all.
        """
        responses = Responses(request.id, to_listeners=bool(self._listeners))
        mine = self._open.setdefault(request.id, responses) is responses
        try:
            await self._wire.call(Method.SEND_MESSAGE, request)
        except BaseException:
            if mine:
                self._open.pop(request.id, None)
            raise
        return responses

    async def cancel_request(self, request_id: str) -> bool:
        """Stop a request. True only if something was stopped."""
        return bool(await self._wire.call(Method.CANCEL_REQUEST, CancelParams(request_id)))

    async def register_listener(self, listener: Listener) -> None:
        """Deliver the responses of requests that are sent from now on; twice is once."""
        if listener not in self._listeners:
            self._listeners.append(listener)

    async def unregister_listener(self, listener: Listener) -> None:
        """Deliver nothing more to `listener`."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    async def has_capability(self, name: str) -> bool:
        """Whether the service can do it now."""
        return bool(await self._wire.call(Method.HAS_CAPABILITY, CapabilityParams(name)))

    # delivery -----------------------------------------------------------------------------

    def _deliver(self, response: AIResponse) -> None:
        responses = self._open.get(response.request_id)
        if responses is None:  # nobody waits for it any more
            return
        responses.add(response)
        if responses.to_listeners:
            self._told.put_nowait(response)
        if response.is_complete:
            del self._open[response.request_id]

    def _lose(self, error: RunnerError) -> None:
        for request_id in tuple(self._open):
            self._deliver(lost(request_id, error))

    async def _tell(self) -> None:
        """Call the listeners, outside the reading, so that they may call back."""
        while True:
            response = await self._told.get()
            for listener in tuple(self._listeners):
                try:
                    waiting = listener(response)
                    if inspect.isawaitable(waiting):
                        await waiting
                except Exception:  # a listener's fault must not end the others' delivery
                    logging.getLogger("breeze.client").exception("a listener failed")
