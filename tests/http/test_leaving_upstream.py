"""A client that leaves closes the connection to the server behind: at once, and none is kept."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from breeze.config import parse_config
from tests.http.conftest import Server, serving
from tests.http.leavers import asked, asking, first_piece, leave, until
from tests.http.raw import Wire
from tests.runners import openai_server
from tests.runners.asking import sse
from tests.runners.openai_server import MODEL, delta
from tests.runners.standin import Exchange, StandIn

resource = pytest.importorskip("resource")

TIMES = 15
CLOSED_WITHIN = 0.005
"""Seconds from a client's leaving to the close of the upstream, in the median."""
IDLE = 500


class Holding:
    """A server that takes requests and does not end its answers. `begun`: one for each request."""

    def __init__(self, said: str) -> None:
        self.said = said
        self.begun: asyncio.Queue[None] = asyncio.Queue()
        self.closed: asyncio.Queue[float] = asyncio.Queue()

    async def __call__(self, exchange: Exchange) -> None:
        if exchange.request.method == "GET":
            return await openai_server.answer(exchange)
        if self.said:
            await exchange.stream()
        if self.said == "text":
            await exchange.chunk(sse(delta("Hel")))
        self.begun.put_nowait(None)
        self.closed.put_nowait(await exchange.left())


@asynccontextmanager
async def gateway(home: Path, upstream: StandIn) -> AsyncIterator[Server]:
    """A server whose only way to chat is `upstream`."""
    place = {"base_url": upstream.url, "api_key": "key"}
    up = {"class": "openai", "modelId": MODEL, "parameters": place}
    config = parse_config({"capabilities": {"LLM": {"runners": {"up": up}}}}).config
    async with serving(home, config=config, ledger=False) as server:
        yield server


@pytest.mark.parametrize(
    ("stream", "said"),
    [(True, "text"), (True, "head"), (True, ""), (False, "text"), (False, "")],
    ids=["between chunks", "before the first chunk", "before the head", "whole, amid", "whole"],
)
@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
async def test_the_upstream_is_closed_at_once(
    tmp_path: Path, stream: bool, said: str, reset: bool
) -> None:
    holding = Holding(said)
    async with StandIn.serving(holding) as upstream, gateway(tmp_path, upstream) as server:
        taken = []
        for _ in range(TIMES):
            wire = await asked(server.url, asking(f"up/{MODEL}", stream=stream))
            await holding.begun.get()
            if stream and said == "text":
                await first_piece(wire)
            await asyncio.sleep(0.02)  # nothing is on its way any more, and somebody listens
            left = leave(wire, reset=reset)
            async with asyncio.timeout(10):
                taken.append(await holding.closed.get() - left)
        assert statistics.median(taken) < CLOSED_WITHIN
        await until(lambda: server.engine.live == ())
        assert upstream.alive == 0


async def test_a_connection_is_used_again_after_a_whole_answer_only(tmp_path: Path) -> None:
    holding = Holding("text")
    async with (
        StandIn.serving(openai_server.answer) as upstream,
        gateway(tmp_path, upstream) as server,
    ):
        for _ in range(3):
            wire = await asked(server.url, asking(f"up/{MODEL}", stream=True))
            assert (await wire.answer()).status == 200
            await wire.close()
        before = upstream.connections
        upstream.play(holding)
        wire = await asked(server.url, asking(f"up/{MODEL}", stream=True))
        await first_piece(wire)
        assert upstream.connections == before
        leave(wire)
        await holding.closed.get()
        wire = await asked(server.url, asking(f"up/{MODEL}", stream=True))
        answer = await wire.answer()
        assert answer.body.endswith(b"data: [DONE]\n\n")
        assert upstream.connections == before + 1
        await wire.close()


@pytest.fixture
def enough_files() -> None:
    """Each idle stream is four sockets here: the client's, the server's two, the upstream's."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 5 * IDLE + 200
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"only {hard} open files are allowed here")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@pytest.mark.usefixtures("enough_files")
async def test_five_hundred_idle_streams_leave_nothing(tmp_path: Path) -> None:
    holding = Holding("text")
    async with StandIn.serving(holding) as upstream, gateway(tmp_path, upstream) as server:

        async def idle() -> Wire:
            wire = await asked(server.url, asking(f"up/{MODEL}", stream=True))
            await first_piece(wire)
            return wire

        leave(await idle())
        await until(lambda: server.engine.live == () and upstream.alive == 0)
        before = len(asyncio.all_tasks())
        open: list[Wire] = []
        while len(open) < IDLE:
            open += await asyncio.gather(*(idle() for _ in range(50)))
        assert len(server.engine.live) == upstream.alive == IDLE
        for number, wire in enumerate(open):
            leave(wire, reset=number % 3 == 0)
        await until(lambda: server.engine.live == () and upstream.alive == 0)
        await until(lambda: len(asyncio.all_tasks()) <= before)
        assert server.app.owners == {}
