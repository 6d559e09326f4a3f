"""Several streams on one loaded model: stopping, waiting, memory, and what stays closed."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing
from pathlib import Path
from time import perf_counter

import pytest

from breeze.contracts.events import Finish, Progress, TextDelta
from breeze.contracts.requests import ChatRequest
from tests.runners.alone import printed_alone
from tests.runners.llamacpp_files import answer, loaded
from tests.runners.llamacpp_files import models as models

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
TICK = ChatRequest.of("Go")
PROMPT = 12_000


async def test_closing_a_stream_stops_the_work_at_once(models: Path) -> None:
    async with loaded("endless", models_dir=models) as runner:
        waits = []
        for _ in range(3):
            stream = runner.stream(TICK)
            assert isinstance(await anext(stream), TextDelta)
            begun = perf_counter()
            await stream.aclose()
            waits.append(perf_counter() - begun)
            assert runner.work.active == 0
        steps = runner.work.steps
        await answer(runner, ChatRequest.of("Go", max_tokens=3))
        assert runner.work.steps - steps < 10  # nothing else was at work meanwhile
    assert min(waits) < 0.1


async def test_closing_while_the_prompt_is_read_stops_the_work(models: Path) -> None:
    async with loaded("endless", models_dir=models, batch=32) as runner:
        stream = runner.stream(ChatRequest.of("x" * PROMPT))
        first = await anext(stream)
        assert isinstance(first, Progress)
        assert first.stage == "prompt"
        assert first.total > PROMPT > first.done > 0
        begun = perf_counter()
        await stream.aclose()
        assert perf_counter() - begun < 2  # all of the prompt takes much longer
        assert runner.work.active == 0


async def test_two_streams_run_at_once_and_closing_one_leaves_the_other(models: Path) -> None:
    async with loaded("endless", models_dir=models) as runner:
        request = ChatRequest.of("Go", max_tokens=200)
        async with aclosing(runner.stream(request)) as kept, aclosing(runner.stream(TICK)) as left:
            texts = [(await anext(kept)).text]
            assert (await anext(left)).text.startswith("tick")
            assert runner.work.active == 2
            await left.aclose()
            assert runner.work.active == 1
            rest = [event async for event in kept]
        texts += [event.text for event in rest if isinstance(event, TextDelta)]
        assert "".join(texts) == "tick tock" * 100
        assert isinstance(rest[-1], Finish)


async def test_a_cancelled_task_stops_its_stream(models: Path) -> None:
    async with loaded("endless", models_dir=models) as runner:
        started = asyncio.Event()

        async def read() -> None:
            async with aclosing(runner.stream(TICK)) as stream:
                async for _ in stream:
                    started.set()

        task = asyncio.create_task(read())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert runner.work.active == 0


async def test_a_stream_waits_for_a_free_slot_and_can_leave_the_queue(models: Path) -> None:
    async with loaded("endless", models_dir=models, parallel=1) as runner:
        async with aclosing(runner.stream(TICK)) as working:
            await anext(working)
            waiting = asyncio.create_task(answer(runner, ChatRequest.of("Go")))
            patient = asyncio.create_task(answer(runner, ChatRequest.of("Go", max_tokens=2)))
            for _ in range(60):
                await anext(working)
            assert not waiting.done()
            assert not patient.done()
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert (await anext(working)).text
        assert (await patient).text == "tick tock"  # its turn came when the first one left


async def test_a_reader_that_does_not_read_holds_the_producer_up(models: Path) -> None:
    async with loaded("endless", models_dir=models) as runner:
        async with aclosing(runner.stream(TICK)) as stream:
            await anext(stream)
            await answer(runner, ChatRequest.of("Go", max_tokens=500))
            read = runner.work.steps
        assert read < 700  # 50 events are buffered for the idle reader, no more


CYCLES = """
import asyncio
from pathlib import Path
from tests.runners.llamacpp_files import ChatRequest, answer, loaded

async def once():
    async with loaded("") as runner:
        await answer(runner, ChatRequest.of("Hello", max_tokens=5))

async def main():
    for times in (3, 20):
        for _ in range(times):
            await once()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        print(pages, *(len(list(Path(f"/proc/self/{what}").iterdir())) for what in ("fd", "task")))

asyncio.run(main())
"""


@linux
def test_loading_again_and_again_takes_no_more_memory() -> None:
    first, last = printed_alone(CYCLES)
    assert (last[0] - first[0]) * 4096 < 15_000_000  # one model kept would be 25 MB a time
    assert last[1] == first[1]  # open files
    assert last[2] <= first[2] + 1  # threads: those that a pool of the interpreter's may add


@linux
async def test_nothing_can_connect_to_the_loaded_model(models: Path) -> None:
    async with loaded("talker", models_dir=models):
        mine = {
            link.readlink().name.removeprefix("socket:[").rstrip("]")
            for link in Path("/proc/self/fd").iterdir()
            if link.is_symlink() and "socket" in str(link.readlink())
        }
        tcp = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
        assert not [row for row in tcp if row[3] == "0A" and row[9] in mine]
        unix = [line.split() for line in Path("/proc/self/net/unix").read_text().splitlines()[1:]]
        paths = [row[7] for row in unix if row[6] in mine and len(row) > 7]
        assert not [path for path in paths if Path(path).exists()]
