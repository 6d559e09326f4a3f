"""A store whose hub is a stand-in."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from breeze.contracts.model_files import Installed
from breeze.models import ModelStore, Pulling, StoreSettings
from breeze.testing.standins.hub import HubStandin

MB = 1_000_000


def settings(hub: HubStandin, **more: Any) -> StoreSettings:
    """For a hub on this machine, waiting for nothing."""
    given = {"endpoint": hub.origin, "reserve": 0, "private_networks": True, "timeout": 5.0}
    return StoreSettings(**{**given, **more})


@asynccontextmanager
async def opened(
    root: Path, hub: HubStandin, catalogue: Any = None, **more: Any
) -> AsyncIterator[ModelStore]:
    """A store under `root`."""
    also = {} if catalogue is None else {"catalogue": catalogue}
    async with ModelStore(root, settings=settings(hub, **more), **also) as store:
        yield store


async def pulled(store: ModelStore, reference: str, **how: Any) -> Installed:
    """The model, all events on the way being as they should."""
    last: Pulling | Installed | None = None
    async for event in store.pull(reference, **how):
        assert not isinstance(last, Installed)
        last = event
    assert isinstance(last, Installed)
    return last


def safetensors(size: int, seed: int = 0) -> bytes:
    """A sound file of that form with `size` bytes of weights."""
    head = msgspec.json.encode({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}})
    return len(head).to_bytes(8, "little") + head + random.Random(seed).randbytes(size)


def fetched(hub: HubStandin, path: str = "") -> list[int]:
    """How often each byte of a file was sent."""
    ranges = [(a, b) for name, a, b in hub.sent if path in name]
    times = [0] * max((b for _, b in ranges), default=0)
    edges = sorted({p for pair in ranges for p in pair})
    for low, high in pairwise(edges):
        covering = sum(a <= low and high <= b for a, b in ranges)
        times[low:high] = [covering] * (high - low)
    return times
