"""From a call that was read to the frame that answers it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from breeze.contracts.errors import RunnerError
from breeze.contracts.router import AIRequest, Configuration
from breeze.contracts.router_codec import params_of
from breeze.contracts.router_frames import (
    Call,
    CancelParams,
    CapabilityParams,
    ErrorFrame,
    Initialized,
    Listening,
    ListenParams,
    Method,
    Nothing,
    ResultFrame,
)
from breeze.service.router_lines import Line


async def dispatch(line: Line, call: Call) -> ResultFrame | ErrorFrame:
    """Do what a call asks of its session (all methods but `resume`, which changes the session)."""
    try:
        return ResultFrame(call.id, await _DO[call.method](line, params_of(call)))
    except RunnerError as error:
        return ErrorFrame.of(call.id, error)


async def _version(line: Line, params: Nothing) -> int:
    return await line.session.get_api_version()


async def _minor(line: Line, params: Nothing) -> int:
    return await line.session.get_api_minor()


async def _initialize(line: Line, params: Configuration) -> Initialized:
    return Initialized(await line.session.initialize(params))


async def _send(line: Line, params: AIRequest) -> None:
    await line.session.send_message(params)


async def _cancel(line: Line, params: CancelParams) -> bool:
    return await line.session.cancel_request(params.request_id)


async def _listen(line: Line, params: ListenParams) -> Listening:
    return await line.listen(params)


async def _ignore(line: Line, params: Nothing) -> None:
    await line.ignore()


async def _can(line: Line, params: CapabilityParams) -> bool:
    return await line.session.has_capability(params.capability_name)


_DO: Mapping[Method, Callable[[Line, Any], Awaitable[Any]]] = {
    Method.GET_API_VERSION: _version,
    Method.GET_API_MINOR: _minor,
    Method.INITIALIZE: _initialize,
    Method.SEND_MESSAGE: _send,
    Method.CANCEL_REQUEST: _cancel,
    Method.REGISTER_LISTENER: _listen,
    Method.UNREGISTER_LISTENER: _ignore,
    Method.HAS_CAPABILITY: _can,
}
SLOW = frozenset({Method.HAS_CAPABILITY})
"""Methods that may have to ask runners: later calls do not wait for them."""
