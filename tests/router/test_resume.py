"""A session outlives its connection when its client asked for that, and only then."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from breeze.service.router import RouterLimits, RouterService
from breeze.testing.clock import ManualClock, settle
from tests.router.cast import Cast, playing
from tests.router.wires import Wire, plugged

ASK = {"id": "r1", "sessionId": "s", "timestamp": 1, "apiVersion": 2}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def service(cast: Cast, tmp_path: Path, clock: ManualClock) -> AsyncIterator[RouterService]:
    async with playing(tmp_path, cast) as engine:
        limits = RouterLimits(parked=2, kept=40, waiting=10)
        service = RouterService(engine, clock=clock, limits=limits)
        yield service
        await service.close()


async def registered(wire: Wire, seconds: float = 30) -> str:
    listening = await wire.call("registerListener", {"resumeSeconds": seconds})
    assert listening["resumeSeconds"] == seconds
    return str(listening["token"])


async def lost(wire: Wire) -> None:
    """The connection breaks."""
    assert wire.socket is not None
    await wire.socket.left(for_good=False)


async def pushes(wire: Wire, number: int) -> list[Any]:
    return [await wire.push() for _ in range(number)]


async def test_nothing_is_lost_and_nothing_comes_twice(service: RouterService, cast: Cast) -> None:
    async with plugged(service, listening=False) as first, plugged(service) as second:
        token = await registered(first)
        await first.call("sendMessage", {**ASK, "text": "many"})
        before = await pushes(first, 3)
        await lost(first)
        await settle()
        resumed = await second.call("resume", {"token": token, "after": 3})
        assert resumed["requests"] == ["r1"]
        after = [await second.push()]
        while not after[-1]["params"]["isComplete"]:
            after.append(await second.push())
    assert [p["seq"] for p in before + after] == list(range(1, 103))
    said = "".join(p["params"]["text"] for p in (before + after)[:-1])
    assert said == after[-1]["params"]["text"]
    assert len(cast.text.calls) == 1


async def test_what_was_sent_but_did_not_arrive_comes_again(service: RouterService) -> None:
    async with plugged(service, listening=False) as first, plugged(service) as second:
        token = await registered(first)
        await first.call("sendMessage", {**ASK, "text": "Hello"})
        sent = await pushes(first, 4)  # all were sent; say that the last two did not arrive
        await lost(first)
        assert await second.call("resume", {"token": token, "after": 2}) == {
            "seq": 4, "requests": ["r1"],
        }  # fmt: skip
        assert await pushes(second, 2) == sent[2:]


async def test_work_goes_on_while_nobody_is_there(service: RouterService, cast: Cast) -> None:
    async with plugged(service, listening=False) as first, plugged(service) as second:
        token = await registered(first)
        await first.call("sendMessage", {**ASK, "text": "wait"})
        await cast.gate.started.wait()
        await lost(first)
        cast.gate.release.set()
        await settle()
        await second.call("resume", {"token": token, "after": 1})
        assert [p["params"]["text"] for p in await pushes(second, 3)] == ["Hel", "lo", "Hello"]


async def test_a_parked_session_is_slowed_not_stored(service: RouterService, cast: Cast) -> None:
    async with plugged(service, listening=False) as first:
        await registered(first)
        await first.call("sendMessage", {**ASK, "text": "many"})
        await pushes(first, 2)
        await lost(first)
        await settle()
        sent = cast.text.calls[0].sent
        await settle()
        assert cast.text.calls[0].sent == sent < 80


async def test_without_resume_a_lost_connection_stops_the_work(
    service: RouterService, cast: Cast
) -> None:
    async with plugged(service, listening=False) as first:
        listening = await first.call("registerListener")
        assert listening["token"] is None
        await first.call("sendMessage", {**ASK, "text": "wait"})
        await cast.gate.started.wait()
        await lost(first)
        assert cast.text.calls[0].closed
        assert not service.engine.live


async def test_a_client_that_closes_is_not_waited_for(service: RouterService, cast: Cast) -> None:
    async with plugged(service, listening=False) as first:
        await registered(first)
        await first.call("sendMessage", {**ASK, "text": "wait"})
        await cast.gate.started.wait()
        assert first.socket is not None
        await first.socket.left(for_good=True)
        assert cast.text.calls[0].closed


async def test_after_its_time_a_session_is_gone(
    service: RouterService, cast: Cast, clock: ManualClock
) -> None:
    async with plugged(service, listening=False) as first, plugged(service) as second:
        token = await registered(first, 30)
        await first.call("sendMessage", {**ASK, "text": "wait"})
        await cast.gate.started.wait()
        await lost(first)
        await clock.advance(29)
        assert not cast.text.calls[0].closed
        await clock.advance(2)
        await cast.text.calls[0].over.wait()
        refused = await second.call("resume", {"token": token, "after": 0})
        assert refused["error"]["code"] == "E404"
        assert "send the requests again" in refused["error"]["message"]
        assert await second.call("getApiVersion") == 2
        assert (await second.ask(text="Hello"))[-1]["text"] == "Hello"  # the new session works


async def test_a_resumed_session_may_be_lost_again(
    service: RouterService, clock: ManualClock, cast: Cast
) -> None:
    async with plugged(service, listening=False) as first, plugged(service) as second:
        token = await registered(first, 8)
        await first.call("sendMessage", {**ASK, "text": "wait"})
        await first.push()
        await cast.gate.started.wait()
        await lost(first)
        await clock.advance(6)
        await second.call("resume", {"token": token, "after": 1})
        await clock.advance(6)
        assert not cast.text.calls[0].closed
        await lost(second)
        async with plugged(service) as third:
            await third.call("resume", {"token": token, "after": 1})
            cast.gate.release.set()
            assert (await pushes(third, 3))[-1]["params"]["text"] == "Hello"


async def test_an_old_connection_that_hangs_is_replaced(service: RouterService) -> None:
    async with plugged(service, listening=False) as first, plugged(service) as second:
        token = await registered(first)
        await second.call("resume", {"token": token, "after": 0})
        assert first.closed == [4000]
        await second.ask()
        assert first.frames.empty()
        assert first.socket is not None
        await first.socket.left(for_good=True)  # its end is not the session's
        assert (await second.ask())[-1]["text"] == "Hello"


async def test_what_is_no_longer_kept_is_said(service: RouterService) -> None:
    async with plugged(service, listening=False) as first, plugged(service) as second:
        token = await registered(first)
        await first.call("sendMessage", {**ASK, "text": "many"})
        await pushes(first, 102)
        await lost(first)
        gone = await second.call("resume", {"token": token, "after": 5})
        assert (gone["error"]["code"], gone["error"]["field"]) == ("E400", "after")
        assert "6 to 62" in gone["error"]["message"]
        ahead = await second.call("resume", {"token": token, "after": 500})
        assert ahead["error"]["field"] == "after"
        assert await second.call("resume", {"token": token, "after": 100}) == {
            "seq": 102, "requests": ["r1"],
        }  # fmt: skip
        assert [p["seq"] for p in await pushes(second, 2)] == [101, 102]


async def test_a_session_belongs_to_its_key(service: RouterService) -> None:
    async with plugged(service, listening=False, owner="me") as first:
        token = await registered(first)
        await lost(first)
        async with plugged(service, owner="you") as thief:
            refused = await thief.call("resume", {"token": token, "after": 0})
            assert refused["error"]["code"] == "E404"
        async with plugged(service, owner="me") as second:
            assert (await second.call("resume", {"token": token}))["seq"] == 0


async def test_resume_comes_first(service: RouterService, cast: Cast) -> None:
    async with plugged(service, listening=False) as first, plugged(service) as second:
        token = await registered(first)
        await second.call("sendMessage", {**ASK, "text": "wait"})
        refused = await second.call("resume", {"token": token})
        assert refused["error"]["code"] == "E400"
        assert not first.closed


async def test_only_so_many_sessions_wait(service: RouterService, clock: ManualClock) -> None:
    tokens = []
    for _ in range(3):
        async with plugged(service, listening=False) as wire:
            tokens.append(await registered(wire))
            await lost(wire)
            await clock.advance(1)
    answers = []
    for token in tokens:
        async with plugged(service) as wire:
            answers.append("error" in await wire.call("resume", {"token": token}))
    assert answers == [True, False, False]  # the one that waited longest had to go


async def test_the_end_of_the_service_is_the_end_of_parked_sessions(
    service: RouterService, cast: Cast
) -> None:
    async with plugged(service, listening=False) as wire:
        await registered(wire)
        await wire.call("sendMessage", {**ASK, "text": "wait"})
        await cast.gate.started.wait()
        await lost(wire)
        await service.close()
        assert cast.text.calls[0].closed
