"""The huggingface runner against the stand-in of its vendor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from breeze.contracts.answers import Answer, Embeddings, Pictures, Speech, Transcription
from breeze.contracts.errors import (
    AuthenticationError,
    BlockedError,
    CapabilityError,
    InputError,
    NotFoundError,
    NotLoadedError,
    OverloadedError,
    ProcessingError,
    QuotaError,
    RateLimitError,
    RunnerError,
    UnavailableError,
)
from breeze.contracts.events import Adjusted, AudioChunk, Embedding, Finish, ImageReady, Transcript
from breeze.contracts.requests import (
    ChatRequest,
    DrawRequest,
    EmbedRequest,
    SpeakRequest,
    TranscribeRequest,
)
from breeze.contracts.results import collect
from breeze.contracts.values import Usage
from breeze.runners._huggingface_parameters import HuggingFaceParameters
from breeze.runners.huggingface import HEARING, HuggingFaceRunner
from breeze.testing.media import pcm, wav
from breeze.testing.standins import FAULTS
from breeze.testing.standins.huggingface import HuggingFaceStandin
from tests.runners.huggingface_asking import events, running
from tests.runners.leaving import leave

TTS, PAINTER, E5 = "org/tts-1", "org/painter", "org/e5-small"
HEAR = TranscribeRequest(audio=wav(0.2), timestamps="none")
SAY = SpeakRequest("Good morning everybody", model=TTS)
DRAW = DrawRequest.of("A red house", model=PAINTER, size="64x48")
EMBED = EmbedRequest.of("one", "two", model=E5)
REQUESTS: dict[str, Any] = {"hear": HEAR, "say": SAY, "draw": DRAW, "embed": EMBED}
ANSWERS: dict[str, type[Answer]] = {
    "hear": Transcription, "say": Speech, "draw": Pictures, "embed": Embeddings,
}  # fmt: skip


@pytest.fixture
async def vendor() -> AsyncIterator[HuggingFaceStandin]:
    async with HuggingFaceStandin.serving() as vendor:
        yield vendor


async def test_hearing(vendor: HuggingFaceStandin) -> None:
    async with running(vendor) as runner:
        seen = await events(runner, HEAR)
    text = f"I hear {len(HEAR.audio)} bytes that begin with {HEAR.audio[:4].hex()}."
    assert seen == [
        Transcript(text, True, 0, 0.0, 0.2),
        Usage(audio_seconds=0.2),
        Finish(metadata={"model_name": HEARING}),
    ]
    (call,) = vendor.calls
    assert (call.body, call.headers["content-type"]) == (HEAR.audio, "audio/x-wav")
    assert call.path == f"/hf-inference/models/{HEARING}"


async def test_hearing_with_times(vendor: HuggingFaceStandin) -> None:
    async with running(vendor) as runner:
        note, first, last, *_ = await events(runner, TranscribeRequest(audio=wav(0.8)))
    assert (note.field, note.used) == ("timestamps", "segment")
    assert (first.segment, first.start, first.end) == (0, 0.0, 0.5)
    assert (last.segment, last.start, last.end) == (1, 0.5, 0.8)
    assert vendor.calls[0].json["parameters"] == {"return_timestamps": True}


@pytest.mark.parametrize(
    ("timestamps", "model", "asked"),
    [("auto", "org/wav2vec-whisper", True), ("always", "org/tiny-whisper", True),
     ("never", HEARING, False)],
)  # fmt: skip
async def test_when_times_are_asked_for(
    vendor: HuggingFaceStandin, timestamps: str, model: str, asked: bool
) -> None:
    async with running(vendor, timestamps=timestamps) as runner:
        seen = await events(runner, TranscribeRequest(audio=wav(0.1), model=model))
    assert ("parameters" in vendor.calls[0].object) is asked
    used = next(event.used for event in seen if isinstance(event, Adjusted))
    assert used == ("segment" if asked else "none")


async def _speaking() -> AsyncIterator[bytes]:
    for _ in range(3):
        yield pcm(0.1)


async def test_sound_of_any_kind_is_sent_as_a_file(vendor: HuggingFaceStandin) -> None:
    given = (
        TranscribeRequest(audio=pcm(0.3), sample_rate=16_000, timestamps="none"),
        TranscribeRequest(live=_speaking(), sample_rate=16_000, timestamps="none"),
    )
    async with running(vendor) as runner:
        seen = [await events(runner, request) for request in given]
        with pytest.raises(InputError):
            await events(runner, TranscribeRequest(file="no/such/file.wav"))
    one, two = vendor.calls
    assert one.body == two.body
    assert one.body[:4] == b"RIFF"
    assert len(one.body) == 44 + len(pcm(0.3))
    assert seen[1][0].field == "live"
    assert seen[1][1:] == seen[0]


async def test_speech_comes_piece_by_piece(vendor: HuggingFaceStandin) -> None:
    async with running(vendor) as runner:
        seen = await events(runner, SAY)
    chunks = [event for event in seen if isinstance(event, AudioChunk)]
    assert len(chunks) > 1
    assert {(c.format, c.sample_rate, c.channels) for c in chunks} == {("wav", 16_000, 1)}
    *_, used, end = seen
    assert used == Usage(characters=len(SAY.text))
    assert end.metadata == {"model_name": TTS}
    answer = await collect(_again(seen), Speech)
    assert isinstance(answer, Speech)
    assert answer.duration == pytest.approx(0.3)
    assert vendor.calls[0].json == {"inputs": SAY.text, "parameters": {}}


async def _again(seen: list[Any]) -> AsyncIterator[Any]:
    for event in seen:
        yield event


async def test_pictures_one_by_one(vendor: HuggingFaceStandin) -> None:
    request = DrawRequest(("a", "b"), size="64x48", count=2, seed=7, steps=3, model=PAINTER)
    async with running(vendor) as runner:
        seen = await events(runner, request)
    pictures = [event for event in seen if isinstance(event, ImageReady)]
    assert [(p.index, p.prompt, p.seed, p.width, p.height) for p in pictures] == [
        (0, 0, 7, 64, 48), (1, 0, 8, 64, 48), (2, 1, 7, 64, 48), (3, 1, 8, 64, 48),
    ]  # fmt: skip
    assert len({p.data for p in pictures}) == 4
    assert [call.json["parameters"]["seed"] for call in vendor.calls] == [7, 8, 7, 8]
    assert seen[-2] == Usage(images=4)


async def test_vectors(vendor: HuggingFaceStandin) -> None:
    async with running(vendor) as runner:
        one, two, _, end = await events(runner, EMBED)
        shorter = await events(runner, msgspec.structs.replace(EMBED, dimensions=4))
        tokens = await events(runner, EmbedRequest.of("one two", model="org/tokens"))
    assert (one.index, two.index, len(one.values)) == (0, 1, 8)
    assert one.vector != two.vector
    assert end.metadata == {"model_name": E5}
    assert len(shorter[0].values) == 4
    assert isinstance(tokens[0], Embedding)  # the mean of its tokens
    path = "/pipeline/feature-extraction"
    assert vendor.calls[0].path.endswith(path)


UNUSED = [
    (SpeakRequest("x", model=TTS, voice="ada", speed=2, language="de", instructions="low"),
     ["voice", "speed", "language", "instructions"]),
    (SpeakRequest("x", model=TTS, format="mp3", sample_rate=8_000), ["format", "sample_rate"]),
    (TranscribeRequest(audio=b"RIFF", timestamps="none", language="de", prompt="p"),
     ["language", "prompt"]),
    (DrawRequest.of("x", model=PAINTER, format="jpeg"), ["format"]),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "fields"), UNUSED)
async def test_nothing_is_dropped_without_a_word(
    vendor: HuggingFaceStandin, request_: Any, fields: list[str]
) -> None:
    async with running(vendor) as runner:
        seen = await events(runner, request_)
    assert [event.field for event in seen if isinstance(event, Adjusted)] == fields


async def test_an_endpoint_of_ones_own() -> None:
    async with HuggingFaceStandin.serving(profile="endpoint") as vendor:
        async with running(vendor, dedicated=True) as runner:
            assert await runner.models() == ()
            seen = await events(runner, HEAR)
    assert seen[-1] == Finish()
    assert vendor.calls[0].path == "/hf-inference"


async def test_what_is_said_in_headers(vendor: HuggingFaceStandin) -> None:
    async with running(vendor) as runner:
        await events(runner, SAY)
    async with running(vendor, bill_to="acme", wait_for_model=True, use_cache=False) as runner:
        await events(runner, SAY)
    usual, other = (call.headers for call in vendor.calls)
    names = ("x-hf-bill-to", "x-wait-for-model", "x-use-cache")
    assert [usual.get(name) for name in names] == [None, None, None]
    assert [other.get(name) for name in names] == ["acme", "true", "false"]
    assert usual["authorization"] == "Bearer test-key"


async def test_a_model_must_be_named_but_for_hearing(vendor: HuggingFaceStandin) -> None:
    async with running(vendor) as runner:
        assert [model.id for model in await runner.models()] == [HEARING]
        with pytest.raises(NotFoundError) as caught:
            await events(runner, SpeakRequest("x"))
    assert caught.value.field == "model"


MEANINGS: list[tuple[str, type[RunnerError], float | None]] = [
    ("loading", NotLoadedError, 7.5),
    ("quota", QuotaError, None),
    ("key-refused", AuthenticationError, None),
    ("forbidden", AuthenticationError, None),
    ("model-missing", NotFoundError, None),
    ("invalid", InputError, None),
    ("context", InputError, None),
    ("blocked", BlockedError, None),
    ("error-529", OverloadedError, None),
    ("error-500", UnavailableError, None),
    ("error-502-page", UnavailableError, None),
    ("redirect", UnavailableError, None),
    ("reset", UnavailableError, None),
]


@pytest.mark.parametrize("what", REQUESTS)
@pytest.mark.parametrize(("fault", "kind", "wait"), MEANINGS, ids=[m[0] for m in MEANINGS])
async def test_what_a_refusal_means(
    vendor: HuggingFaceStandin, what: str, fault: str, kind: type[RunnerError], wait: float | None
) -> None:
    vendor.fault(fault)
    async with running(vendor) as runner:
        with pytest.raises(kind) as caught:
            await events(runner, REQUESTS[what])
    assert type(caught.value) is kind
    assert caught.value.retry_after == wait
    assert len(vendor.calls) == 1


async def test_a_header_says_when_to_come_back(vendor: HuggingFaceStandin) -> None:
    for spelling, wait in (("none", 9.0), ("seconds", 4.0)):
        vendor.fault("rate-limit", spelling=spelling, wait=4)
        async with running(vendor) as runner:
            with pytest.raises(RateLimitError) as caught:
                await events(runner, SAY)
        assert caught.value.retry_after == wait


async def test_a_list_of_errors_is_told(vendor: HuggingFaceStandin) -> None:
    vendor.fault("invalid")
    async with running(vendor) as runner:
        with pytest.raises(InputError) as caught:
            await events(runner, SAY)
    assert "must be non-empty" in caught.value.message
    assert caught.value.field == "text"


SILENT = {"stall", "slow-head", "slow-first", "slow-comments", "endless"}
"""Faults that last until somebody leaves: the engine's limits end them."""
CHANGED = {"altered", "bad-utf8", "split-utf8"}
"""Faults that put other bytes in the place of some, which nobody can see in sound."""
BIG = {"huge-event", "gigantic-event", "gzip-bomb"}


@pytest.mark.parametrize("what", REQUESTS)
@pytest.mark.parametrize("fault", [f for f in FAULTS if f.name not in SILENT | BIG],
                         ids=lambda fault: fault.name)  # fmt: skip
async def test_no_fault_gives_another_answer(what: str, fault: Any) -> None:
    """The whole answer or an error: nothing cut short, nothing else."""
    request = REQUESTS[what]
    async with HuggingFaceStandin.serving(strict=False) as vendor, running(vendor) as runner:
        usual = await collect(_again(await events(runner, request)), ANSWERS[what])
        vendor.fault(fault.name)
        seen: list[Any] = []
        error = None
        try:
            async with asyncio.timeout(20):
                async for event in runner.stream(request):
                    seen.append(event)
        except RunnerError as raised:
            error = raised
        assert "test-key" not in repr(error and error.info())
        if error is None:
            found = await collect(_again(seen), ANSWERS[what])
            if fault.name not in CHANGED:
                assert found == usual
        else:
            assert not any(isinstance(event, Finish) for event in seen)
        assert len(vendor.calls) <= 3


@pytest.mark.parametrize("what", REQUESTS)
@pytest.mark.parametrize("fault", ["stall", "slow-head"])
async def test_leaving_closes_the_connection_at_once(
    vendor: HuggingFaceStandin, what: str, fault: str
) -> None:
    vendor.fault(fault)
    async with running(vendor) as runner:
        await leave(vendor, runner, REQUESTS[what])


def test_parameters() -> None:
    def checked(**values: Any) -> dict[str, str]:
        found = HuggingFaceParameters.validate_parameters(values)
        return {f.field: f.level for f in found.findings if f.level != "valid"}

    assert checked(api_key="sk-123") == {"api_key": "invalid"}
    assert checked(api_key="sk-123", base_url="https://me.example/x") == {}
    assert checked(api_key="hf_x", base_url="http://me.example") == {"base_url": "warning"}
    assert checked(base_url="me.example") == {"base_url": "invalid"}
    assert "HF_TOKEN" in str(HuggingFaceRunner(HuggingFaceParameters.of({})).check())
    own = {"base_url": "http://127.0.0.1:1"}
    assert HuggingFaceRunner(HuggingFaceParameters.of(own)).check() is None


async def test_what_the_model_cannot_do(vendor: HuggingFaceStandin) -> None:
    async with running(vendor) as runner:
        with pytest.raises(ProcessingError):
            await events(runner, msgspec.structs.replace(SAY, model=E5))
        with pytest.raises(CapabilityError):
            runner.stream(ChatRequest.of("Hi"))
