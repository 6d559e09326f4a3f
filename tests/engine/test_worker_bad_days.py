"""Workers at the worst moments: gone as soon as they are ready, deaf, or with settings gone bad."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from breeze.contracts.chat import ChatRequest
from breeze.contracts.clock import SystemClock
from breeze.contracts.errors import NotLoadedError, ProcessingError
from breeze.contracts.events import TextDelta
from breeze.engine.pool import Key, Pool
from breeze.engine.worker_frames import HEAD
from breeze.engine.worker_messages import Ended
from breeze.engine.worker_pulse import pulse, watched
from breeze.engine.workers import isolated
from breeze.testing.clock import ManualClock
from tests.engine.brittle import BrittleParameters, BrittleRunner
from tests.engine.conftest import OpenEngine
from tests.engine.isolation import alive, at_work, brittle, said

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="workers need Unix sockets")


async def test_a_worker_that_is_gone_as_soon_as_it_is_ready_is_not_kept_for_ready() -> None:
    loaded = msgspec.msgpack.encode(Ended(1))
    words = HEAD.pack(0, len(loaded)) + loaded + b"\xff" * 8
    runner = isolated(brittle(on_load=f"send {words.hex()}"))
    pool = Pool(SystemClock(), retries=0)
    with pytest.raises(NotLoadedError, match="it sent what is no frame: .* while it loaded"):
        await pool.admit(Key("brittle", ""), lambda: runner)
    assert runner.pid == 0
    await pool.close()


async def test_settings_that_went_bad_are_told_and_good_again_when_they_are(tmp_path: Path) -> None:
    file = tmp_path / "adapter"
    file.touch()
    async with at_work() as runner:
        runner.parameters = BrittleParameters.of({"word": "new", "file": str(file)})
        file.unlink()
        with pytest.raises(NotLoadedError, match=r"settings that are wrong: .*file: .*not exist"):
            await asyncio.wait_for(said(runner, "words 1"), 10)
        file.touch()
        assert await said(runner, "words 1") == "new0 "


async def test_a_deaf_worker_is_ended_when_nobody_waits_for_its_unload() -> None:
    runner = isolated(brittle())
    await runner.load("")
    pid = runner.pid
    os.kill(pid, signal.SIGSTOP)
    unloading = asyncio.create_task(runner.unload())
    await asyncio.sleep(0)
    unloading.cancel()
    await asyncio.wait((unloading,))
    await ended(pid)


async def test_an_engine_in_a_hurry_leaves_no_process(opened: OpenEngine) -> None:
    pids, leaving = list[int](), asyncio.Event()

    async def visit() -> None:
        async with opened(BrittleRunner) as engine:
            pids.append(int((await engine.run(ChatRequest.of("say pid", runner="brittle"))).text))
            events = engine.stream(ChatRequest.of("after block 60", runner="brittle"))
            assert await anext(events) == TextDelta("begun ")
            leaving.set()

    visiting = asyncio.create_task(visit())
    await leaving.wait()
    await asyncio.sleep(0)  # it waits for the stream to stop, which is not heard
    visiting.cancel()
    await asyncio.wait((visiting,))
    await ended(pids[0])


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody tells what a process does")
async def test_a_worker_that_does_nothing_while_it_loads_is_ended() -> None:
    clock, runner = ManualClock(), isolated(brittle(on_load="block 600"))
    runner.clock = clock
    loading = asyncio.create_task(runner.load(""))
    while not runner.pid:  # noqa: ASYNC110  # a process has no event
        await asyncio.sleep(0.005)
    pid = runner.pid
    while not loading.done():
        await clock.advance(10)
        await asyncio.sleep(0.005)
    with pytest.raises(NotLoadedError, match="did nothing for 60 s of a load while it") as stopped:
        await loading
    assert not stopped.value.retryable  # it would only take as long again
    await ended(pid)


async def test_one_that_works_may_take_its_time() -> None:
    clock, idle = ManualClock(), list[str]()
    with watched(os.getpid(), clock, lambda: idle.append("idle")):
        for _ in range(20):
            before = pulse(os.getpid())
            while pulse(os.getpid()) == before != ():
                continue
            await clock.advance(10)
    assert idle == []
    assert clock.pending == 0


async def test_a_crash_is_told_although_every_thread_is_busy() -> None:
    busy, free = threading.Event(), threading.Event()

    def hold() -> None:
        busy.set()
        free.wait(30)

    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))  # as when names of hosts are looked up in vain
    async with at_work() as runner:
        holding = asyncio.ensure_future(asyncio.to_thread(hold))
        while not busy.is_set():  # noqa: ASYNC110  # a thread has another loop
            await asyncio.sleep(0.001)
        try:
            with pytest.raises(ProcessingError, match="SIGKILL"):
                await asyncio.wait_for(said(runner, "signal SIGKILL"), 10)
        finally:
            free.set()
            await holding


async def ended(pid: int) -> None:
    """Wait for the end of a process."""
    async with asyncio.timeout(5):
        while alive(pid):  # noqa: ASYNC110  # another process has no event
            await asyncio.sleep(0.005)
