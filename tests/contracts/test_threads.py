"""Blocking code as a stream: bounded, in order, and stopped before the stream is closed."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breeze.contracts.events import ChatEvent, TextDelta, joined
from breeze.contracts.threads import BUFFER, Outlet, from_thread, in_thread

DONE = 10  # seconds after which a wait in a test has failed


@given(st.lists(st.integers(), max_size=200), st.integers(1, 60))
@settings(max_examples=25)
def test_everything_arrives_in_order(items: list[int], buffer: int) -> None:
    def produce(outlet: Outlet[int]) -> None:
        for item in items:
            assert outlet.send(item)

    async def read() -> list[int]:
        return [item async for item in from_thread(produce, buffer=buffer)]

    assert asyncio.run(read()) == items


async def test_what_became_ready_together_is_joined_where_it_can_be() -> None:
    taken, sent = threading.Event(), threading.Event()

    def produce(outlet: Outlet[str]) -> None:
        outlet.send("a")
        assert taken.wait(DONE)
        for piece in ("b", "c", "!", *"defghijklm"):
            outlet.send(piece)
        sent.set()

    def join(first: str, second: str) -> str | None:
        return first + second if (first + second).isalpha() else None

    read = []
    async for piece in from_thread(produce, join=join):
        read.append(piece)
        taken.set()
        assert await asyncio.to_thread(sent.wait, DONE)
    assert read == ["a", "bc", "!", "defghijk", "lm"]  # eight at most


@given(st.lists(st.booleans(), max_size=120), st.integers(1, 60))
@settings(max_examples=25)
def test_joined_text_is_whole(other: list[bool], buffer: int) -> None:
    pieces = [TextDelta(f"{at} ", int(choice)) for at, choice in enumerate(other)]

    def produce(outlet: Outlet[ChatEvent]) -> None:
        for piece in pieces:
            assert outlet.send(piece)

    async def read() -> list[ChatEvent]:
        return [piece async for piece in from_thread(produce, buffer=buffer, join=joined)]

    def text(events: Iterable[ChatEvent], choice: int) -> str:
        return "".join(e.text for e in events if isinstance(e, TextDelta) and e.choice == choice)

    events = asyncio.run(read())
    for choice in (0, 1):
        assert text(events, choice) == text(pieces, choice)


async def test_a_slow_reader_stops_the_producer_at_the_buffer() -> None:
    received = 0
    ahead: list[int] = []
    full = threading.Event()

    def produce(outlet: Outlet[int]) -> None:
        for sent in range(1, 501):
            outlet.send(sent)
            ahead.append(sent - received)
            if sent == BUFFER:
                full.set()

    async for _ in from_thread(produce):
        if not received:  # read nothing more until the producer is as far ahead as it can be
            assert await asyncio.to_thread(full.wait, DONE)
        received += 1
    assert received == 500
    # one more than the buffer: an item is with the reader before it has counted it
    assert BUFFER - 1 <= max(ahead) <= BUFFER + 1


async def test_an_exception_comes_after_what_was_sent() -> None:
    def produce(outlet: Outlet[str]) -> None:
        outlet.send("one")
        raise ConnectionResetError("the device went away")

    stream = from_thread(produce)
    assert await anext(stream) == "one"
    with pytest.raises(ConnectionResetError, match="went away"):
        await anext(stream)


async def test_a_producer_that_sends_nothing_ends_the_stream() -> None:
    def produce(outlet: Outlet[str]) -> None:
        return None

    assert [item async for item in from_thread(produce)] == []


class Machine:
    """A producer that notices when it is told to stop, and then takes its time."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.noticed = asyncio.Event()
        self.may_end = threading.Event()
        self.ended = False

    def work(self, outlet: Outlet[int]) -> None:
        number = 0
        while outlet.send(number):
            number += 1
        assert outlet.closed
        self.loop.call_soon_threadsafe(self.noticed.set)
        assert self.may_end.wait(DONE)
        self.ended = True


async def test_closing_stops_the_producer_and_waits_for_it() -> None:
    machine = Machine()
    stream = from_thread(machine.work)
    assert await anext(stream) == 0
    closing = asyncio.create_task(stream.aclose())
    await asyncio.wait_for(machine.noticed.wait(), DONE)
    assert not closing.done()
    machine.may_end.set()
    await asyncio.wait_for(closing, DONE)
    assert machine.ended
    assert "breeze-work" not in [thread.name for thread in threading.enumerate()]


async def test_leaving_the_loop_early_closes_too() -> None:
    machine = Machine()
    machine.may_end.set()
    async with contextlib.aclosing(from_thread(machine.work)) as stream:
        async for number in stream:
            if number == 3:
                break
    assert machine.ended


async def test_cancelling_a_waiting_reader_waits_for_the_producer() -> None:
    silent, entered, ended = threading.Event(), threading.Event(), threading.Event()

    def produce(outlet: Outlet[int]) -> None:
        entered.set()
        assert silent.wait(DONE)  # native code that cannot be interrupted
        ended.set()

    async def read() -> None:
        async for _ in from_thread(produce):
            pytest.fail("nothing was sent")

    reader = asyncio.create_task(read())
    assert await asyncio.to_thread(entered.wait, DONE)
    for _ in range(3):  # an impatient caller changes nothing
        reader.cancel()
        await asyncio.sleep(0)
        assert not reader.done()
    silent.set()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert ended.is_set()


async def test_what_breaks_after_the_close_is_not_raised() -> None:
    def produce(outlet: Outlet[int]) -> None:
        while outlet.send(1):
            pass
        raise OSError("closing failed")

    stream = from_thread(produce)
    await anext(stream)
    await stream.aclose()
    assert [item async for item in stream] == []


async def test_a_producer_waiting_for_room_is_released_by_the_close() -> None:
    last: list[bool] = []

    def produce(outlet: Outlet[int]) -> None:
        last.extend(outlet.send(i) for i in range(3))

    stream = from_thread(produce, buffer=1)
    assert await anext(stream) == 0
    await stream.aclose()
    assert last[0]
    assert not last[-1]


async def test_several_streams_run_at_once() -> None:
    both = threading.Barrier(2, timeout=DONE)

    def produce(outlet: Outlet[int]) -> None:
        for i in range(100):
            both.wait()  # neither can go on without the other
            outlet.send(i)

    async def total() -> int:
        return sum([item async for item in from_thread(produce, buffer=2)])

    first, second = await asyncio.gather(total(), total())
    assert first == second == 4950


async def test_what_a_thread_makes_is_handed_over() -> None:
    undone: list[str] = []
    assert await in_thread(lambda: "model", undone.append) == "model"
    assert undone == []
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: str(1 // 0), undone.append)


@pytest.mark.parametrize("fails", [False, True])
async def test_a_cancelled_maker_is_waited_for_and_what_it_made_is_undone(*, fails: bool) -> None:
    begun, go, undone = threading.Event(), threading.Event(), list[str]()

    def make() -> str:
        begun.set()
        assert go.wait(DONE)
        if fails:
            raise OSError("broken")
        return "model"

    making = asyncio.create_task(in_thread(make, undone.append))
    assert await asyncio.to_thread(begun.wait, DONE)
    for _ in range(2):  # it may be told twice
        making.cancel()
        await asyncio.wait([making], timeout=0)
        assert not making.done()
    go.set()
    await asyncio.wait([making])
    assert making.cancelled()
    assert undone == ([] if fails else ["model"])
