"""The client for programs without an event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from breeze.client import SyncClient
from breeze.contracts.errors import CancelledError, InputError, NotFoundError
from breeze.contracts.events import Finish, TextDelta
from breeze.contracts.requests import ChatRequest, EmbedRequest
from breeze.testing.scripted import Gate, Script, scripted
from tests.client.conftest import Serve

T = TypeVar("T")
ASK = ChatRequest.of("Hello", runner="slow")


async def elsewhere(work: Callable[[SyncClient], T], url: str, **how: Any) -> T:
    """`work` with a client, in a thread that has no event loop."""

    def run() -> T:
        with SyncClient(url, **how) as client:
            return work(client)

    return await asyncio.to_thread(run)


async def test_events_and_whole_answers(serve: Serve) -> None:
    def work(client: SyncClient) -> None:
        with client.stream(ASK) as events:
            *pieces, last = events
            assert events.route.runner == "slow"
            assert events.request_id == ASK.id
        assert pieces == [TextDelta("Hel"), TextDelta("lo")]
        assert isinstance(last, Finish)
        assert client.run(ASK).text == "Hello"
        assert len(client.run(EmbedRequest.of("a", "b", runner="mock_embedding")).vectors) == 2
        best = client.rank("a cat", ["stocks fell", "the cat sat"], runner="hashing").ranked[0]
        assert (best.index, best.score > 0) == (1, True)

    slow = scripted("slow", Script([TextDelta("Hel"), TextDelta("lo"), Finish()]))
    async with serve(runners=[slow]) as server:
        await elsewhere(work, server.url)


async def test_leaving_the_block_stops_the_work(serve: Serve) -> None:
    def work(client: SyncClient) -> None:
        with client.stream(ASK) as events:
            assert next(events) == TextDelta("a")
        assert list(events) == []
        assert not events.cancel()

    script = Script([TextDelta("a"), Gate(), Finish()])
    async with serve(runners=[scripted("slow", script)]) as server:
        await elsewhere(work, server.url)
        async with asyncio.timeout(5):
            await script.calls[0].over.wait()
        assert script.calls[0].closed


async def test_cancel_from_another_thread(serve: Serve) -> None:
    gate = Gate()

    def work(client: SyncClient) -> int:
        with client.stream(ASK) as events:
            assert next(events) == TextDelta("a")
            stopper = threading.Thread(target=events.cancel)
            stopper.start()
            with pytest.raises(CancelledError) as caught:
                next(events)
            stopper.join()
            return caught.value.delivered

    slow = scripted("slow", Script([TextDelta("a"), gate, Finish()]))
    async with serve(runners=[slow]) as server:
        assert await elsewhere(work, server.url) == 1


async def test_errors_are_the_same(serve: Serve) -> None:
    def work(client: SyncClient) -> None:
        with pytest.raises(InputError, match="messages is empty"):
            client.stream(ChatRequest(()))
        with pytest.raises(NotFoundError, match="nobody"):
            client.run(ChatRequest.of("Hello", runner="nobody"))
        assert client.cancel("unknown") is False
        assert client.requests() == []
        assert "key" not in repr(client)

    async with serve() as server:
        await elsewhere(work, server.url, key="key")


def test_it_ends_its_thread() -> None:
    client = SyncClient()
    client.close()
    client.close()
    assert "breeze-client" not in [thread.name for thread in threading.enumerate()]
