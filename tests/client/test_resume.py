"""Work that outlives its connection: nothing lost, nothing twice, a clear word where it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from breeze.client import Client
from breeze.contracts.errors import (
    CancelledError,
    InputError,
    NotFoundError,
    ProcessingError,
    UnavailableError,
)
from breeze.contracts.events import Finish, TextDelta
from breeze.contracts.requests import ChatRequest
from breeze.contracts.wire import encode
from breeze.testing.clock import ManualClock
from breeze.testing.scripted import Gate, Script, scripted
from tests.client.conftest import HEAD, Serve, lines, raw

ASK = ChatRequest.of("Hello", runner="slow")


class Wire:
    """A wire to a server that can be cut, or breaks by itself.

    `limit`: bytes of answer after which it breaks; the next connection bears `limit` more, up to
    forty times as many. Connections are counted in `connections`.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = ""
        self.limit: int | None = None
        self.connections = 0
        self._open: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """Break every connection, without a farewell."""
        for writer in self._open:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        limit = self.limit and self.limit * (1 + self.connections % 40)
        far_reader, far = await asyncio.open_connection("127.0.0.1", self.port)
        self._open |= {writer, far}
        try:
            await asyncio.wait(
                [
                    asyncio.ensure_future(self._carry(reader, far)),
                    asyncio.ensure_future(self._carry(far_reader, writer, limit)),
                ]
            )
        finally:
            self._open -= {writer, far}

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: int | None = None
    ) -> None:
        carried = 0
        try:
            while data := await reader.read(65536):
                if limit is not None and carried + len(data) >= limit:
                    writer.write(data[: limit - carried])
                    await writer.drain()
                    self.cut()
                    return
                writer.write(data)
                carried += len(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def wire(server: Any) -> AsyncIterator[Wire]:
    """A wire to `server` for the time of the block."""
    cable = Wire(int(server.url.rsplit(":", 1)[1]))
    listener = await asyncio.start_server(cable.serve, "127.0.0.1", 0)
    cable.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield cable
    finally:
        cable.cut()
        listener.close()
        await listener.wait_closed()


async def test_it_goes_on_where_it_broke_off(serve: Serve) -> None:
    gates = [Gate(), Gate()]
    script = Script([TextDelta("a"), gates[0], TextDelta("b"), gates[1], TextDelta("c"), Finish()])
    async with serve(runners=[scripted("slow", script)]) as server, wire(server) as cable:
        async with Client(cable.url, resume=30) as client, client.stream(ASK) as events:
            seen = [await anext(events)]
            for gate in gates:
                await gate.started.wait()
                cable.cut()
                gate.release.set()
            seen += [event async for event in events]
    assert [event.text for event in seen[:-1]] == ["a", "b", "c"]  # type: ignore[union-attr]
    assert isinstance(seen[-1], Finish)
    assert len(script.calls) == 1


@pytest.mark.parametrize("limit", [97, 311, 1002])
async def test_nothing_is_lost_or_doubled_wherever_it_breaks(limit: int, serve: Serve) -> None:
    """Every connection breaks after some bytes, in the middle of a message or of a head."""
    texts = [f"word {i} " for i in range(60)]
    script = Script([*map(TextDelta, texts), Finish()])
    async with serve(runners=[scripted("slow", script)]) as server, wire(server) as cable:
        cable.limit = limit
        async with Client(cable.url, resume=30) as client, client.stream(ASK) as events:
            seen = [event async for event in events if isinstance(event, TextDelta)]
    assert [event.text for event in seen] == texts
    assert cable.connections > 1
    assert len(script.calls) == 1


async def test_an_id_may_hold_anything(serve: Serve) -> None:
    request = ChatRequest.of("Hello", runner="slow", id="a/b c?d=1&é#%2F..")
    gate = Gate()
    script = Script([TextDelta("a"), gate, TextDelta("b"), gate, Finish()])
    async with serve(runners=[scripted("slow", script)]) as server, wire(server) as cable:
        async with Client(cable.url, resume=30) as client, client.stream(request) as events:
            await anext(events)
            await gate.started.wait()
            assert [found.id for found in await client.requests()] == [request.id]
            cable.cut()
            gate.release.set()
            assert await anext(events) == TextDelta("b")
            assert not await client.cancel("other/id")


async def test_without_resume_the_error_says_why_it_ends(serve: Serve) -> None:
    gate = Gate()
    script = Script([TextDelta("a"), gate, Finish()])
    async with serve(runners=[scripted("slow", script)]) as server, wire(server) as cable:
        async with Client(cable.url) as client, client.stream(ASK) as events:
            await anext(events)
            await gate.started.wait()
            cable.cut()
            with pytest.raises(ProcessingError, match="nobody asked for that") as caught:
                await anext(events)
            assert (caught.value.detail, caught.value.delivered) == ("cut", 1)
        async with asyncio.timeout(5):
            await script.calls[0].over.wait()
        assert script.calls[0].closed


async def test_a_server_that_does_not_come_back_in_time() -> None:
    clock, cut = ManualClock(), asyncio.Event()
    text = encode(TextDelta("a"))
    async with raw((HEAD, lines(text), cut.wait), ()) as server:
        async with Client(server.url, resume=5, clock=clock) as client:
            async with client.stream(ASK) as events:
                await anext(events)
                reading = asyncio.ensure_future(anext(events))
                cut.set()
                while not reading.done():
                    await asyncio.sleep(0)
                    await clock.advance(0.5)
                with pytest.raises(ProcessingError, match="not be reached again in 5 s") as caught:
                    await reading
                assert (caught.value.detail, caught.value.delivered) == ("cut", 1)
    assert len(server.asked) > 2
    assert b"after=1 " in server.asked[1]


async def test_a_server_that_has_forgotten_it() -> None:
    head = b"HTTP/1.1 404 X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    body = encode(NotFoundError("No such request.").info())
    missing = head % len(body) + body
    async with raw((HEAD, lines(encode(TextDelta("a")))), (missing,)) as server:
        async with Client(server.url, resume=5) as client, client.stream(ASK) as events:
            await anext(events)
            with pytest.raises(ProcessingError, match="no longer knows it") as caught:
                await anext(events)
            assert caught.value.detail == "cut"
    async with raw((), (missing,)) as server, Client(server.url, resume=5) as client:
        with pytest.raises(UnavailableError, match="before it answered"):
            await client.run(ASK)


async def test_only_the_same_key_may_read_on(serve: Serve) -> None:
    from breeze.service.access import STRANGER, Principal, Role

    keys = {b"one": Principal("one", Role.USE), b"two": Principal("two", Role.USE)}
    gate = Gate()
    slow = scripted("slow", Script([TextDelta("a"), gate, Finish()]))
    known = {"authenticate": lambda key: keys.get(key, STRANGER)}
    async with serve(runners=[slow], app=known) as server:
        async with server.client(key="one", resume=30) as one, server.client(key="two") as two:
            async with one.stream(ASK) as events:
                await anext(events)
                status, _ = await ask(server.url, f"/v2/requests/{ASK.id}/events", "two")
                assert status == 404
                assert await two.requests() == []
                assert [request.id for request in await one.requests()] == [ASK.id]
                gate.release.set()
                assert [type(event) async for event in events] == [Finish]


async def ask(url: str, path: str, key: str = "", **headers: str) -> tuple[int, bytes]:
    """The status and body of a plain GET."""
    import aiohttp

    if key:
        headers["authorization"] = f"Bearer {key}"
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.get(url + path) as response:
            return response.status, await response.read()


async def test_events_are_numbered_for_who_reads_server_sent_events(serve: Serve) -> None:
    slow = scripted("slow", Script([TextDelta("a"), TextDelta("b"), Finish()]))
    async with serve(runners=[slow]) as server, server.client(resume=30) as client:
        await client.run(ASK)
        path = f"/v2/requests/{ASK.id}/events"
        status, body = await ask(server.url, f"{path}?after=1")
        assert status == 200
        numbers = [line for line in body.splitlines() if line.startswith(b"id: ")]
        assert numbers == [b"id: 2", b"id: 3"]
        _, again = await ask(server.url, path, **{"last-event-id": "1"})
        assert again == body
        _, rest = await ask(server.url, f"{path}?after=2", accept="application/x-ndjson")
        assert rest.count(b"\n") == 1


@pytest.mark.parametrize(("after", "status"), [("9", 400), ("-1", 400), ("x", 400), ("²", 400)])
async def test_a_number_that_makes_no_sense(after: str, status: int, serve: Serve) -> None:
    slow = scripted("slow", Script([TextDelta("a"), Finish()]))
    async with serve(runners=[slow]) as server, server.client(resume=30) as client:
        await client.run(ASK)
        found, body = await ask(server.url, f"/v2/requests/{ASK.id}/events?after={after}")
        assert found == status
        assert b'"field":"after"' in body


@pytest.mark.parametrize("seconds", ["0", "301", "x", "1.5", "99999999"])
async def test_a_grace_that_makes_no_sense(seconds: str, serve: Serve) -> None:
    import aiohttp

    async with serve() as server, aiohttp.ClientSession() as session:
        headers = {"x-breeze-resume": seconds}
        path = f"{server.url}/v2/stream/chat"
        async with session.post(path, data=encode(ASK), headers=headers) as response:
            assert response.status == 400
            assert b"x-breeze-resume" in await response.read()


def test_the_client_knows_the_limits_too() -> None:
    with pytest.raises(InputError, match="1 to 300"):
        Client(resume=301)


async def test_a_second_reader_takes_over(serve: Serve) -> None:
    gate = Gate()
    slow = scripted("slow", Script([TextDelta("a"), gate, Finish()]))
    async with serve(runners=[slow]) as server, server.client(resume=30) as client:
        async with client.stream(ASK) as events:
            await anext(events)
            other = asyncio.ensure_future(
                ask(server.url, f"/v2/requests/{ASK.id}/events", accept="application/x-ndjson")
            )
            with pytest.raises(CancelledError, match="Another connection"):
                await anext(events)
    gate.release.set()
    _, body = await other
    assert body


async def test_many_at_once_on_bad_wires_lose_nothing(serve: Serve) -> None:
    """32 streams, each cut several times; a third of them are cancelled on the way."""

    def words(request: Any) -> list[Any]:
        return [*(TextDelta(f"{request.session_id}.{i} ") for i in range(80)), Finish()]

    script = Script(words)
    slow = scripted("slow", script, concurrency=64)

    async def reader(number: int, url: str) -> str:
        request = ChatRequest.of("Hello", runner="slow", session_id=str(number))
        text = ""
        async with Client(url, resume=30) as client, client.stream(request) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    text += event.text
                    if number % 3 == 0 and text.count(" ") == number:
                        break
        return text

    async with serve(runners=[slow]) as server, wire(server) as cable:
        cable.limit = 131
        texts = await asyncio.gather(*(reader(number, cable.url) for number in range(32)))
        for number, text in enumerate(texts):
            until = number if number % 3 == 0 and number else 80
            assert text == "".join(f"{number}.{i} " for i in range(until))
        async with asyncio.timeout(5):
            await asyncio.gather(*(call.over.wait() for call in script.calls))
        assert server.engine.live == ()
    assert len(script.calls) == 32


async def test_events_that_are_no_longer_kept() -> None:
    gone = InputError("The events after 1 are no longer kept.", field="after", data={"status": 409})
    body = encode(gone.info())
    head = b"HTTP/1.1 409 X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    async with raw((HEAD, lines(encode(TextDelta("a")))), (head % len(body) + body,)) as server:
        async with Client(server.url, resume=5) as client, client.stream(ASK) as events:
            await anext(events)
            with pytest.raises(ProcessingError, match="no longer kept") as caught:
                await anext(events)
            assert (caught.value.detail, caught.value.delivered) == ("cut", 1)


async def test_a_connection_that_breaks_off_each_time_is_given_up() -> None:
    clock = ManualClock()
    async with raw((HEAD, lines(encode(TextDelta("a")))), (HEAD,)) as server:
        async with Client(server.url, resume=5, clock=clock) as client:
            async with client.stream(ASK) as events:
                await anext(events)
                reading = asyncio.ensure_future(anext(events))
                while not reading.done():
                    await asyncio.sleep(0)
                    await clock.advance(0.1)
                with pytest.raises(ProcessingError, match="5 s"):
                    await reading


async def test_cancel_while_it_tries_to_come_back() -> None:
    clock = ManualClock()
    async with raw((HEAD, lines(encode(TextDelta("a")))), ()) as server:
        async with Client(server.url, resume=300, clock=clock) as client:
            async with client.stream(ASK) as events:
                await anext(events)
                reading = asyncio.ensure_future(anext(events))
                while len(server.asked) < 3:  # it has come back in vain
                    await asyncio.sleep(0)
                    await clock.advance(0.1)
                assert events.cancel()
                with pytest.raises(CancelledError):
                    await reading
