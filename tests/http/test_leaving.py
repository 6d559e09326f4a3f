"""A client that leaves stops its work within 100 ms, in whatever phase it is, and nobody else's."""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from breeze.contracts.events import Finish, TextDelta
from breeze.contracts.requests import ChatRequest
from breeze.contracts.wire import encode
from breeze.testing.scripted import Gate, Script, Step, scripted
from tests.http.conftest import Serve, Server
from tests.http.leavers import WITHIN, asked, asking, first_piece, leave, since, until
from tests.http.raw import request

TIMES = 3
"""How often each leaving is measured; the median counts, on machines that do other work too."""
NATIVE = request("POST", "/v2/stream/llm", encode(ChatRequest.of("Hello", runner="slow")))
LEGACY = request(
    "POST", "/v1/completions", msgspec.json.encode({"model": "slow", "prompt": "x", "stream": True})
)
ASKED = {
    "whole": asking("slow", stream=False),
    "stream": asking("slow", stream=True),
    "completions": LEGACY,
    "native": NATIVE,
}


def gated(*before: Any) -> tuple[Script, list[Gate]]:
    """A runner's script that says `before` and then waits; a gate for each call."""
    gates = [Gate() for _ in range(TIMES + 1)]
    return Script(*[[*before, gate, TextDelta("late"), Finish()] for gate in gates]), gates


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("data", ASKED.values(), ids=ASKED)
async def test_before_anything_was_said(serve: Serve, data: bytes, reset: bool) -> None:
    script, gates = gated()
    async with serve(runners=[scripted("slow", script)]) as server:
        taken = []
        for turn in range(TIMES):
            wire = await asked(server.url, data)
            await gates[turn].started.wait()
            taken.append(await since(leave(wire, reset=reset), script.calls[turn].over))
        assert statistics.median(taken) < WITHIN
        assert script.closes == TIMES
        assert server.engine.live == ()


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("kind", ASKED)
async def test_amid_the_answer_while_nothing_is_said(serve: Serve, kind: str, reset: bool) -> None:
    script, gates = gated(TextDelta("Hel"))
    async with serve(runners=[scripted("slow", script)]) as server:
        taken = []
        for turn in range(TIMES):
            wire = await asked(server.url, ASKED[kind])
            if kind != "whole":
                await first_piece(wire)
            await gates[turn].started.wait()
            taken.append(await since(leave(wire, reset=reset), script.calls[turn].over))
        assert statistics.median(taken) < WITHIN
        assert script.closes == TIMES
        assert server.engine.live == ()


async def test_at_once_after_asking(serve: Serve) -> None:
    script, _ = gated()
    over = asyncio.Event()
    async with serve(
        runners=[scripted("slow", script)], app={"record": lambda *_: over.set()}
    ) as server:
        for _ in range(TIMES):
            over.clear()
            left = leave(await asked(server.url, ASKED["stream"]))
            assert await since(left, over) < WITHIN * 3
        assert script.closes == len(script.calls)
        assert server.engine.live == ()


async def test_while_more_is_said_than_is_read(serve: Serve) -> None:
    script = Script([TextDelta("x" * 10_000)] * 5_000)
    async with serve(runners=[scripted("slow", script)]) as server:
        wire = await asked(server.url, ASKED["stream"])
        await first_piece(wire)
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
        sent = -1
        while sent != script.calls[0].sent:  # until the runner is held up
            sent = script.calls[0].sent
            await asyncio.sleep(0.05)
        assert sent < 5_000
        assert await since(leave(wire, reset=True), script.calls[0].over) < WITHIN * 3
        assert script.closes == 1


async def waiting(server: Server) -> None:
    """Until somebody waits in a queue."""
    await until(lambda: any(status.waiting for status in server.engine.runners()))


@pytest.mark.parametrize("kind", ASKED)
async def test_in_the_queue(serve: Serve, kind: str) -> None:
    script, gates = gated()
    async with serve(runners=[scripted("slow", script, concurrency=1)]) as server:
        ahead = await asked(server.url, ASKED["whole"])
        await gates[0].started.wait()
        taken = []
        for _ in range(TIMES):
            behind = await asked(server.url, ASKED[kind])
            await waiting(server)
            left = leave(behind)
            await until(lambda: len(server.engine.live) == 1)
            taken.append(time.perf_counter() - left)
        assert statistics.median(taken) < WITHIN
        assert not any(status.waiting for status in server.engine.runners())
        gates[0].release.set()
        assert (await ahead.answer()).status == 200
        assert len(script.calls) == 1
        await ahead.close()


@pytest.mark.parametrize("kind", ASKED)
async def test_while_the_runner_is_loaded(serve: Serve, kind: str) -> None:
    gate = Gate()
    script = Script([TextDelta("Hi"), Finish()], on_load=[gate])
    async with serve(runners=[scripted("slow", script)]) as server:
        taken = []
        for turn in range(TIMES):
            gate.started.clear()
            wire = await asked(server.url, ASKED[kind])
            await gate.started.wait()
            left = leave(wire)
            await until(lambda turn=turn: script.unloads == turn + 1)  # type: ignore[misc]
            taken.append(time.perf_counter() - left)
        assert statistics.median(taken) < WITHIN
        await until(lambda: server.engine.live == ())
        assert script.calls == []


async def test_a_load_that_others_wait_for_goes_on(serve: Serve) -> None:
    gate = Gate()
    script = Script([TextDelta("Hi"), Finish()], on_load=[gate])
    async with serve(runners=[scripted("slow", script)]) as server:
        leaver = await asked(server.url, ASKED["whole"])
        stayer = await asked(server.url, ASKED["whole"])
        await gate.started.wait()
        await until(lambda: len(server.engine.live) == 2)
        leave(leaver)
        await until(lambda: len(server.engine.live) == 1)
        gate.release.set()
        assert (await stayer.answer()).status == 200
        assert (script.loads, script.unloads) == (1, 0)
        await stayer.close()


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
async def test_between_the_pieces_of_an_upload(serve: Serve, tmp_path: Path, chunked: bool) -> None:
    folder = tmp_path / "uploads"
    length = "transfer-encoding: chunked" if chunked else "content-length: 9000000"
    head = f"POST /v2/uploads HTTP/1.1\r\nhost: localhost\r\n{length}\r\n\r\n".encode()
    piece = bytes(2**20 + 1)
    async with serve() as server:
        before, taken = asyncio.all_tasks(), []
        for _ in range(TIMES):
            wire = await asked(server.url, head)
            await wire.send(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            await until(lambda: folder.exists() and any(folder.iterdir()))
            left = leave(wire)
            await until(lambda: not any(folder.iterdir()))
            taken.append(time.perf_counter() - left)
        assert statistics.median(taken) < WITHIN
        await until(lambda: asyncio.all_tasks() <= before)


async def test_amid_a_form(serve: Serve) -> None:
    part = b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF'
    head = (
        b"POST /v1/audio/transcriptions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 900000\r\n"
        b"content-type: multipart/form-data; boundary=b\r\n\r\n"
    )
    async with serve() as server:
        before = asyncio.all_tasks()
        wire = await asked(server.url, head + part)
        await until(lambda: len(asyncio.all_tasks()) > len(before))
        left = leave(wire)
        await until(lambda: asyncio.all_tasks() <= before)
        assert time.perf_counter() - left < WITHIN * 3


async def test_with_further_requests_already_sent(serve: Serve) -> None:
    """The one at work is stopped, and those behind it are never begun."""
    script, gates = gated()
    async with serve(runners=[scripted("slow", script)]) as server:
        taken = []
        for turn in range(TIMES):
            wire = await asked(server.url, ASKED["whole"] * 3)
            await gates[turn].started.wait()
            taken.append(await since(leave(wire), script.calls[turn].over))
        assert statistics.median(taken) < WITHIN
        assert len(script.calls) == script.closes == TIMES


async def test_requests_in_one_write_are_answered_in_turn(serve: Serve) -> None:
    texts = [TextDelta("one"), TextDelta("two"), TextDelta("three")]
    lines: list[list[Step]] = [[text, Finish()] for text in texts]
    script = Script(*lines)
    async with serve(runners=[scripted("slow", script)]) as server:
        wire = await asked(server.url, ASKED["whole"] + ASKED["stream"] + ASKED["whole"])
        said = [(await wire.answer()).body for _ in texts]
        assert [text.text.encode() in body for text, body in zip(texts, said, strict=True)] == [
            True
        ] * 3
        await wire.close()


async def test_a_stream_stopped_by_its_id_leaves_its_connection_in_order(serve: Serve) -> None:
    stuck: list[list[Step]] = [[TextDelta("Hel"), Gate()] for _ in range(2)]
    script = Script(*stuck)
    async with serve(runners=[scripted("slow", script)]) as server:
        wire = await asked(server.url, ASKED["stream"])
        answer = asyncio.ensure_future(wire.answer())
        await until(lambda: bool(script.calls) and script.calls[0].sent == 1)
        (id,) = server.engine.live
        other = await asked(server.url, request("DELETE", f"/v2/requests/{id}"))
        assert (await other.answer()).status == 200
        assert b"cancelled" in (await answer).body
        await wire.send(ASKED["stream"])
        again = asyncio.ensure_future(wire.answer())
        await until(lambda: len(script.calls) == 2 and script.calls[1].sent == 1)
        left = leave(wire)
        assert await since(left, script.calls[1].over) < WITHIN * 3
        with pytest.raises((EOFError, ConnectionError)):
            await again
        await other.close()


async def test_a_request_is_one_task_however_long_it_takes(serve: Serve) -> None:
    """Nothing waits for the client's leaving: its connection tells the work."""
    loop, made = asyncio.get_running_loop(), 0

    def count(loop: asyncio.AbstractEventLoop, work: Any, **how: Any) -> asyncio.Task[Any]:
        nonlocal made
        made += 1
        return asyncio.Task(work, loop=loop, **how)

    gate = Gate()
    quickly: list[Step] = [TextDelta("Hi"), Finish()]
    slowly: list[Step] = [gate, *quickly]
    script = Script(*[quickly] * 31, slowly)
    async with serve(runners=[scripted("slow", script)]) as server:
        wire = await asked(server.url, ASKED["whole"])
        await wire.answer()  # loads the runner
        loop.set_task_factory(count)
        try:
            for _ in range(30):
                await wire.send(ASKED["whole"])
                await wire.answer()
            assert made == 30
            await wire.send(ASKED["whole"])
            await gate.started.wait()
            await asyncio.sleep(0.05)
            gate.release.set()
            await wire.answer()
            assert made == 31
        finally:
            loop.set_task_factory(None)
        await wire.close()
