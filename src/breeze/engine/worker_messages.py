"""What an engine and a runner in a process of its own say to each other, as typed messages.

`id` is a call: a load, an unload, a list of models, or a stream. The engine counts them from 1.
"""

from __future__ import annotations

from typing import Any

import msgspec

from breeze.contracts.errors import ErrorInfo
from breeze.contracts.events import AnyEvent, Progress
from breeze.contracts.requests import AnyRequest
from breeze.contracts.runner import ModelInfo

WINDOW = 50
"""Events of one stream that may be under way: who reads slowly slows the runner."""
SOUNDS = 16
"""Pieces of a live source that may be under way."""


class Message(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Base of all messages."""


class Hello(Message, frozen=True, tag=0):
    """The runner to make: its class as `module:qualname`, its parameters, secrets in clear."""

    runner: str
    parameters: dict[str, Any]
    home: str = ""


class Settings(Message, frozen=True, tag=1):
    """Parameters that count from the next request on."""

    parameters: dict[str, Any]


class Load(Message, frozen=True, tag=2):
    """Load a model. Answered by Loading as it goes on, then Ended or Failed."""

    id: int
    model: str


class Unload(Message, frozen=True, tag=3):
    """Free everything. Answered by Ended or Failed."""

    id: int


class Models(Message, frozen=True, tag=4):
    """List the models. Answered by Listed or Failed."""

    id: int


class Run(Message, frozen=True, tag=5):
    """Answer a request by Happened, at most WINDOW before a Credit, then Ended or Failed.

    `live`: its sound follows in Sound messages.
    """

    id: int
    request: AnyRequest
    live: bool = False


class Cancel(Message, frozen=True, tag=6):
    """Stop this stream, and answer with Ended when the work has stopped."""

    id: int


class Credit(Message, frozen=True, tag=7):
    """So many more events, or pieces of sound, may be sent."""

    id: int
    count: int


class Sound(Message, frozen=True, tag=8):
    """The next piece of a live source."""

    id: int
    data: bytes


class SoundOver(Message, frozen=True, tag=9):
    """A live source is at its end. `kind`, `problem`: what it raised, when it failed."""

    id: int
    kind: str = ""
    problem: str = ""


class Loading(Message, frozen=True, tag=10):
    """How far a load has come."""

    id: int
    progress: Progress


class Listed(Message, frozen=True, tag=11):
    """The models."""

    id: int
    models: tuple[ModelInfo, ...]


class Happened(Message, frozen=True, tag=12):
    """The next event of a stream."""

    id: int
    event: AnyEvent


class Ended(Message, frozen=True, tag=13):
    """A call is over."""

    id: int


class Failed(Message, frozen=True, tag=14):
    """A call is over with an error. `kind`: the type of one that is none of ours."""

    id: int
    error: ErrorInfo
    relayed: bool = False
    kind: str = ""


class Account(Message, frozen=True, tag=15):
    """The runner's account of its work; see `breeze.contracts.work`."""

    active: int
    steps: int


ToWorker = (
    Hello | Settings | Load | Unload | Models | Run | Cancel | Credit | Sound | SoundOver
)  # fmt: skip
FromWorker = Loading | Listed | Happened | Ended | Failed | Account | Credit
