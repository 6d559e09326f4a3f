"""What a server, or this machine, says of models as files: installed, offered, on their way."""

from __future__ import annotations

import msgspec

from breeze.contracts.capability import Capability


class StoredModel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A model on the disk. `size`: bytes that it takes there; 0 for links to another program's
    files. `built_in`: it came with the engine and cannot be removed.
    """

    id: str
    runner: str
    capabilities: tuple[Capability, ...] = ()
    size: int = 0
    context: int = 0
    source: str = ""
    licence: str = ""
    description: str = ""
    links: bool = False
    built_in: bool = False


class OfferedModel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A model of the catalogue. `ram_gb`: memory that it is expected to take."""

    id: str
    runner: str
    capabilities: tuple[Capability, ...] = ()
    ram_gb: float = 0.0
    source: str = ""
    licence: str = ""
    description: str = ""
    installed: bool = False


class PullStatus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A model on its way. `stage`: `resolve`, `pull`, `wait`, `unpack`, `check`, `publish`; at
    rest `paused`, `stopped` or `failed`, for what `problem` says. Bytes, bytes a second, seconds.
    """

    id: str
    stage: str
    done: int = 0
    total: int = 0
    speed: float = 0.0
    eta: float | None = None
    problem: str = ""


class Shelf(msgspec.Struct, frozen=True):
    """Everything of the store."""

    installed: tuple[StoredModel, ...]
    catalogue: tuple[OfferedModel, ...]
    pulls: tuple[PullStatus, ...]


class PullWanted(msgspec.Struct, frozen=True, omit_defaults=True):
    """What to pull: an id of the catalogue, `hf:org/name[@revision][:file]` or a URL.

    `again`: compare what is here with where it came from, and fetch what differs.
    """

    model: str
    again: bool = False


class ModelNamed(msgspec.Struct, frozen=True):
    """A model or a pull by its id."""

    id: str
