"""A runner in a process of its own is the same runner; what it may take of ours is little."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.chat import ChatRequest
from breeze.contracts.errors import (
    CapabilityError,
    InputError,
    NotLoadedError,
    ProcessingError,
    RateLimitError,
    RunnerError,
    TooLargeError,
)
from breeze.contracts.events import ALIVE, Progress, Transcript
from breeze.contracts.requests import DrawRequest, Request, SpeakRequest, TranscribeRequest
from breeze.engine import worker_frames
from breeze.engine.worker_messages import SOUNDS, WINDOW
from breeze.engine.worker_pulse import pulse
from breeze.engine.workers import isolated
from breeze.testing.clock import ManualClock
from breeze.testing.scripted import Script, scripted
from tests.engine.brittle import BrittleParameters, BrittleRunner
from tests.engine.conftest import OpenEngine
from tests.engine.isolation import alive, at_work, brittle, said

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="workers need Unix sockets")
MB = 1_000_000


async def events_of(runner: Any, request: Request[Any]) -> list[Any]:
    return [event async for event in runner.stream(request)]


@pytest.mark.parametrize(
    "request_",
    [
        ChatRequest.of("words 120"),
        ChatRequest.of("words 3", params={"word": "asked"}),
        SpeakRequest("3000000"),
        TranscribeRequest(audio=bytes(5 * MB)),
    ],
    ids=lambda request: type(request).__name__,
)
async def test_the_events_are_those_of_the_runner(request_: Request[Any]) -> None:
    here = brittle()
    async with at_work() as there:
        assert await events_of(there, request_) == await events_of(here, request_)


async def test_it_works_in_another_process_that_is_ended_by_unload() -> None:
    runner = isolated(brittle())
    with pytest.raises(NotLoadedError, match="not loaded"):
        await said(runner, "words 1")
    await runner.load("")
    pid = int(await said(runner, "say pid"))
    assert pid == runner.pid != os.getpid()
    assert os.getpgid(pid) == pid  # Ctrl-C in a terminal does not reach it
    await runner.unload()
    await runner.unload()
    assert not alive(pid)
    assert runner.pid == 0
    await runner.load("")
    assert int(await said(runner, "say pid")) != pid
    await runner.unload()


async def test_its_surroundings_are_bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SOME_API_KEY", "BREEZE_BRITTLE_WORD", "CUDA_TOKEN"):
        monkeypatch.setenv(name, "private")
    async with at_work(key="a-key-of-mine", threads=3) as runner:
        assert await said(runner, "say key") == "a-key-of-mine"
        for name in ("SOME_API_KEY", "BREEZE_BRITTLE_WORD", "CUDA_TOKEN"):
            assert await said(runner, f"environ {name}") == "-"
        assert await said(runner, "environ OMP_NUM_THREADS") == "3"
        assert await said(runner, "environ HOME") == os.environ["HOME"]


async def test_where_libraries_look_for_files_reaches_it_and_keys_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = ("HF_HOME", "HF_HUB_OFFLINE", "HF_ENDPOINT", "TOKENIZERS_PARALLELISM", "TORCH_HOME")
    private = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_SECRET_STORE", "TRANSFORMERS_API_KEY")
    for name in (*kept, *private):
        monkeypatch.setenv(name, "given")
    async with at_work() as runner:
        told = {name: await said(runner, f"environ {name}") for name in (*kept, *private)}
    assert told == dict.fromkeys(kept, "given") | dict.fromkeys(private, "-")


async def test_one_thread_is_the_default() -> None:
    async with at_work() as runner:
        assert await said(runner, "environ OPENBLAS_NUM_THREADS") == "1"


async def test_it_imports_the_contracts_and_little_else() -> None:
    async with at_work() as runner:
        parts = {name.split(".")[1] for name in (await said(runner, "modules")).split()}
        assert parts == {"contracts", "engine"}
        engine = [n for n in (await said(runner, "modules")).split() if ".engine." in n]
        assert all(name.startswith("breeze.engine.worker_") for name in engine)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
async def test_an_idle_worker_takes_less_than_forty_megabytes() -> None:
    async with at_work() as runner:
        await said(runner, "words 10")
        assert 5 * MB < runner.resident() < 40 * MB
    assert runner.resident() == 0


async def test_changed_settings_count_from_the_next_request_on() -> None:
    async with at_work() as runner:
        assert await said(runner, "words 1") == "word0 "
        runner.parameters = BrittleParameters.of({"word": "term", "key": "another-key"})
        assert await said(runner, "words 1") == "term0 "
        assert await said(runner, "say key") == "another-key"
        with pytest.raises(ProcessingError, match=r"nothing there for \*\*\*"):
            await said(runner, "raise another-key")


async def test_errors_are_those_of_the_runner() -> None:
    async with at_work(key="my-private-key") as runner:
        with pytest.raises(RateLimitError, match="too fast") as slow:
            await said(runner, "limit")
        assert slow.value.retry_after == 3
        with pytest.raises(InputError) as wrong:
            await said(runner, "wrong")
        assert wrong.value.field == "messages"
        with pytest.raises(ProcessingError, match=r"LookupError: nothing there for \*\*\*"):
            await said(runner, "raise my-private-key")
        with pytest.raises(CapabilityError):
            await events_of(runner, DrawRequest.of("a lake"))
        with pytest.raises(InputError, match="threads"):
            await said(runner, "words 1", params={"threads": 2})
        assert await said(runner, "words 1") == "word0 "


async def test_a_request_that_is_too_large_hits_nobody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with at_work() as runner:
        monkeypatch.setattr(worker_frames, "LARGEST", MB)  # half a gigabyte takes its time
        with pytest.raises(TooLargeError, match="takes at most"):
            await events_of(runner, TranscribeRequest(audio=bytes(2 * MB)))
        assert await said(runner, "words 1") == "word0 "


async def test_a_load_tells_how_far_it_has_come() -> None:
    runner, told = isolated(brittle()), list[Progress]()
    runner.progress = told.append
    await runner.load("")
    assert told == [Progress("load", 1, 2)]
    assert [model.id for model in await runner.models()] == ["glass"]
    await runner.unload()


async def test_a_sign_of_life_stays_one() -> None:
    async with at_work() as runner:
        first = await anext(runner.stream(ChatRequest.of("alive")))
        assert first is ALIVE


# back-pressure ------------------------------------------------------------------------------


async def test_a_slow_reader_slows_the_runner() -> None:
    async with at_work() as runner:
        events = runner.stream(ChatRequest.of("words 10000"))
        for _ in range(WINDOW):
            await anext(events)
        while runner.work.steps < 2 * WINDOW - 1:  # noqa: ASYNC110  # another process works
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.05)
        assert runner.work.steps <= 2 * WINDOW
        rest = [event async for event in events]
        assert len(rest) == 10_001 - WINDOW


async def test_a_live_source_is_heard_while_it_comes() -> None:
    given = 0

    async def live() -> AsyncIterator[bytes]:
        nonlocal given
        for _ in range(500):
            given += 1
            yield bytes(10)

    async with at_work() as runner:
        events = runner.stream(TranscribeRequest(live=live(), sample_rate=16_000))
        assert await anext(events) == Transcript("10")
        await asyncio.sleep(0.05)
        assert given <= WINDOW + 2 * SOUNDS + 2  # it is not read ahead of the runner
        rest = [event async for event in events]
        assert rest[-2] == Transcript("5000", is_final=True)


async def test_what_a_live_source_raises_is_told() -> None:
    async def mine() -> AsyncIterator[bytes]:
        yield bytes(10)
        raise RateLimitError("the microphone needs a rest")

    async def odd() -> AsyncIterator[Any]:
        yield "text"

    async with at_work() as runner:
        with pytest.raises(RateLimitError, match="needs a rest"):
            await events_of(runner, TranscribeRequest(live=mine(), sample_rate=16_000))
        with pytest.raises(RunnerError, match="TypeError: a piece of it is str"):
            await events_of(runner, TranscribeRequest(live=odd(), sample_rate=16_000))


async def test_a_live_source_is_closed_when_its_reader_leaves() -> None:
    closed = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield bytes(10)
                await asyncio.sleep(0.001)
        finally:
            closed.set()

    async with at_work() as runner:
        events = runner.stream(TranscribeRequest(live=endless(), sample_rate=16_000))
        await anext(events)
        await events.aclose()
        assert closed.is_set()
        assert runner.work.active == 0


# cancelling ------------------------------------------------------------------------------


async def test_closing_a_stream_stops_the_work_and_no_other() -> None:
    async with at_work() as runner:
        other = asyncio.create_task(said(runner, "slow 40"))
        events = runner.stream(ChatRequest.of("slow 100000"))
        await anext(events)
        start = time.perf_counter()
        await events.aclose()
        assert time.perf_counter() - start < 0.1
        assert (await other).count("more") == 39
        assert runner.work.active == 0


async def test_who_cancels_is_released_and_the_worker_ended_behind_it() -> None:
    clock = ManualClock()
    async with at_work(clock) as runner:
        pid = runner.pid
        other = runner.stream(ChatRequest.of("slow 100000"))
        await anext(other)
        stuck = runner.stream(ChatRequest.of("after block 60"))
        await anext(stuck)
        closing = asyncio.create_task(stuck.aclose())
        await clock.advance(0.1)
        await closing
        assert alive(pid)
        await clock.advance(2)
        with pytest.raises(ProcessingError, match="did not stop within 2 s") as stopped:
            async for _ in other:
                pass
        assert stopped.value.retryable
        assert not alive(pid)
        await clock.advance(10)
        await runner.load("")
        assert await said(runner, "words 1") == "word0 "


async def _worked(pid: int) -> None:
    """Return when the process has done something more."""
    before = pulse(pid)
    async with asyncio.timeout(10):
        while pulse(pid) == before:  # noqa: ASYNC110  # a process has no event
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("ends", [True, False])
async def test_one_long_step_of_who_left_does_not_cost_others_their_answers(
    tmp_path: Path, ends: bool
) -> None:
    clock = ManualClock()
    async with at_work(clock) as runner:
        other = runner.stream(ChatRequest.of("slow 100000"))
        await anext(other)
        stuck = runner.stream(ChatRequest.of(f"after compute {tmp_path / 'enough'}"))
        await anext(stuck)
        closing = asyncio.create_task(stuck.aclose())
        await clock.advance(0.1)
        await closing
        for _ in range(14):
            await _worked(runner.pid)
            await clock.advance(2)
        if ends:
            (tmp_path / "enough").touch()
            for _ in range(100):
                assert await anext(other)
        else:
            await clock.advance(2)
            with pytest.raises(ProcessingError, match="did not stop within 30 s"):
                async for _ in other:
                    pass
        await other.aclose()


async def test_a_load_that_is_cancelled_leaves_no_process() -> None:
    runner = isolated(brittle(on_load="block 60"))
    loading = asyncio.create_task(runner.load(""))
    while not runner.pid:  # noqa: ASYNC110  # a process has no event
        await asyncio.sleep(0.005)
    pid = runner.pid
    loading.cancel()
    with suppress(asyncio.CancelledError):
        await loading
    assert loading.cancelled()
    assert not alive(pid)


# the engine -----------------------------------------------------------------------------


async def test_a_class_that_cannot_be_imported_says_so() -> None:
    class Local(BrittleRunner):
        """Lives in a function."""

    reason = isolated(Local(BrittleParameters())).check()
    assert reason is not None
    assert "put the class into a module, or set its isolation to none" in reason
    made_here = scripted("made_here", Script())
    assert "isolation" in str(isolated(made_here(BrittleParameters())).check())
    assert isolated(brittle()).check() is None


@pytest.mark.parametrize(("isolation", "own"), [(None, True), ("none", False), ("process", True)])
async def test_the_configuration_decides(
    opened: OpenEngine, tmp_path: Path, isolation: str | None, own: bool
) -> None:
    entry = {"class": "brittle"} | ({"isolation": isolation} if isolation else {})
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"capabilities": {"LLM": {"runners": {"glass": entry}}}}))
    async with opened(BrittleRunner, config=config) as engine:
        answer = await engine.run(ChatRequest.of("say pid", runner="glass"))
        assert (int(answer.text) != os.getpid()) is own


LEFT = """
import asyncio, os, signal, sys
from tests.engine.isolation import brittle
from breeze.contracts.chat import ChatRequest
from breeze.engine.workers import isolated

async def main():
    runner = isolated(brittle())
    await runner.load("")
    events = runner.stream(ChatRequest.of("after block 60"))
    await anext(events)
    print(runner.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child amid native work")
def test_it_never_outlives_the_engine() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LEFT], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    pid, until = int(done.stdout), time.monotonic() + 10
    while alive(pid):
        assert time.monotonic() < until
        time.sleep(0.005)  # another process ends
