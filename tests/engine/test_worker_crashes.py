"""A worker that dies: one clear error for those it served, and a new process for the next."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.chat import ChatRequest
from breeze.contracts.errors import MemoryLimitError, NotLoadedError, ProcessingError, RunnerError
from breeze.contracts.events import Finish, Progress, TextDelta
from breeze.engine.engine import Engine
from breeze.engine.worker_death import died
from breeze.engine.workers import isolated
from breeze.testing.clock import ManualClock
from breeze.testing.scripted import Script, scripted
from tests.engine.brittle import BrittleRunner
from tests.engine.conftest import OpenEngine
from tests.engine.isolation import at_work, brittle, said

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="workers need Unix sockets")


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("signal SIGSEGV", "was ended by SIGSEGV (a fault in its native code)"),
        ("signal SIGABRT", "was ended by SIGABRT (its native code gave up)"),
        ("signal SIGKILL", "was ended by SIGKILL (perhaps the system was out of memory"),
        ("exit 3", r"ended with exit code 3. It is started again for the next request. It last"),
        ("exit 0", "ended with exit code 0"),
    ],
)
async def test_the_error_says_how_it_ended(what: str, told: str) -> None:
    async with at_work() as runner:
        lost: list[str] = []
        runner.lost = lambda: lost.append("once")
        events = runner.stream(ChatRequest.of(f"after {what}"))
        assert await anext(events) == TextDelta("begun ")
        with pytest.raises(ProcessingError) as crashed:
            await anext(events)
        assert told in crashed.value.message
        assert (crashed.value.detail, crashed.value.retryable) == ("crashed", True)
        assert crashed.value.runner == "brittle"
        assert lost == ["once"]


async def test_its_last_words_are_told_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    async with at_work(key="last words") as runner:
        with caplog.at_level(logging.WARNING), pytest.raises(ProcessingError) as crashed:
            await said(runner, "exit 3")
    assert crashed.value.message.endswith("It last said: these are its *** ***")
    assert "sk-" not in caplog.text + crashed.value.message
    assert "last words" not in caplog.text + crashed.value.message


async def test_want_of_memory_is_told_as_such() -> None:
    async with at_work() as runner:
        with pytest.raises(MemoryLimitError, match="ran out of memory at .* MB") as starved:
            await said(runner, "bad_alloc")
    assert starved.value.data["resident"] > 5_000_000
    assert isinstance(died("x", -9, "", 0, starved=True), MemoryLimitError)
    assert isinstance(died("x", -9, "", 0, starved=False), ProcessingError)
    assert "exit code 1" in died("x", 1, "", 0, starved=True).message


HOSTILE = {
    "no frame": "ffffffffff",
    "half a gigabyte and more": "00f0000000",
    "too much for one write": "0000f00000",
    "a file that is not there": "0100001000",
    "no msgpack": "0000000003c1c1c1",
    "another type": "0000000001a0",
    "an unknown message": "0000000003926301",
    "a message of ours to it": "00000000049207a000",
    "text that is no Unicode": "0000000006930c01a2ffff",
    "lists without end": "0000001000" + "91" * 4096,
}


@pytest.mark.parametrize("frames", HOSTILE.values(), ids=HOSTILE)
async def test_a_hostile_worker_hurts_only_those_it_served(frames: str) -> None:
    async with at_work() as runner:
        with pytest.raises(ProcessingError, match="was stopped, because it sent") as broken:
            await said(runner, f"send {frames}")
        assert broken.value.detail == "crashed"
        assert runner.pid == 0
        await runner.load("")
        assert await said(runner, "words 1") == "word0 "


async def test_more_events_than_it_may_send_are_refused() -> None:
    event = bytes.fromhex("930c02") + b"\x82\xa4type\xa4text\xa4text\xa1x"
    flood = (b"\x00" + len(event).to_bytes(4, "big") + event) * 1000
    async with at_work() as runner:
        events = runner.stream(ChatRequest.of(f"after send {flood.hex()}"))
        await anext(events)  # call 2: the load was the first
        await asyncio.sleep(0.2)
        with pytest.raises(ProcessingError, match="more events than it was given leave to send"):
            async for _ in events:
                pass


async def test_a_worker_that_hangs_up_is_ended() -> None:
    async with at_work() as runner:
        pid = runner.pid
        with pytest.raises(ProcessingError, match="crashed"):
            await said(runner, "hang up")
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_a_worker_killed_with_something_unread_was_still_killed() -> None:
    async with at_work() as runner:
        os.kill(runner.pid, signal.SIGSTOP)
        asked = asyncio.ensure_future(said(runner, "words 1"))
        await asyncio.sleep(0.05)  # the request is in the socket, where nobody reads it
        os.kill(runner.pid, signal.SIGKILL)
        with pytest.raises(ProcessingError, match="was ended by SIGKILL"):
            await asked


async def test_only_the_streams_of_that_worker_end() -> None:
    async with at_work() as one, at_work() as two:
        streams = [one.stream(ChatRequest.of("slow 100000")) for _ in range(5)]
        for events in streams:
            await anext(events)
        other = asyncio.create_task(said(two, "slow 30"))
        os.kill(one.pid, signal.SIGKILL)
        errors = [await last_of(events) for events in streams]
        assert all(isinstance(error, ProcessingError) for error in errors)
        assert [error.relayed for error in errors] == [False, True, True, True, True]
        assert (await other).count("more") == 29
        assert (one.work.active, two.work.active) == (0, 0)


async def last_of(events: Any) -> RunnerError:
    with pytest.raises(RunnerError) as error:
        async for _ in events:
            pass
    return error.value


async def test_who_keeps_crashing_rests_longer_each_time() -> None:
    clock = ManualClock()
    async with at_work(clock) as runner:
        for rest in (0.1, 0.2, 0.4):
            with pytest.raises(ProcessingError):
                await said(runner, "signal SIGKILL")
            before = clock.now()
            loading = asyncio.create_task(runner.load(""))
            while clock.due is None or clock.due > before + rest:  # noqa: ASYNC110  # a process ends
                await asyncio.sleep(0.001)
            assert clock.due == pytest.approx(before + rest)
            await clock.advance(rest)
            await loading
        assert await said(runner, "words 1") == "word0 "  # an answer that ends well wipes that off
        with pytest.raises(ProcessingError):
            await said(runner, "signal SIGKILL")
        loading = asyncio.create_task(runner.load(""))
        await clock.advance(0.1)
        await loading


async def test_a_death_while_loading_is_an_error_with_its_last_words() -> None:
    runner = isolated(brittle(on_load="exit 4"))
    with pytest.raises(NotLoadedError, match=r"exit code 4 while it loaded\. It last said: these"):
        await runner.load("")
    assert runner.pid == 0
    broken = isolated(brittle(on_load="raise the model"))
    with pytest.raises(NotLoadedError, match="LookupError: nothing there for the model") as failed:
        await broken.load("")
    assert not failed.value.retryable


# with the engine ------------------------------------------------------------------------


def configured(folder: Path, *names: str, **settings: Any) -> Path:
    runners = {
        name: {"class": name.partition("-")[0], "priority": number}
        for number, name in enumerate(names)
    }
    file = folder / "config.json"
    capabilities = {"LLM": {"runners": runners}}
    file.write_text(json.dumps({"globalSettings": settings, "capabilities": capabilities}))
    return file


async def test_a_request_without_output_is_asked_again(opened: OpenEngine, tmp_path: Path) -> None:
    sign = tmp_path / "sign"
    sign.touch()
    async with opened(BrittleRunner, config=configured(tmp_path, "brittle")) as engine:
        answer = await engine.run(ChatRequest.of(f"once {sign}"))
        assert answer.text == ""
        assert not sign.exists()


async def test_a_request_without_output_goes_to_the_next_runner(
    opened: OpenEngine, tmp_path: Path
) -> None:
    other = scripted("other", Script([TextDelta("fine"), Finish()]))
    config = configured(tmp_path, "brittle", "other")
    async with opened(BrittleRunner, other, config=config) as engine:
        answer = await engine.run(ChatRequest.of("signal SIGSEGV"))
        assert answer.text == "fine"
        assert status(engine).failures == 2


async def test_after_output_it_is_one_error_and_the_next_request_is_answered(
    opened: OpenEngine, tmp_path: Path
) -> None:
    async with opened(BrittleRunner, config=configured(tmp_path, "brittle")) as engine:
        await engine.run(ChatRequest.of("words 1"))  # it is loaded, of which nobody is told again
        async with engine.stream(ChatRequest.of("after signal SIGSEGV")) as events:
            async for event in events:
                if type(event) is not Progress:  # of the load
                    break
            assert event == TextDelta("begun ")
            with pytest.raises(ProcessingError, match="SIGSEGV") as crashed:
                await anext(events)
        assert crashed.value.delivered >= 1
        assert (await engine.run(ChatRequest.of("words 1"))).text == "word0 "


async def test_one_crash_is_one_failure_however_many_it_hit(
    opened: OpenEngine, tmp_path: Path
) -> None:
    async with opened(BrittleRunner, config=configured(tmp_path, "brittle")) as engine:
        pid = int((await engine.run(ChatRequest.of("say pid"))).text)
        streams = [engine.stream(ChatRequest.of("slow 100000")) for _ in range(20)]
        for events in streams:
            await anext(events)
        os.kill(pid, signal.SIGKILL)
        errors = await asyncio.gather(*(last_of(events) for events in streams))
        assert {error.code for error in errors} == {"E101"}
        assert status(engine).failures == 1
        assert int((await engine.run(ChatRequest.of("say pid"))).text) != pid


async def test_a_worker_that_never_loads_is_given_up(opened: OpenEngine, tmp_path: Path) -> None:
    config = configured(tmp_path, "brittle", maxInitRetries=1, failover={"attempts": 1})
    overrides = {"brittle": {"on_load": "exit 5"}}
    async with opened(BrittleRunner, config=config, overrides=overrides) as engine:
        with pytest.raises(NotLoadedError, match="exit code 5 while it loaded"):
            await engine.run(ChatRequest.of("words 1"))


async def test_a_runner_whose_idle_process_ended_counts_as_not_loaded(
    opened: OpenEngine, tmp_path: Path
) -> None:
    async with opened(BrittleRunner, config=configured(tmp_path, "brittle")) as engine:
        pid = int((await engine.run(ChatRequest.of("say pid"))).text)
        assert (status(engine).state, len(status(engine).models)) == ("ready", 1)
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(5):
            while status(engine).state == "ready":  # noqa: ASYNC110  # a process ends
                await asyncio.sleep(0.01)
        now = status(engine)
        assert (now.state, now.loaded, now.size) == ("absent", (), 0)
        await engine.run(ChatRequest.of("words 1"))
        assert status(engine).state == "ready"


def status(engine: Engine) -> Any:
    return next(s for s in engine.runners() if s.name == "brittle")
