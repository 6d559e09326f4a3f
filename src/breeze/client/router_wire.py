"""Calls and pushes over as many connections as it takes: each lost one is made again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import chain, count, repeat
from typing import Any, NamedTuple

import msgspec

from breeze.client.router_link import Address, Link
from breeze.client.router_responses import fault_of
from breeze.contracts.errors import (
    InputError,
    NotFoundError,
    ProcessingError,
    RunnerError,
    UnavailableError,
)
from breeze.contracts.router import AIRequest, AIResponse
from breeze.contracts.router_codec import call_frame, encode_frame, read_server_frame, result_of
from breeze.contracts.router_frames import CallId, ListenParams, Method, ResumeParams, ServerFrame

_PAUSES = (0.0, 0.05, 0.1, 0.2, 0.5)
"""Seconds before each try to connect again; then one each."""


class _Pending(NamedTuple):
    method: Method
    params: msgspec.Struct
    answer: asyncio.Future[Any]


class LostError(UnavailableError):
    """The session is gone: nothing more will come."""


class Wire:
    """`on_push` is given each response, `on_lost` the reason when the session is gone for good."""

    def __init__(
        self,
        address: Address,
        key: str,
        *,
        binary: bool,
        on_push: Callable[[AIResponse], None],
        on_lost: Callable[[RunnerError], None],
    ) -> None:
        self._address = address
        self._key = key
        self._binary = binary
        self._on_push = on_push
        self._on_lost = on_lost
        self._ids = count(1)
        self._calls: dict[int, _Pending] = {}
        self._link: Link | None = None
        self._reading: asyncio.Task[None] | None = None
        self._token = ""
        self._resume_seconds = 0.0
        self._seq = 0
        self._error: RunnerError | None = None

    async def open(self, resume_seconds: float) -> None:
        """Connect and listen. Raises UnavailableError and AuthenticationError."""
        self._link = await Link.open(self._address, self._key)
        self._reading = asyncio.create_task(self._read())
        listening = await self.call(Method.REGISTER_LISTENER, ListenParams(resume_seconds))
        self._token, self._resume_seconds = listening.token or "", listening.resume_seconds

    async def close(self, error: RunnerError) -> None:
        """Close for good; calls that wait get `error`."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        self._lose(error)
        if self._link is not None:
            await self._link.close()

    async def call(self, method: Method, params: msgspec.Struct) -> Any:
        """The result of a call. Raises what the server answered, or why it cannot be asked."""
        if self._error is not None:
            raise self._error
        number = next(self._ids)
        pending = _Pending(method, params, asyncio.get_running_loop().create_future())
        self._calls[number] = pending
        try:
            await self._send(number, pending)
            return await pending.answer
        finally:
            del self._calls[number]

    async def _send(self, number: CallId, call: _Pending) -> None:
        if self._link is None:  # the connection is being made again: it is sent then
            return
        frame = call_frame(call.method, number, call.params)
        try:
            await self._link.send(encode_frame(frame, binary=self._binary))
        except OSError:
            return  # the reader sees the same, and it is sent again

    # what comes ---------------------------------------------------------------------------

    async def _read(self) -> None:
        try:
            while self._link is not None:
                async for frame in self._link.frames():
                    self._take(read_server_frame(frame))
                await self._connect_again()
        except msgspec.DecodeError as error:
            text = f"{self._address.where} sent what is no frame: {error}."
            self._lose(ProcessingError(text, detail="malformed"))
        except RunnerError as error:
            self._lose(error)

    def _take(self, frame: ServerFrame) -> None:
        if frame.params is not None:
            self._take_push(frame.seq, frame.params)
            return
        pending = self._calls.get(frame.id) if isinstance(frame.id, int) else None
        if pending is None or pending.answer.done():
            return
        try:
            pending.answer.set_result(result_of(pending.method, frame, binary=self._binary))
        except RunnerError as error:
            pending.answer.set_exception(error)

    def _take_push(self, seq: int, response: AIResponse) -> None:
        fault = fault_of(response)
        if seq != self._seq + 1:
            fault = f"push {seq} came after push {self._seq}"
        if fault:
            text = f"{self._address.where} broke the contract: {fault}."
            raise ProcessingError(text, detail="malformed")
        self._seq = seq
        self._on_push(response)

    # when the connection is lost ----------------------------------------------------------

    async def _connect_again(self) -> None:
        """Go on with the session on a new connection. Raises why that cannot be."""
        if self._link is not None:
            link, self._link = self._link, None
            await link.close()
        if not self._token:
            raise self._cut("it was not to be resumed")
        try:
            async with asyncio.timeout(self._resume_seconds):
                await self._resume()
        except TimeoutError:
            raise self._cut(f"no connection came about in {self._resume_seconds:g} s") from None

    async def _resume(self) -> None:
        for pause in chain(_PAUSES, repeat(1.0)):
            await asyncio.sleep(pause)
            try:
                link, running = await self._go_on()
            except LostError:
                raise
            except (UnavailableError, OSError):
                continue
            self._link = link
            break
        for number, pending in tuple(self._calls.items()):
            if not (isinstance(pending.params, AIRequest) and self._has(pending.params, running)):
                await self._send(number, pending)

    async def _go_on(self) -> tuple[Link, tuple[str, ...]]:
        """A new connection on which the session goes on, and the requests that the server has."""
        link = await Link.open(self._address, self._key)
        try:
            asked = call_frame(Method.RESUME, 0, ResumeParams(self._token, self._seq))
            await link.send(encode_frame(asked, binary=self._binary))
            answer = read_server_frame(await link.first())
            resumed = result_of(Method.RESUME, answer, binary=self._binary)
        except BaseException as error:
            await link.close()
            if isinstance(error, InputError | NotFoundError):
                raise self._cut(error.message) from error
            raise
        return link, tuple(resumed.requests)

    def _has(self, request: AIRequest, running: tuple[str, ...]) -> bool:
        """Whether the server took a request before the connection was lost: then it is answered."""
        if request.id not in running:
            return False
        for pending in self._calls.values():
            if pending.params is request and not pending.answer.done():
                pending.answer.set_result(None)
        return True

    def _cut(self, why: str) -> LostError:
        return LostError(
            f"The connection to {self._address.where} was lost, and the session with it: {why} "
            "Connect again and send again what has no last response.",
            detail="cut",
        )

    def _lose(self, error: RunnerError) -> None:
        if self._error is not None:
            return
        self._error = error
        for pending in self._calls.values():
            if not pending.answer.done():
                pending.answer.set_exception(error)
        self._on_lost(error)
