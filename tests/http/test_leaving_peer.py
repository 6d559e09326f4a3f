"""A client that leaves closes the connection behind the server behind: through two servers."""

from __future__ import annotations

import asyncio
import statistics
from pathlib import Path

import pytest

from breeze.testing.clock import settle
from tests.http.conftest import serving
from tests.http.leavers import WITHIN, asked, asking, first_piece, leave
from tests.http.test_leaving_upstream import Holding, gateway
from tests.runners.openai_server import MODEL
from tests.runners.peers import NAME, configured
from tests.runners.standin import StandIn


@pytest.mark.parametrize(
    ("stream", "said"),
    [(True, "text"), (True, "head"), (True, ""), (False, "text"), (False, "")],
    ids=["between chunks", "before the first chunk", "before the head", "whole, amid", "whole"],
)
async def test_the_last_of_them_hears_of_it_at_once(
    tmp_path: Path, stream: bool, said: str
) -> None:
    holding = Holding(said)
    async with (
        StandIn.serving(holding) as upstream,
        gateway(tmp_path / "back", upstream) as back,
        serving(tmp_path / "front", config=configured(back.url), ledger=False) as front,
    ):
        taken = []
        for _ in range(5):
            wire = await asked(front.url, asking(f"{NAME}/up/{MODEL}", stream=stream))
            await holding.begun.get()
            if stream and said == "text":
                await first_piece(wire)
            await settle()  # nothing is on its way any more, and somebody listens
            left = leave(wire)
            async with asyncio.timeout(10):
                taken.append(await holding.closed.get() - left)
        assert statistics.median(taken) < WITHIN
