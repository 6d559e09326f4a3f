"""A hub whose large files stop half way until a test lets them go on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from breeze.config.resolve import Layers
from breeze.service.supply import StoreSupply
from breeze.testing.standins._call import Call
from breeze.testing.standins._hub_body import Body
from breeze.testing.standins._reply import Reply
from breeze.testing.standins.hub import HubStandin

LARGE = 100_000


class HeldHub(HubStandin):
    """`reached` is set when half of a large file is out; the rest waits for `gate`."""

    def __init__(self, *, profile: str = "", key: str = "test-key", pace: float = 0.0) -> None:
        super().__init__(profile=profile, key=key, pace=pace)
        self.reached, self.gate = asyncio.Event(), asyncio.Event()

    def _ranged(self, call: Call, path: str, data: bytes, etag: str, said: dict[str, str]) -> Reply:
        reply = super()._ranged(call, path, data, etag, said)
        body = reply.upgrade
        if len(data) < LARGE or not isinstance(body, Body):
            return reply
        return reply.but(upgrade=_Held(body, self))


@dataclass(frozen=True)
class _Held:
    body: Body
    hub: HeldHub

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        half = (len(self.body.data) - self.body.start) // 2
        await replace(self.body, cut=half)(reader, writer)
        self.hub.reached.set()
        await self.hub.gate.wait()
        await replace(self.body, start=self.body.start + half)(reader, writer)


def supplied_by(hub: HubStandin) -> Callable[[Layers], StoreSupply]:
    """An engine's own store, whose hub is `hub`."""

    def supply(layers: Layers) -> StoreSupply:
        return StoreSupply(replace(layers, environ={"HF_ENDPOINT": hub.origin}))

    return supply
