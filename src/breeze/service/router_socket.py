"""One socket of the router, whatever carries it: frames in, frames out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from breeze.contracts.errors import RunnerError, TooLargeError
from breeze.contracts.router_codec import encode_frame, params_of, read_call
from breeze.contracts.router_frames import Call, ErrorFrame, Method, ResultFrame
from breeze.service.router import RouterService
from breeze.service.router_dispatch import SLOW, dispatch
from breeze.service.router_limits import MIB

SendFrame = Callable[[str | bytes], Awaitable[None]]
"""Sends a text or binary frame; waits while the client does not read; OSError when it has left."""
CloseSocket = Callable[[int, str], Awaitable[None]]

TAKEN_OVER = 4000
"""Close code of a socket whose session went on in another one."""
_AT_ONCE = 32


class RouterSocket:
    """`receive` is given each frame of the client in turn; answers come in the kind of the last."""

    def __init__(
        self,
        service: RouterService,
        send: SendFrame,
        close: CloseSocket,
        *,
        owner: str = "",
        operate: bool = False,
    ) -> None:
        self._service = service
        self._send_frame = send
        self._close = close
        self._binary = False
        self._line = service.lines.open(self, owner, operate=operate)
        self._pushing = asyncio.create_task(self._push())
        self._slow: set[asyncio.Task[None]] = set()

    async def receive(self, frame: str | bytes) -> None:
        """Answer one frame; nothing that is in it ends the socket. Raises OSError of `send`."""
        self._binary = not isinstance(frame, str)
        limit = self._service.limits.frame
        if len(frame) > limit:
            error = TooLargeError(f"The frame is larger than {limit / MIB:g} MiB.")
            await self._send(ErrorFrame.of(None, error))
            return
        call = read_call(frame)
        if isinstance(call, ErrorFrame):
            await self._send(call)
        elif call.method is Method.RESUME:
            await self._resume(call)
        elif call.method in SLOW and len(self._slow) < _AT_ONCE:
            task = asyncio.create_task(self._answer_aside(call))
            self._slow.add(task)
            task.add_done_callback(self._slow.discard)
        else:
            await self._answer(call)

    async def left(self, *, for_good: bool) -> None:
        """The socket is closed. `for_good`: by the client itself, so it will not resume."""
        for task in (self._pushing, *self._slow):
            task.cancel()
        await asyncio.gather(self._pushing, *self._slow, return_exceptions=True)
        await self._service.lines.leave(self._line, self, for_good=for_good)

    async def taken_over(self) -> None:
        """Another socket goes on with the session."""
        self._pushing.cancel()
        await asyncio.gather(self._pushing, return_exceptions=True)
        try:
            await self._close(TAKEN_OVER, "the session goes on in another connection")
        except OSError:
            return  # it had gone already

    async def _answer(self, call: Call) -> None:
        await self._send(await dispatch(self._line, call))

    async def _answer_aside(self, call: Call) -> None:
        try:
            await self._answer(call)
        except OSError:
            return  # the client has left; whoever reads from it will say so

    async def _resume(self, call: Call) -> None:
        """Go on with an earlier session; its pushes follow the answer to this call."""
        try:
            resumed = await self._service.lines.resume(self._line, params_of(call), self)
        except RunnerError as error:
            await self._send(ErrorFrame.of(call.id, error))
            return
        self._pushing.cancel()
        self._line, result = resumed
        await self._send(ResultFrame(call.id, result))
        self._pushing = asyncio.create_task(self._push())

    async def _push(self) -> None:
        outbox = self._line.outbox
        while True:
            push = await outbox.get()
            try:
                await self._send(push)
            except OSError:
                return  # the client has left; whoever reads from it will say so

    async def _send(self, frame: Any) -> None:
        await self._send_frame(encode_frame(frame, binary=self._binary))
