"""One request: leaving it stops the work at the server, in every phase; errors arrive as raised."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator

import pytest

from breeze.client import Client
from breeze.contracts.errors import (
    AuthenticationError,
    BlockedError,
    CancelledError,
    DeadlineError,
    InputError,
    NotFoundError,
    UnavailableError,
)
from breeze.contracts.events import Adjusted, Finish, Progress, TextDelta
from breeze.contracts.requests import ChatRequest, SpeakRequest, TranscribeRequest
from breeze.service.access import STRANGER, Principal, Role
from breeze.testing.clock import ManualClock
from breeze.testing.scripted import Gate, Script, scripted
from tests.client.conftest import Serve, raw

ASK = ChatRequest.of("Hello", runner="slow")
PROMPT = 0.1
"""Seconds in which a cancellation must have reached the work."""


async def test_who_answers_is_known_with_the_first_event(serve: Serve) -> None:
    gate = Gate()
    slow = scripted("slow", Script([TextDelta("Hel"), gate, Finish()]), default_model="größte/7")
    async with serve(runners=[slow]) as server, server.client() as client:
        async with client.stream(ASK) as events:
            await anext(events)
            route = events.route
            assert (route.runner, route.mock) == ("slow", False)
            assert route.decision
            gate.release.set()
            *_, last = [event async for event in events]
            assert isinstance(last, Finish)
            assert not events.running
            assert route.delivered == 2
            assert [event async for event in events] == []


@pytest.mark.parametrize("resume", [None, 30])
@pytest.mark.parametrize("steps", [(), (TextDelta("Hel"),)], ids=["before", "after"])
async def test_leaving_the_block_stops_the_work(
    steps: tuple[TextDelta, ...], resume: float | None, serve: Serve
) -> None:
    gate = Gate()
    script = Script([*steps, gate, Finish()])
    async with serve(runners=[scripted("slow", script)]) as server:
        async with server.client(resume=resume) as client:
            async with client.stream(ASK) as events:
                reading = asyncio.ensure_future(_all(events))
                await gate.started.wait()
                reading.cancel()
                await asyncio.wait([reading])
                left = time.perf_counter()
            async with asyncio.timeout(5):
                await script.calls[0].over.wait()
            assert time.perf_counter() - left < PROMPT
            assert script.calls[0].closed


async def _all(events: object) -> list[object]:
    return [event async for event in events]  # type: ignore[attr-defined]


@pytest.mark.parametrize("resume", [None, 30])
@pytest.mark.parametrize("steps", [(), (TextDelta("Hel"),)], ids=["before", "after"])
async def test_cancel_wakes_the_reader_and_stops_the_work(
    steps: tuple[TextDelta, ...], resume: float | None, serve: Serve
) -> None:
    gate = Gate()
    script = Script([*steps, gate, Finish()])
    async with serve(runners=[scripted("slow", script)]) as server:
        async with server.client(resume=resume) as client, client.stream(ASK) as events:
            reading = asyncio.ensure_future(_all(events))
            await gate.started.wait()
            asked = time.perf_counter()
            assert events.cancel()
            assert not events.cancel()
            with pytest.raises(CancelledError):
                await reading
            async with asyncio.timeout(5):
                await script.calls[0].over.wait()
            assert time.perf_counter() - asked < PROMPT


async def test_cancel_by_id_comes_from_any_client_of_the_key(serve: Serve) -> None:
    gate = Gate()
    slow = scripted("slow", Script([TextDelta("Hel"), gate]))
    async with serve(runners=[slow]) as server:
        async with server.client() as one, server.client() as other, one.stream(ASK) as events:
            await anext(events)
            assert [request.id for request in await other.requests()] == [ASK.id]
            assert await other.cancel(ASK.id)
            with pytest.raises(CancelledError) as caught:
                await anext(events)
            assert caught.value.delivered == 1
            assert not await other.cancel(ASK.id)
            assert await other.requests() == []


async def test_one_key_does_not_see_another_keys_requests(serve: Serve) -> None:
    keys = {b"one": Principal("one", Role.USE), b"two": Principal("two", Role.USE)}
    keys[b"top"] = Principal("top", Role.OPERATE)
    gate = Gate()
    slow = scripted("slow", Script([TextDelta("Hel"), gate]))
    known = {"authenticate": lambda key: keys.get(key, STRANGER)}
    async with serve(runners=[slow], app=known) as server:
        one, two, top = (server.client(key=key) for key in ("one", "two", "top"))
        async with one, two, top, one.stream(ASK) as events:
            await anext(events)
            assert await two.requests() == []
            assert not await two.cancel(ASK.id)
            (found,) = await top.requests()
            assert (found.id, found.runner, found.events) == (ASK.id, "slow", 1)
            assert found.capability == "LLM"
            assert await top.cancel(ASK.id)
        async with server.client(key="guess") as stranger:
            with pytest.raises(AuthenticationError) as caught:
                await stranger.run(ASK)
            assert "guess" not in str(caught.value)


async def test_an_error_before_the_first_event_is_the_same_exception(serve: Serve) -> None:
    async with serve() as server, server.client() as client:
        with pytest.raises(NotFoundError, match="nobody") as caught:
            await client.run(ChatRequest.of("Hello", runner="nobody"))
        assert caught.value.field == "runner"


async def test_an_error_after_some_events_tells_how_many(serve: Serve) -> None:
    flaky = scripted("slow", Script([TextDelta("a"), TextDelta("b"), BlockedError("No.")]))
    async with serve(runners=[flaky]) as server, server.client() as client:
        async with client.stream(ASK) as events:
            with pytest.raises(BlockedError) as caught:
                await _all(events)
            assert caught.value.delivered == 2
            assert not events.running


async def test_a_wrong_request_is_refused_at_once() -> None:
    async with Client() as client:
        with pytest.raises(InputError, match="messages is empty"):
            client.stream(ChatRequest(()))


async def test_a_request_runs_once_at_a_time(serve: Serve) -> None:
    async with serve() as server, server.client() as client, client.stream(ASK):
        with pytest.raises(InputError, match="still running"):
            client.stream(ASK)


async def test_a_live_source_is_refused_with_the_remedy() -> None:
    async def microphone() -> AsyncGenerator[bytes]:
        yield b""

    async with Client() as client:
        with pytest.raises(InputError, match="record it"):
            client.stream(TranscribeRequest(live=microphone(), sample_rate=16_000))


async def test_nobody_there() -> None:
    async with raw(()) as server:
        url = server.url
    async with Client(url) as client:
        with pytest.raises(UnavailableError, match="run `breeze serve`"):
            await client.run(SpeakRequest("Hello"))


async def test_a_server_that_is_silent_beyond_the_deadline_is_given_up() -> None:
    clock, asked, over = ManualClock(), asyncio.Event(), asyncio.Event()

    async def silence() -> None:
        asked.set()
        await over.wait()

    async with raw((silence,)) as server, Client(server.url, clock=clock) as client:
        reading = asyncio.ensure_future(client.run(ChatRequest.of("Hello", deadline=10)))
        await asked.wait()
        await clock.advance(16)
        with pytest.raises(DeadlineError, match="10 s"):
            await reading
        over.set()


async def test_closing_the_client_stops_its_requests(serve: Serve) -> None:
    gate = Gate()
    script = Script([TextDelta("Hel"), gate])
    async with serve(runners=[scripted("slow", script)]) as server:
        client = server.client()
        events = client.stream(ASK)
        await anext(events)
        await client.aclose()
        async with asyncio.timeout(5):
            await script.calls[0].over.wait()
        assert script.calls[0].closed


async def test_progress_is_not_held_back(serve: Serve) -> None:
    gate = Gate()
    slow = scripted("slow", Script([Progress("loading", 1, 2), gate, Finish()]))
    async with serve(runners=[slow]) as server, server.client() as client:
        async with client.stream(ASK) as events:
            assert await anext(events) == Progress("loading", 1, 2)
            assert not gate.release.is_set()


async def test_an_adjusted_field_does_not_hide_who_answers(serve: Serve) -> None:
    from breeze.contracts.request import GuardianOptions

    slow = scripted("slow", Script([TextDelta("a"), Finish()]))
    request = ChatRequest.of("Hello", runner="slow", guardian=GuardianOptions(enabled=True))
    async with serve(runners=[slow]) as server, server.client() as client:
        async with client.stream(request) as events:
            assert isinstance(await anext(events), Adjusted)
            assert events.route.runner == "slow"
