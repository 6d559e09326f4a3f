"""The runner for recognisers that people run themselves, against their stand-in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI

from breeze.contracts.answers import Transcription
from breeze.contracts.errors import (
    AuthenticationError,
    InputError,
    NotFoundError,
    NotLoadedError,
    ProcessingError,
    RateLimitError,
    RunnerError,
    TooLargeError,
    UnavailableError,
)
from breeze.contracts.events import Adjusted, Finish, Transcript
from breeze.contracts.requests import TranscribeRequest
from breeze.contracts.results import collect
from breeze.contracts.values import Usage
from breeze.runners._selfhosted_asr_parameters import FORM, SelfhostedASRParameters
from breeze.runners.selfhosted_asr import SelfhostedASRRunner
from breeze.testing.conformance import check_runner
from breeze.testing.media import pcm, wav
from breeze.testing.standins import FAULTS, Call
from breeze.testing.standins.selfhosted_asr import MODEL, SelfhostedASRStandin
from breeze.testing.stream import checked
from tests.runners.leaving import leave
from tests.runners.vendor import ready

SOUND = wav(0.2)
SAID = f"In en I hear {len(SOUND)} bytes that begin with 52494646."
HEAR = TranscribeRequest(audio=SOUND)


@pytest.fixture
async def vendor() -> AsyncIterator[SelfhostedASRStandin]:
    async with SelfhostedASRStandin.serving() as vendor:
        yield vendor


def running(
    vendor: SelfhostedASRStandin, **values: Any
) -> AbstractAsyncContextManager[SelfhostedASRRunner]:
    given = {"base_url": vendor.url, "assume_connectivity": True, **values}
    return ready(SelfhostedASRRunner(SelfhostedASRParameters.of(given)))


async def events(runner: Any, request: TranscribeRequest) -> list[Any]:
    return [event async for event in checked(runner.stream(request), "transcribe")]


def asked(vendor: SelfhostedASRStandin) -> list[Call]:
    return [call for call in vendor.calls if call.method == "POST"]


async def test_segments_and_words(vendor: SelfhostedASRStandin) -> None:
    async with running(vendor) as runner:
        seen = await events(runner, HEAR)
    one, two, used, end = seen
    assert f"{one.text} {two.text}" == SAID
    assert [word.text for word in (*one.words, *two.words)] == SAID.split()
    assert all(one.start <= word.start < one.end for word in one.words)
    assert (one.segment, two.segment, two.start) == (0, 1, one.end)
    assert 0.8 < one.confidence < 1
    assert used == Usage(audio_seconds=two.end)
    assert end == Finish(metadata={"model_name": MODEL})
    (call,) = asked(vendor)
    assert call.headers.get("authorization") is None
    fields = [(part.name, part.text) for part in call.form[:-1]]
    assert fields == [
        ("model", MODEL), ("language", "en"), ("response_format", "verbose_json"),
        ("timestamp_granularities[]", "word"), ("timestamp_granularities[]", "segment"),
    ]  # fmt: skip
    file = call.form[-1]
    assert (file.name, file.data, file.filename) == ("file", SOUND, "audio.wav")


async def test_the_form_is_that_of_the_official_client(
    vendor: SelfhostedASRStandin, tmp_path: Path
) -> None:
    file = tmp_path / "a.wav"
    file.write_bytes(SOUND)
    ours = [
        TranscribeRequest(file=str(file), timestamps="none", prompt="p", temperature=0.25),
        TranscribeRequest(file=str(file), timestamps="segment", language="zh-TW", model="m"),
    ]
    async with running(vendor, api_key="test-key") as runner:
        for request in ours:
            await events(runner, request)
    mine = [_shown(call) for call in asked(vendor)]
    vendor.calls.clear()
    url = f"{vendor.url}/v1"
    async with AsyncOpenAI(base_url=url, api_key="test-key", max_retries=0) as client:
        hear = client.audio.transcriptions.create
        usual: dict[str, Any] = {"file": file, "language": "en", "response_format": "json"}
        await hear(model=MODEL, prompt="p", temperature=0.25, **usual)
        timed: dict[str, Any] = {"timestamp_granularities": ["segment"], "language": "zh"}
        await hear(model="m", file=file, response_format="verbose_json", **timed)
    assert mine == [_shown(call) for call in asked(vendor)]


def _shown(call: Call) -> Any:
    """The form, its fields in any order but the file last."""
    *fields, file = call.form
    told = sorted((part.name, part.text) for part in fields)
    named = (file.name, file.filename, file.mime, file.data)
    return call.method, call.path, call.headers.get("authorization"), told, named


async def test_text_while_it_is_recognised(vendor: SelfhostedASRStandin) -> None:
    async with running(vendor, stream=True) as runner:
        seen = await events(runner, TranscribeRequest(audio=SOUND, timestamps="none"))
        whole = await events(runner, TranscribeRequest(audio=SOUND, whole=True))
    *partial, final, _, _ = seen
    assert [event.is_final for event in partial] == [False] * len(SAID.split())
    assert (final.text, final.is_final) == (SAID, True)
    assert partial[-1].text == SAID
    assert whole[0].is_final
    assert asked(vendor)[0].value("stream") == "true"


async def test_a_server_that_tells_no_times() -> None:
    async with SelfhostedASRStandin.serving(profile="plain", strict=False) as vendor:
        async with running(vendor) as runner:
            assert await runner.models() == ()
            note, said, *_ = await events(runner, HEAR)
    assert (note.field, note.used) == ("timestamps", "none")
    assert said == Transcript(SAID, True, 0, 0.0, 0.2)
    assert asked(vendor)[0].value("model") == "whisper-1"


@pytest.mark.parametrize("endpoint", ["/transcribe", "/asr"])
async def test_the_sound_alone(endpoint: str) -> None:
    request = TranscribeRequest(audio=SOUND, prompt="p", temperature=0.5, timestamps="segment")
    async with SelfhostedASRStandin.serving(profile="raw") as vendor:
        async with running(vendor, endpoint=endpoint) as runner:
            seen = await events(runner, request)
    (call,) = vendor.calls
    assert (call.target, call.body) == (f"{endpoint}?language=en", SOUND)
    assert call.headers["content-type"] == "application/octet-stream"
    assert [event.field for event in seen if isinstance(event, Adjusted)] == [
        "prompt", "temperature",
    ]  # fmt: skip
    said = [event for event in seen if isinstance(event, Transcript)]
    assert [(one.start, one.end) for one in said] == [(0.0, 1.0), (1.0, 2.0)]
    assert seen[-1].metadata == {"model_name": MODEL}


@pytest.mark.parametrize(
    ("given", "sent", "told"),
    [({}, "de", []), ({"language": "zh"}, "zh", ["language"]), ({"language": "auto"}, "",
     ["language"])],
)  # fmt: skip
async def test_languages(
    vendor: SelfhostedASRStandin, given: dict[str, str], sent: str, told: list[str]
) -> None:
    request = TranscribeRequest(audio=SOUND, language="de-DE", params=given)
    async with running(vendor) as runner:
        seen = await events(runner, request)
    assert asked(vendor)[0].value("language") == sent
    assert [event.field for event in seen if isinstance(event, Adjusted)] == told


async def _speaking() -> AsyncIterator[bytes]:
    for _ in range(3):
        yield pcm(0.1)


async def test_pcm_is_sent_as_wav(vendor: SelfhostedASRStandin) -> None:
    async with running(vendor) as runner:
        await events(runner, TranscribeRequest(audio=pcm(0.3), sample_rate=16_000))
        note, *_ = await events(runner, TranscribeRequest(live=_speaking(), sample_rate=16_000))
        with pytest.raises(TooLargeError):
            await events(runner, TranscribeRequest(audio=bytes(100 * 1024**2 + 1)))
    one, two = (call.form[-1] for call in asked(vendor))
    assert one.data == two.data
    assert one.data[:4] == b"RIFF"
    assert note.field == "live"


async def test_several_models_must_be_told_apart(vendor: SelfhostedASRStandin) -> None:
    async with running(vendor) as runner:
        assert [model.id for model in await runner.models()] == [MODEL]
        await events(runner, TranscribeRequest(audio=SOUND, model="other"))
    assert asked(vendor)[0].value("model") == "other"


async def test_health_is_asked_and_is_not_fatal(
    vendor: SelfhostedASRStandin, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(vendor, assume_connectivity=False):
        assert [call.path for call in vendor.calls] == ["/health"]
    assert caplog.text == ""
    vendor.fault("error-503")
    async with running(vendor, assume_connectivity=False) as runner:
        assert "is not ready: it answers 503" in caplog.text
        assert (await events(runner, HEAR))[-1] == Finish(metadata={"model_name": MODEL})


MEANINGS: list[tuple[str, type[RunnerError], str]] = [
    ("key-refused", AuthenticationError, ""),
    ("model-missing", NotFoundError, "model"),
    ("invalid", InputError, "audio"),
    ("loading", NotLoadedError, "audio"),
    ("rate-limit", RateLimitError, "audio"),
    ("error-502-page", UnavailableError, "audio"),
    ("redirect", UnavailableError, ""),
    ("html-page", ProcessingError, ""),
    ("error-200", RunnerError, ""),
]


@pytest.mark.parametrize(("fault", "kind", "field"), MEANINGS, ids=[m[0] for m in MEANINGS])
async def test_what_a_refusal_means(
    vendor: SelfhostedASRStandin, fault: str, kind: type[RunnerError], field: str
) -> None:
    async with running(vendor, api_key="test-key") as runner:
        vendor.fault(fault, on="POST")
        with pytest.raises(kind) as caught:
            await events(runner, HEAR)
    assert not field or caught.value.field == field
    assert len(asked(vendor)) == 1


async def test_a_route_that_is_not_there() -> None:
    async with SelfhostedASRStandin.serving(profile="raw", strict=False) as vendor:
        async with running(vendor, endpoint=FORM) as runner:
            with pytest.raises(NotFoundError) as caught:
                await events(runner, TranscribeRequest(audio=SOUND, model="m"))
    assert caught.value.field in ("endpoint", "model")


SILENT = {"stall", "slow-head", "slow-first", "slow-comments", "endless"}
BIG = {"huge-event", "gigantic-event", "gzip-bomb"}
CHANGED = {"altered", "bad-utf8", "split-utf8"}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", [f for f in FAULTS if f.name not in SILENT | BIG],
                         ids=lambda fault: fault.name)  # fmt: skip
async def test_no_fault_gives_another_answer(fault: Any, stream: bool) -> None:
    """The whole answer or an error: nothing cut short, nothing else."""
    async with (
        SelfhostedASRStandin.serving(strict=False) as vendor,
        running(vendor, stream=stream, api_key="test-key") as runner,
    ):
        usual = await collect(_again(await events(runner, HEAR)), Transcription)
        vendor.fault(fault.name, on="POST")
        seen: list[Any] = []
        error = None
        try:
            async with asyncio.timeout(20):
                async for event in runner.stream(HEAR):
                    seen.append(event)
        except RunnerError as raised:
            error = raised
        assert "test-key" not in repr(error and error.info())
        if error is None:
            found = await collect(_again(seen), Transcription)
            if fault.name not in CHANGED:
                assert found == usual
        else:
            assert not any(isinstance(event, Finish) for event in seen)


async def _again(seen: list[Any]) -> AsyncIterator[Any]:
    for event in seen:
        yield event


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", ["stall", "slow-head"])
async def test_leaving_closes_the_connection_at_once(
    vendor: SelfhostedASRStandin, fault: str, stream: bool
) -> None:
    vendor.fault(fault, on="POST")
    async with running(vendor, stream=stream) as runner:
        await leave(vendor, runner, HEAR, calls=2)  # the list of models comes first


def test_parameters() -> None:
    def checked_(**values: Any) -> dict[str, str]:
        found = SelfhostedASRParameters.validate_parameters(values)
        return {f.field: f.level for f in found.findings if f.level != "valid"}

    assert checked_(base_url="http://h/v1") == {"base_url": "invalid"}
    assert checked_(base_url="h") == {"base_url": "invalid"}
    assert checked_(base_url="http://h.example", api_key="k") == {"base_url": "warning"}
    assert checked_(language="more than ten") == {"language": "invalid"}
    assert "base_url" in str(SelfhostedASRRunner(SelfhostedASRParameters.of({})).check())


async def test_it_keeps_every_rule_with_the_sound_alone() -> None:
    async with SelfhostedASRStandin.serving(profile="raw", strict=False) as vendor:
        settings = {"base_url": vendor.url, "endpoint": "/asr"}
        report = await check_runner(SelfhostedASRRunner, settings)
    assert report.ok, report.render()
