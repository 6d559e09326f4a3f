"""A request that outlives its connection: numbered, bounded, waited for, and given up in time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.errors import InputError, NotFoundError, OverloadedError
from breeze.contracts.events import AudioChunk, Finish, TextDelta
from breeze.contracts.requests import ChatRequest, SpeakRequest
from breeze.contracts.values import ErrorInfo
from breeze.contracts.wire import decode_event
from breeze.engine.engine import Engine
from breeze.service import relay as limits
from breeze.service.access import Principal, Role
from breeze.service.relay import Reader, Relay
from breeze.service.relays import Relays
from breeze.testing.clock import ManualClock, settle
from breeze.testing.scripted import Gate, Script, scripted

ASK = ChatRequest.of("Hello", runner="slow", deadline=86_400)
OWNER, OTHER = Principal("phone", Role.USE), Principal("laptop", Role.USE)


class Place:
    """An engine with one scripted runner, and its relays, on a clock that a test moves."""

    def __init__(self, home: Path, script: Script, *methods: str) -> None:
        self.clock = ManualClock()
        self.script = script
        self.relays = Relays(self.clock)
        slow = scripted("slow", script, *methods)
        self._open = Engine.open(
            home=home, environ={}, runners=[slow], ledger=False, clock=self.clock
        )

    async def __aenter__(self) -> Place:
        self.engine = await self._open.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self.relays.aclose()
        await self._open.__aexit__(None, None, None)

    def begin(self, request: Any = ASK, grace: float = 30) -> Relay:
        return self.relays.open(self.engine.stream(request), "phone", grace)


async def read(reader: Reader, most: int = 10_000) -> list[Any]:
    """The events until the end, or the first `most`."""
    seen: list[Any] = []
    batches = reader.batches()
    async for batch in batches:
        seen += map(decode_event, batch)
        if len(seen) >= most:
            break
    await batches.aclose()
    return seen


def texts(events: list[Any]) -> list[str]:
    return [event.text for event in events if isinstance(event, TextDelta)]


async def test_a_reader_who_comes_back_gets_the_rest(tmp_path: Path) -> None:
    gate = Gate()
    script = Script([TextDelta("a"), TextDelta("b"), gate, TextDelta("c"), Finish()])
    async with Place(tmp_path, script) as place:
        relay = place.begin()
        assert texts(await read(relay.attach(0), 2)) == ["a", "b"]
        gate.release.set()
        await settle()
        assert texts(await read(relay.attach(1))) == ["b", "c"]
        assert texts(await read(relay.attach(0))) == ["a", "b", "c"]
        assert isinstance((await read(relay.attach(3)))[0], Finish)
        assert await read(relay.attach(4)) == []


async def test_nobody_comes_back(tmp_path: Path) -> None:
    gate = Gate()
    script = Script([TextDelta("a"), gate, Finish()])
    async with Place(tmp_path, script) as place:
        relay = place.begin(grace=30)
        await read(relay.attach(0), 1)
        await place.clock.advance(29)
        assert script.active == 1
        assert place.relays.find(ASK.id, OWNER) is relay
        await place.clock.advance(2)
        assert script.closes == 1
        assert place.engine.live == ()
        with pytest.raises(NotFoundError):
            place.relays.find(ASK.id, OWNER)


async def test_who_comes_back_in_time_stops_the_clock(tmp_path: Path) -> None:
    gate = Gate()
    script = Script([TextDelta("a"), gate, Finish()])
    async with Place(tmp_path, script) as place:
        relay = place.begin(grace=10)
        await read(relay.attach(0), 1)
        await place.clock.advance(9)
        reading = asyncio.ensure_future(read(relay.attach(1)))
        await place.clock.advance(15)
        assert script.active == 1
        gate.release.set()
        assert [type(event) for event in await reading] == [Finish]
        await place.clock.advance(31)
        with pytest.raises(NotFoundError):
            place.relays.find(ASK.id, OWNER)


async def test_an_error_is_the_last_message(tmp_path: Path) -> None:
    script = Script([TextDelta("a"), OverloadedError("Full.")])
    async with Place(tmp_path, script) as place:
        *_, last = await read(place.begin().attach(0))
        assert isinstance(last, ErrorInfo)
        assert (last.code, last.delivered) == ("E505", 1)


async def test_another_key_does_not_find_it(tmp_path: Path) -> None:
    async with Place(tmp_path, Script([Finish()])) as place:
        relay = place.begin()
        with pytest.raises(NotFoundError):
            place.relays.find(ASK.id, OTHER)
        assert place.relays.find(ASK.id, Principal("top", Role.OPERATE)) is relay


async def test_the_work_waits_for_a_slow_reader(tmp_path: Path) -> None:
    """Half of what may be kept is made ahead, whether somebody reads slowly or nobody does."""
    script = Script([*(TextDelta(str(i)) for i in range(10_000)), Finish()])
    async with Place(tmp_path, script) as place:
        relay = place.begin()
        reader = relay.attach(0)
        await _until_it_waits(script)
        assert script.calls[0].sent <= limits.KEPT_EVENTS // 2 + 1
        batches = reader.batches()
        first = await anext(batches)
        await _until_it_waits(script)
        assert relay.last == limits.KEPT_EVENTS // 2 + len(first)
        await batches.aclose()
        assert texts(await read(relay.attach(len(first)))) == [str(i) for i in range(64, 10_000)]


async def test_what_is_kept_is_bounded_in_bytes(tmp_path: Path) -> None:
    sound = [AudioChunk(bytes(256 * 1024), i, 16_000) for i in range(100)]
    script = Script([*sound, Finish()])
    request = SpeakRequest("Hello", runner="slow")
    async with Place(tmp_path, script, "speak") as place:
        relay = place.begin(request)
        batches = relay.attach(0).batches()
        sizes = []
        async for _ in batches:
            sizes.append(relay.size)
            await _until_it_waits(script)
        assert max(sizes[:-2]) <= limits.KEPT_BYTES + 512 * 1024
        with pytest.raises(InputError, match="no longer kept") as caught:
            relay.attach(0)
        assert caught.value.field == "after"
        assert caught.value.data["status"] == 409
        assert texts(await read(relay.attach(relay.first - 1))) == []


async def _until_it_waits(script: Script) -> None:
    """Until the runner makes nothing more by itself."""
    before = -1
    while not script.calls or script.calls[0].sent != before:
        before = script.calls[0].sent if script.calls else -1
        await settle()


async def test_a_silent_time_has_signs_of_life(tmp_path: Path) -> None:
    gate = Gate()
    async with Place(tmp_path, Script([TextDelta("a"), gate, Finish()])) as place:
        batches = place.begin().attach(0).batches()
        assert len(await anext(batches)) == 1
        waiting = asyncio.ensure_future(anext(batches))
        await place.clock.advance(limits.BEAT)
        assert await waiting == []
        gate.release.set()
        assert len(await anext(batches)) == 1
        await batches.aclose()


async def test_the_ended_ones_share_a_limit(tmp_path: Path) -> None:
    large = AudioChunk(bytes(6 * 1024 * 1024), 0, 16_000)
    async with Place(tmp_path, Script([large, Finish()]), "speak") as place:
        ids = []
        for _ in range(12):
            request = SpeakRequest("Hello", runner="slow")
            await read(place.begin(request, grace=300).attach(0))
            ids.append(request.id)
        place.begin(SpeakRequest("Hello", runner="slow"))
        with pytest.raises(NotFoundError):
            place.relays.find(ids[0], OWNER)
        assert place.relays.find(ids[-1], OWNER).ended


async def test_closing_stops_all_of_them(tmp_path: Path) -> None:
    gate = Gate()
    script = Script([TextDelta("a"), gate, Finish()])
    async with Place(tmp_path, script) as place:
        reading = asyncio.ensure_future(read(place.begin().attach(0)))
        await gate.started.wait()
        await place.relays.aclose()
        assert script.closes == 1
        assert texts(await reading) == ["a"]
