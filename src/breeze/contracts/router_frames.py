"""The frames in which the router contract travels: JSON in text frames, msgpack in binary ones.

A client calls: `{"id": 1, "method": "sendMessage", "params": {…}}`. The server answers each call
once, with `result` or `error`, and pushes `{"method": "onResponse", "seq": 7, "params": {…}}` for
every response. Client and server share these types, so they cannot disagree; `router_codec` reads
and writes them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, NamedTuple

import msgspec

from breeze.contracts.answers import Adjustment
from breeze.contracts.errors import RunnerError
from breeze.contracts.router import AIRequest, AIResponse, Configuration

LONGEST_RESUME = 300
"""Seconds for which a client may ask that its session outlives the connection."""

_Id = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_Name = Annotated[str, msgspec.Meta(max_length=128)]
CallId = _Id | _Name | None
"""What a client numbers its calls with; null gets an answer too, with null."""


class Method(StrEnum):
    """What a client may call: the seven of seeds/004, then ours."""

    GET_API_VERSION = "getApiVersion"
    INITIALIZE = "initialize"
    SEND_MESSAGE = "sendMessage"
    CANCEL_REQUEST = "cancelRequest"
    REGISTER_LISTENER = "registerListener"
    UNREGISTER_LISTENER = "unregisterListener"
    HAS_CAPABILITY = "hasCapability"
    GET_API_MINOR = "getApiMinor"
    RESUME = "resume"


class Nothing(msgspec.Struct, frozen=True):
    """No parameters."""


class CancelParams(msgspec.Struct, frozen=True, rename="camel"):
    """Which request to stop."""

    request_id: str


class ListenParams(msgspec.Struct, frozen=True, rename="camel"):
    """How long the session is kept when the connection is lost; 0 is not at all."""

    resume_seconds: Annotated[float, msgspec.Meta(ge=0, le=LONGEST_RESUME)] = 0.0


class CapabilityParams(msgspec.Struct, frozen=True, rename="camel"):
    """Which capability is asked about."""

    capability_name: str


class ResumeParams(msgspec.Struct, frozen=True):
    """Which session to go on with, and the number of the last push that arrived."""

    token: str
    after: Annotated[int, msgspec.Meta(ge=0)] = 0


class Initialized(msgspec.Struct, frozen=True):
    """What of the configuration is not used as asked."""

    adjustments: tuple[Adjustment, ...] = ()


class Listening(msgspec.Struct, frozen=True, rename="camel"):
    """`token` resumes this session within `resume_seconds`; null when that was not asked for."""

    token: str | None = None
    resume_seconds: float = 0.0


class Resumed(msgspec.Struct, frozen=True):
    """`seq`: the last push made so far. `requests`: those that run or whose pushes are repeated."""

    seq: int
    requests: tuple[str, ...] = ()


class Shape(NamedTuple):
    """What a method takes and gives. A result of None is the seed's `void`."""

    params: type[msgspec.Struct]
    result: Any


SHAPES: dict[Method, Shape] = {
    Method.GET_API_VERSION: Shape(Nothing, int),
    Method.INITIALIZE: Shape(Configuration, Initialized),
    Method.SEND_MESSAGE: Shape(AIRequest, None),
    Method.CANCEL_REQUEST: Shape(CancelParams, bool),
    Method.REGISTER_LISTENER: Shape(ListenParams, Listening),
    Method.UNREGISTER_LISTENER: Shape(Nothing, None),
    Method.HAS_CAPABILITY: Shape(CapabilityParams, bool),
    Method.GET_API_MINOR: Shape(Nothing, int),
    Method.RESUME: Shape(ResumeParams, Resumed),
}


class FrameError(msgspec.Struct, frozen=True):
    """Why a call was refused: our code (E400, …), a text for a person, the field meant."""

    code: str
    message: str
    field: str = ""


class ResultFrame(msgspec.Struct, frozen=True):
    """The answer to a call that was done."""

    id: CallId
    result: Any = None


class ErrorFrame(msgspec.Struct, frozen=True):
    """The answer to a call that was not done; `id` is null when the frame had no readable one."""

    id: CallId
    error: FrameError

    @classmethod
    def of(cls, call_id: CallId, error: RunnerError) -> ErrorFrame:
        """The frame that says `error`."""
        return cls(call_id, FrameError(error.code, error.message, error.field))


class PushFrame(msgspec.Struct, frozen=True, tag_field="method", tag="onResponse"):
    """A response for the listener. `seq` counts the pushes of a session from 1."""

    seq: int
    params: AIResponse


class ServerFrame(msgspec.Struct, frozen=True):
    """Any frame of a server as a client reads it: `params` is there in a push and nowhere else."""

    id: CallId = None
    result: msgspec.Raw = msgspec.Raw(b"")
    error: FrameError | None = None
    seq: int = 0
    params: AIResponse | None = None


class Call(msgspec.Struct, frozen=True):
    """A call as it was read; `params` still has to be (`params_of`)."""

    method: Method
    id: CallId = None
    params: msgspec.Raw | None = None
    binary: bool = False
