"""Recordings: what they hold, what they leave out, and that they are there after a crash."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from breeze.config import parse_config
from breeze.contracts.capability import Capability
from breeze.contracts.errors import InputError, RateLimitError
from breeze.contracts.events import Finish, ReasoningDelta, TextDelta, ToolCallDelta, Usage
from breeze.contracts.messages import FilePart, Message, TextPart
from breeze.contracts.recording import Recording
from breeze.contracts.redaction import redacted
from breeze.contracts.requests import ChatRequest, TranscribeRequest
from breeze.contracts.results import collect
from breeze.engine.engine import Engine
from breeze.engine.holding import Holding
from breeze.testing.clock import ManualClock
from breeze.testing.media import pcm, wav
from breeze.testing.samples import Samples, renewed
from breeze.testing.scripted import Gate, Script, scripted

SECRET = "sk-" + "canary0123456789" * 2
"""In parts, so that no file holds a key."""
MINE = "the-operators-own-key-77"
MOCKS = ("mock_llm", "mock_vlm", "mock_asr", "mock_tts", "mock_guardian", "mock_image")


def only(name: str, **parameters: Any) -> Any:
    entry = {"class": name, "parameters": parameters}
    return parse_config({"capabilities": {"LLM": {"runners": {name: entry}}}}).config


def recorded(folder: Path) -> list[Recording]:
    return [Recording.read(file) for file in sorted(folder.glob("*.jsonl"))]


def lines(folder: Path) -> list[dict[str, Any]]:
    (file,) = folder.glob("*.jsonl")
    return [json.loads(line) for line in file.read_text().splitlines()]


def everything(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def test_what_is_asked_and_when_each_event_came(tmp_path: Path) -> None:
    clock = ManualClock()
    first, second = Gate(), Gate()
    steps: list[Any] = [
        first,
        TextDelta("Hel lo "),
        second,
        TextDelta("you "),
        Usage(1, 2),
        Finish(),
    ]
    tapes = tmp_path / "tapes"
    async with Engine.open(
        home=tmp_path, config=only("slow"), runners=[scripted("slow", Script(steps))],
        clock=clock, ledger=False, record=tapes,
    ) as engine:  # fmt: skip
        reading = asyncio.ensure_future(engine.run(ChatRequest.of("Hi", temperature=0.5)))
        async with engine.stream(ChatRequest.of("Hi", temperature=0.5)) as events:
            waiting = asyncio.ensure_future(anext(events))
            await first.started.wait()
            await clock.advance(1.5)
            first.release.set()
            await waiting
            assert lines_of(tapes, "chat")  # it is there while it goes on
            waiting = asyncio.ensure_future(anext(events))
            await second.started.wait()
            await clock.advance(2)
            second.release.set()
            assert await waiting == TextDelta("you ")
            async for _ in events:
                pass
        await reading
    for one in recorded(tapes):
        assert (one.capability, one.complete, one.asked["temperature"]) == ("LLM", True, 0.5)
        assert one.answer is not None
        assert one.answer.runner == "slow"
        assert [event for _, event in one.steps()][:3] == steps[1:2] + steps[3:5]
    times = {tuple(round(t, 3) for t, _ in one.steps())[:2] for one in recorded(tapes)}
    assert (1.5, 3.5) in times
    assert len({one.key for one in recorded(tapes)}) == 1


def lines_of(folder: Path, method: str) -> list[str]:
    return [line for f in folder.glob(f"*-{method}-*.jsonl") for line in f.read_text().split("\n")]


async def test_only_the_owner_may_read(tmp_path: Path) -> None:
    tapes = tmp_path / "a" / "tapes"
    async with Engine.open(home=tmp_path, ledger=False, record=tapes) as engine:
        await engine.run(renewed(Samples().short(Capability.TTS), runner="mock_tts", strict=True))  # type: ignore[call-overload]
    files = list(tapes.iterdir())
    assert {file.suffix for file in files} == {".jsonl", ".bin"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(tapes.stat().st_mode) == 0o700


@pytest.mark.parametrize("name", MOCKS)
async def test_the_events_of_every_kind_come_back_as_they_were(tmp_path: Path, name: str) -> None:
    async with Engine.open(home=tmp_path, ledger=False, record=tmp_path / "t") as engine:
        capability = engine.instances[name].capabilities[0]
        request = renewed(Samples().short(capability), runner=name, strict=True)
        async with engine.stream(request) as events:
            seen = [event async for event in events]
    (one,) = recorded(tmp_path / "t")
    *before, end = [event for _, event in one.steps()]
    assert before == seen[:-1]
    assert isinstance(end, Finish)
    assert end.result is None  # the events add up to it
    assert end.metadata == seen[-1].metadata


async def test_an_error_is_kept_and_a_reader_that_leaves(tmp_path: Path) -> None:
    script = Script(
        [TextDelta("x "), RateLimitError("Slowly.", retry_after=3, retryable=False)],
        [TextDelta("a "), TextDelta("b "), TextDelta("c "), Finish()],
    )
    tapes = tmp_path / "t"
    async with Engine.open(
        home=tmp_path, config=only("odd"), runners=[scripted("odd", script)],
        ledger=False, record=tapes,
    ) as engine:  # fmt: skip
        async with engine.stream(ChatRequest.of("Hi")) as events:
            with pytest.raises(RateLimitError):
                await collect(events)
        async with engine.stream(ChatRequest.of("Hi")) as events:
            await anext(events)
    failed, left = recorded(tapes)
    (_, said), (_, error) = failed.steps()
    assert said == TextDelta("x ")
    assert (error.code, error.retry_after, error.message) == ("E429", 3, "Slowly.")  # type: ignore[union-attr]
    assert failed.complete
    assert [what for _, what in left.steps()] == [TextDelta("a "), None]
    assert not left.complete


async def test_no_secret_is_written(tmp_path: Path) -> None:
    pieces = [TextDelta(f"{piece}") for piece in ("Your key is sk-", SECRET[3:20], SECRET[20:])]
    said = [ReasoningDelta(f"It is {MINE}. "), ToolCallDelta(0, "c", "f", '{"api_key": "')]
    said += [ToolCallDelta(0, arguments="qwertz123"), ToolCallDelta(0, arguments='!9"} ')]
    script = Script([*pieces, *said, TextDelta(" and that is it. "), Finish()])
    parts = (
        TextPart(f"My key is {SECRET}, and password: hunter2-hunter2"),
        FilePart(f"token {SECRET}".encode(), "text/plain", "notes.txt"),
        TextPart("See https://me:letmein99@img.example/x.png?sig=abcdef0123 for it"),
    )
    request = ChatRequest((Message("user", parts),), params={"api_key": "short-1", "style": SECRET})
    tapes = tmp_path / "t"
    config = parse_config({"capabilities": {"LLM": {"runners": {
        "leaky": {"class": "leaky"},
        "vendor": {"class": "openai", "parameters": {"api_key": MINE}},
    }}}}).config  # fmt: skip
    async with Engine.open(
        home=tmp_path, config=config, runners=[scripted("leaky", script)],
        ledger=False, record=tapes,
    ) as engine:  # fmt: skip
        named = msgspec.structs.replace(request, runner="leaky", strict=True)
        async with engine.stream(named) as events:
            seen = [event async for event in events]
    assert SECRET in "".join(event.text for event in seen if isinstance(event, TextDelta))
    kept = everything(tapes)
    for secret in (
        SECRET,
        SECRET[20:],
        MINE,
        "hunter2",
        "short-1",
        "qwertz123",
        "letmein99",
        "abcdef0123",
    ):
        assert secret.encode() not in kept
    (one,) = recorded(tapes)
    texts = [event.text for _, event in one.steps() if isinstance(event, TextDelta)]
    assert "".join(texts) == "Your key is *** and that is it. "


def test_pieces_are_held_only_while_a_secret_may_be_in_them() -> None:
    holding = Holding(["opensesame"])
    assert holding.take(1, TextDelta("Say")) == []
    assert holding.take(2, TextDelta(" the")) == [(1, TextDelta("Say"))]
    assert holding.take(3, TextDelta(" word: ")) == [
        (2, TextDelta(" the")),
        (3, TextDelta(" word: ")),
    ]
    assert holding.take(4, TextDelta("open")) == []
    assert holding.take(5, Usage(1, 1)) == []  # it comes after
    assert holding.take(6, TextDelta("sesame ")) == [
        (4, TextDelta("***")), (5, Usage(1, 1)), (6, TextDelta(" ")),
    ]  # fmt: skip
    assert holding.take(7, TextDelta("後", 1)) == [(7, TextDelta("後", 1))]
    assert holding.take(8, TextDelta("x")) == []
    assert holding.rest() == [(8, TextDelta("x"))]


def _pem() -> Iterator[str]:
    yield "-----BEGIN RSA " + "PRIVATE KEY-----\n"
    for _ in range(20):
        yield "QUJD" * 15 + "\n"
    yield "-----END RSA " + "PRIVATE KEY-----\n"


def test_a_long_key_is_left_out_line_by_line() -> None:
    holding = Holding(())
    kept = [
        e for piece in ("Here:\n", *_pem(), "Done.\n") for e in holding.take(0, TextDelta(piece))
    ]
    text = "".join(event.text for _, event in kept)
    assert "QUJD" not in text
    assert text.startswith("Here:\n")
    assert text.endswith("Done.\n")


@pytest.mark.parametrize(
    "text",
    ["A plain sentence.", "tokens: 12", "see https://example.org/a?b=c", "12:34:56", "x@y.z"],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


async def _speaking() -> AsyncIterator[bytes]:
    for _ in range(3):
        yield pcm(0.1)


async def test_sound_counts_as_the_bytes_it_is(tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    file.write_bytes(wav(0.3))
    tapes = tmp_path / "t"
    how: dict[str, Any] = {"runner": "mock_asr", "strict": True}
    async with Engine.open(home=tmp_path, ledger=False, record=tapes) as engine:
        await engine.run(TranscribeRequest(audio=wav(0.3), **how))
        await engine.run(TranscribeRequest(file=str(file), **how))
        await engine.run(TranscribeRequest(audio=pcm(0.1) * 3, sample_rate=16_000, **how))
        await engine.run(TranscribeRequest(live=_speaking(), sample_rate=16_000, **how))
    one, two, three, four = [recording.key for recording in recorded(tapes)]
    assert one == two != three == four


async def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError) as caught:
        async with Engine.open(home=tmp_path, ledger=False, record=tmp_path / "file"):
            pass
    assert caught.value.field == "record"


async def test_a_disk_that_fails_does_not_stop_the_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tapes = tmp_path / "t"
    async with Engine.open(home=tmp_path, ledger=False, record=tapes) as engine:
        tapes.rmdir()
        tapes.write_text("")
        answer = await engine.run(ChatRequest.of("Hi", runner="mock_llm", strict=True))
    assert answer.text
    assert "nothing is recorded" in caplog.text


@pytest.mark.parametrize(
    "fields", [{"messages": (Message("user", "half \ud83c of it"),)}, {"params": {"seed": 2**70}}]
)
async def test_what_cannot_be_written_does_not_stop_the_answer(
    tmp_path: Path, fields: dict[str, Any]
) -> None:
    script = Script([TextDelta("fine \ud800 "), Finish()])
    async with Engine.open(
        home=tmp_path, config=only("odd"), runners=[scripted("odd", script)],
        ledger=False, record=tmp_path / "t",
    ) as engine:  # fmt: skip
        request = msgspec.structs.replace(ChatRequest.of("Hi"), **fields)
        assert (await engine.run(request)).text == "fine \ud800 "


CRASH = """
import asyncio, os, sys
from breeze.contracts.events import TextDelta
from breeze.contracts.requests import ChatRequest
from breeze.engine.engine import Engine

async def main():
    async with Engine.open(home=sys.argv[1], ledger=False, record=sys.argv[2]) as engine:
        request = ChatRequest.of("Tell me more", runner="mock_llm", strict=True)
        count = 0
        async for event in engine.stream(request):
            count += isinstance(event, TextDelta)
            if count == 4:
                os._exit(9)

asyncio.run(main())
"""


def test_a_crash_leaves_what_came_until_then(tmp_path: Path) -> None:
    tapes = tmp_path / "t"
    done = subprocess.run(
        [sys.executable, "-c", CRASH, str(tmp_path), str(tapes)], check=False, env=dict(os.environ)
    )
    assert done.returncode == 9
    (one,) = recorded(tapes)
    assert not one.complete
    assert len(list(one.steps())) >= 2
    (file,) = tapes.glob("*.jsonl")
    file.write_bytes(file.read_bytes() + b'{"t": 9.0, "ev')  # a line that was cut short
    assert [*Recording.read(file).steps()] == [*one.steps()]
