"""The replay runner: what was recorded, again, at any speed, with faults on demand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from breeze.config import parse_config
from breeze.contracts.capability import Capability
from breeze.contracts.errors import (
    CODES,
    InputError,
    NotFoundError,
    ProcessingError,
    RateLimitError,
    RunnerError,
    UnavailableError,
)
from breeze.contracts.events import Adjusted, Finish, TextDelta, Usage
from breeze.contracts.requests import ChatRequest, TranscribeRequest
from breeze.contracts.results import collect
from breeze.engine.engine import Engine
from breeze.runners._replay_parameters import FAULTS, ReplayParameters
from breeze.runners.replay import ReplayRunner
from breeze.testing.clock import ManualClock, settle
from breeze.testing.media import pcm
from breeze.testing.samples import Samples, renewed
from breeze.testing.scripted import Script, scripted
from tests.client.test_parity import same
from tests.testing.rehearsals import MOCKS

HELLO = [
    TextDelta("Hel"),
    TextDelta("lo "),
    Usage(1, 2, cost=0.5),
    Finish(metadata={"model_name": "m"}),
]


@pytest.fixture
async def tapes(tmp_path: Path) -> Path:
    """Some requests and their answers, recorded."""
    slow = RateLimitError("Slowly.", retry_after=3, retryable=False, data={"limit": 5})
    script = Script(HELLO, [TextDelta("x "), slow], [TextDelta("again "), Finish()])
    config = {"capabilities": {"LLM": {"runners": {"odd": {"class": "odd", "modelId": "small"}}}}}
    folder = tmp_path / "tapes"
    async with Engine.open(
        home=tmp_path / "home", config=parse_config(config).config,
        runners=[scripted("odd", script)], ledger=False, record=folder,
    ) as engine:  # fmt: skip
        await engine.run(ChatRequest.of("Hello", temperature=0.5))
        async with engine.stream(ChatRequest.of("Fail")) as events:
            with pytest.raises(RateLimitError):
                await collect(events)
        await engine.run(ChatRequest.of("Hello", temperature=0.5, deadline=9))
    return folder


async def running(folder: Path, **values: Any) -> ReplayRunner:
    runner = ReplayRunner(ReplayParameters.of({"folder": folder, **values}))
    await runner.load("")
    return runner


async def told(runner: ReplayRunner, request: Any) -> list[Any]:
    return [event async for event in runner.stream(request)]


async def test_the_same_question_has_the_same_answer(tapes: Path) -> None:
    runner = await running(tapes)
    asked = ChatRequest.of("Hello", temperature=0.5, session_id="s", runner="replay", whole=True)
    assert await told(runner, asked) == HELLO
    assert await told(runner, asked) == [TextDelta("again "), Finish()]  # it was asked twice
    assert await told(runner, asked) == [TextDelta("again "), Finish()]


async def test_a_recorded_error_is_the_same_error(tapes: Path) -> None:
    runner = await running(tapes)
    seen: list[Any] = []
    with pytest.raises(RateLimitError) as caught:
        await _into(runner.stream(ChatRequest.of("Fail")), seen)
    assert seen == [TextDelta("x ")]
    error = caught.value
    assert (error.message, error.retry_after, error.retryable) == ("Slowly.", 3, False)
    assert error.data == {"limit": 5}


@pytest.mark.parametrize("capability", Capability)
async def test_every_kind_of_work(tmp_path: Path, capability: Capability) -> None:
    request = renewed(Samples().short(capability), runner=MOCKS[capability], strict=True)
    config = _replaying(tmp_path / "t")
    async with Engine.open(
        home=tmp_path, config=config, ledger=False, record=tmp_path / "t"
    ) as engine:
        first = await _played(engine, request)
        second = await _played(engine, renewed(request, runner="again", strict=True))
    assert first == second


def _replaying(folder: Path) -> Any:
    entry = {"class": "replay", "parameters": {"folder": str(folder)}}
    wanted = {capability.value: {"runners": {"again": entry}} for capability in Capability}
    return parse_config({"capabilities": wanted}).config


async def _played(engine: Engine, request: Any) -> list[Any]:
    async with engine.stream(request) as events:
        seen = [same(event) async for event in events]
    for name in ("runner", "model", "decision", "request_id"):
        del seen[-1]["result"][name]
    return seen


async def test_real_time_by_the_clock(tmp_path: Path, tapes: Path) -> None:
    clock = ManualClock()
    file = sorted(tapes.glob("*.jsonl"))[0]
    head, *rest = [json.loads(line) for line in file.read_text().splitlines()]
    for line, at in zip(rest, (1.0, 3.0, 3.0, 3.0), strict=True):
        line["t"] = at
    file.write_text("\n".join(json.dumps(line) for line in (head, *rest)) + "\n")
    for speed, factor in ((1.0, 1.0), (2.0, 0.5)):
        runner = await running(tapes)
        runner.clock = clock
        request = ChatRequest.of("Hello", temperature=0.5, params={"speed": speed})
        stream = runner.stream(request)
        seen: list[Any] = []
        reading = asyncio.ensure_future(_into(stream, seen))
        await _until(lambda: clock.pending)
        await clock.advance(1.0 * factor)
        await _until(lambda seen=seen: len(seen) == 1)
        assert seen == HELLO[:1]
        await _until(lambda: clock.pending)
        await clock.advance(2.0 * factor)
        await reading
        assert seen == HELLO


async def _into(stream: Any, seen: list[Any]) -> None:
    async for event in stream:
        seen.append(event)


async def _until(holds: Any) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await settle()


async def test_a_question_that_was_never_asked_names_the_nearest(tapes: Path) -> None:
    runner = await running(tapes)
    with pytest.raises(NotFoundError) as caught:
        await told(runner, ChatRequest.of("Hello", temperature=0.7))
    error = caught.value
    assert (error.field, error.detail) == ("temperature", "not_recorded")
    assert "recorded 0.5, asked 0.7" in error.message
    assert error.data["nearest"] in {file.name for file in tapes.glob("*.jsonl")}
    with pytest.raises(NotFoundError) as caught:
        await told(runner, ChatRequest.of("Halo", temperature=0.5))
    assert caught.value.field == "messages[0].content"
    with pytest.raises(NotFoundError) as caught:
        await told(runner, TranscribeRequest(audio=b"RIFF"))
    assert "no recording for ASR" in caught.value.message


@pytest.mark.parametrize("fault", FAULTS)
async def test_faults_on_demand(tapes: Path, fault: str) -> None:
    runner = await running(tapes)
    params = {"fault": fault, "after": 1, "retry_after": 4.0}
    seen: list[Any] = []
    with pytest.raises(RunnerError) as caught:
        await _into(runner.stream(ChatRequest.of("Hello", temperature=0.5, params=params)), seen)
    assert seen == HELLO[:1]
    assert type(caught.value) is FAULTS[fault]
    assert caught.value.code in CODES
    assert caught.value.retry_after in (None, 4.0)
    if fault == "rate_limit":
        assert caught.value.retry_after == 4.0


async def test_a_fault_comes_in_the_place_of_the_end_at_the_latest(tapes: Path) -> None:
    runner = await running(tapes, fault="cut", after=1000)
    seen: list[Any] = []
    with pytest.raises(ProcessingError) as caught:
        await _into(runner.stream(ChatRequest.of("Hello", temperature=0.5)), seen)
    assert seen == HELLO[:-1]
    assert caught.value.detail == "cut"


async def test_a_stall_can_be_left(tapes: Path) -> None:
    runner = await running(tapes, fault="stall", after=1)
    stream = runner.stream(ChatRequest.of("Hello", temperature=0.5))
    assert await anext(stream) == HELLO[0]
    waiting = asyncio.ensure_future(anext(stream))
    await settle()
    assert not waiting.done()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await stream.aclose()
    assert runner.work.active == 0


async def test_the_model_of_the_answer_counts_where_several_were_asked(tmp_path: Path) -> None:
    script = Script(lambda request: [TextDelta(f"I am {request.model} "), Finish()])
    folder = tmp_path / "t"
    config = parse_config({"capabilities": {"LLM": {"runners": {"odd": {"class": "odd"}}}}}).config
    async with Engine.open(
        home=tmp_path, config=config, runners=[scripted("odd", script)], ledger=False, record=folder
    ) as engine:
        for model in ("odd/one", "odd/two"):
            await engine.run(ChatRequest.of("Who?", model=model))
    runner = await running(folder)
    assert {model.id for model in await runner.models()} == {"one", "two"}
    for model in ("one", "two", "one"):
        said, _ = await told(runner, ChatRequest.of("Who?", model=model))
        assert said == TextDelta(f"I am {model} ")
    note, *_ = await told(runner, ChatRequest.of("Who?", model="three"))
    assert isinstance(note, Adjusted)
    assert note.field == "model"


async def _speaking() -> AsyncIterator[bytes]:
    for _ in range(3):
        yield pcm(0.1)


async def test_a_live_source_is_the_same_question_as_its_sound(tmp_path: Path) -> None:
    how: dict[str, Any] = {"runner": "mock_asr", "strict": True, "sample_rate": 16_000}
    async with Engine.open(home=tmp_path, ledger=False, record=tmp_path / "t") as engine:
        await engine.run(TranscribeRequest(live=_speaking(), **how))
    runner = await running(tmp_path / "t")
    sound = await told(runner, TranscribeRequest(audio=pcm(0.1) * 3, sample_rate=16_000))
    again = await told(runner, TranscribeRequest(live=_speaking(), sample_rate=16_000))
    assert again == sound
    assert isinstance(sound[-1], Finish)


async def test_a_recording_that_breaks_off_is_no_success(tapes: Path) -> None:
    file = sorted(tapes.glob("*.jsonl"))[1]
    *kept, _ = file.read_text().splitlines()
    file.write_text("\n".join(kept) + "\n")
    runner = await running(tapes)
    with pytest.raises(ProcessingError) as caught:
        await told(runner, ChatRequest.of("Fail"))
    assert caught.value.detail == "cut"


async def test_what_is_no_recording_is_passed_over(tapes: Path) -> None:
    (tapes / "notes.jsonl").write_text("hello\n")
    (tapes / "other.jsonl").write_text('{"a": 1}\n')
    (tapes / "empty.jsonl").write_text("")
    runner = await running(tapes)
    assert await told(runner, ChatRequest.of("Hello", temperature=0.5)) == HELLO


async def test_parameters(tapes: Path) -> None:
    assert "folder" in str(ReplayRunner(ReplayParameters.of({})).check())
    gone = ReplayRunner(ReplayParameters.of({"folder": tapes / "gone"}))
    assert "not there" in str(gone.check())
    with pytest.raises(UnavailableError):
        await gone.load("")
    runner = await running(tapes)
    with pytest.raises(InputError) as caught:
        await told(runner, ChatRequest.of("Hello", params={"tone": "glad"}))
    assert caught.value.field == "params.tone"


async def test_parameters_that_were_recorded_are_part_of_the_question(tmp_path: Path) -> None:
    request = ChatRequest.of(
        "Hi", runner="mock_llm", strict=True, params={"response_style": "short"}
    )
    async with Engine.open(home=tmp_path, ledger=False, record=tmp_path / "t") as engine:
        known = engine.instances["mock_llm"].parameters
        assert known is not None
        style = next(c.key for c in known.facts["response_style"].choices)
        await engine.run(msgspec.structs.replace(request, params={"response_style": style}))
    runner = await running(tmp_path / "t")
    again = ChatRequest.of("Hi", params={"response_style": style, "speed": 0})
    assert isinstance((await told(runner, again))[-1], Finish)
    with pytest.raises(NotFoundError) as caught:
        await told(runner, ChatRequest.of("Hi"))
    assert caught.value.field == "params.response_style"
