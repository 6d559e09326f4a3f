"""What a server says of itself: who is there, who would answer, what runs, what was uploaded."""

from __future__ import annotations

import msgspec

from breeze.contracts.capability import Capability, RunnerKind, Strategy


class Choice(msgspec.Struct, frozen=True):
    """An instance to try, the model to ask of it (empty: its own), and why it stands here.

    `named`: it is what the request asked for, not a stand-in.
    """

    name: str
    model: str
    why: str
    named: bool = False


class Rejected(msgspec.Struct, frozen=True):
    """An instance that will not be tried, and why."""

    name: str
    why: str


class Decision(msgspec.Struct, frozen=True):
    """Who is tried, in order, and who is not. Equal decisions have equal ids."""

    id: str
    capability: Capability
    strategy: Strategy
    order: tuple[Choice, ...]
    rejected: tuple[Rejected, ...]


class LoadedModel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A model in memory, or on its way there or out of it: loading, ready, draining, failed.

    `size`: bytes of memory; `measured`: found after the load, else an estimate that is no less.
    `idle`: seconds since it was last used, while nobody uses it.
    """

    model: str
    state: str
    size: int = 0
    measured: bool = False
    leases: int = 0
    waiting: int = 0
    idle: float | None = None


class RunnerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """An instance and its state, or the reason why it cannot work there.

    `offered`: an endpoint that is known there, and that nobody has set up.
    `size`: bytes of memory that its models take of `budget`, which all runners share; 0 is none,
    or no limit. `measured`: no part of `size` is an estimate. `pinned`: its models stay loaded.
    `circuit` is `closed`, or `open` while it rests after `failures` in a row, the last of them
    being `last_error`; then `retry_in` is the seconds until one request tries it: `probing`.
    """

    name: str
    runner: str
    kind: RunnerKind
    capabilities: tuple[Capability, ...]
    priority: int
    state: str
    reason: str = ""
    model: str = ""
    loaded: tuple[str, ...] = ()
    leases: int = 0
    waiting: int = 0
    models: tuple[LoadedModel, ...] = ()
    size: int = 0
    measured: bool = False
    budget: int = 0
    pinned: bool = False
    mock: bool = False
    offered: bool = False
    circuit: str = "closed"
    failures: int = 0
    retry_in: float = 0.0
    last_error: str = ""


class LiveRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request that runs on a server. `seconds` since work began; `events` delivered so far.

    `runner` and `model` are empty until it is decided who answers.
    """

    id: str
    capability: Capability
    runner: str = ""
    model: str = ""
    seconds: float = 0.0
    events: int = 0


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A file that a server holds for a while: `size` in bytes, `expires_in` seconds from now."""

    id: str
    size: int
    mime: str = ""
    sha256: str = ""
    expires_in: float = 0.0
