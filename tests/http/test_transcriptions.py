"""Hearing over HTTP: every format, the text as it becomes final, and what is not as asked."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from breeze.contracts.errors import RecognitionError
from breeze.contracts.events import Finish, Restarted, Transcript, Usage
from breeze.contracts.requests import TranscribeRequest
from breeze.contracts.values import Word
from breeze.contracts.wav import close_wav, wav_header
from breeze.testing.media import pcm, wav
from breeze.testing.scripted import Gate, Script, scripted
from tests.http.conftest import Serve, Server, official
from tests.http.forms import form, part, post
from tests.http.raw import Wire, ask, request
from tests.runners.hearing import RECORDINGS, SAID, SENTENCES, spoken

LOCAL = "pocketsphinx"
CHILDREN = ("07.opus", (RECORDINGS / "07.opus").read_bytes())
PATH = "/v1/audio/transcriptions"
HEARD = [
    Transcript("one", segment=0),
    Transcript("One & two", True, 0, 0.5, 1.25, 0.5, "en", (Word("One", 0.5, 0.8),)),
    Transcript("", True, 1, 2.0, 2.0),
    Transcript(
        "three <b>\n\n4", True, 2, 3661.0, 3662.5, 0.9, "en", (Word("three", 3661.0, 3662),)
    ),
    Usage(audio_seconds=3663.0),
    Finish(),
]
"""Three segments, the second one empty; the last begins after an hour."""


def listening(
    serve: Serve, *lines: Any, **options: Any
) -> AbstractAsyncContextManager[tuple[Server, AsyncOpenAI]]:
    """A server and the official client; with `lines`, a runner `ear` that follows them."""
    return official(serve, "ear", "transcribe", *lines, **options)


def fields(*given: tuple[str, str], file: bytes = wav(0.2), model: str = "ear") -> bytes:
    """The request of a transcription, as bytes."""
    parts = [part(name, value) for name, value in (("model", model), *given)]
    return post(PATH, form(*parts, part("file", file, filename="a.wav")))


# formats ----------------------------------------------------------------------------------


async def test_json_is_the_text_and_the_seconds(serve: Serve) -> None:
    async with listening(serve) as (_, client):
        heard = await client.audio.transcriptions.create(model=LOCAL, file=CHILDREN)
    assert heard.text == SAID
    assert heard.usage is not None
    assert heard.usage.type == "duration"
    assert heard.usage.seconds == pytest.approx(2.7, abs=0.1)
    assert heard._request_id


async def test_verbose_json_has_segments_and_words_with_their_times(serve: Serve) -> None:
    async with listening(serve) as (_, client):
        heard = await client.audio.transcriptions.create(
            model=LOCAL,
            file=CHILDREN,
            response_format="verbose_json",
            timestamp_granularities=["word", "segment"],
        )
    assert (heard.text, heard.language) == (SAID, "english")
    assert heard.duration == pytest.approx(2.7, abs=0.1)
    assert heard.words is not None
    assert heard.segments is not None
    assert [word.word for word in heard.words] == SAID.split()
    times = [time for word in heard.words for time in (word.start, word.end)]
    assert times == sorted(times)
    (segment,) = heard.segments
    assert (segment.id, segment.start, segment.end) == (0, times[0], times[-1])
    assert segment.avg_logprob < 0 < segment.compression_ratio


@pytest.mark.parametrize(
    ("wanted", "words", "segments"),
    [([], False, True), (["word"], True, False), (["segment"], False, True)],
)
async def test_only_the_times_asked_for(
    serve: Serve, wanted: Any, words: bool, segments: bool
) -> None:
    async with listening(serve, HEARD) as (_, client):
        heard = await client.audio.transcriptions.create(
            model="ear",
            file=wav(0.2),
            response_format="verbose_json",
            timestamp_granularities=wanted,
        )
    assert (heard.words is not None, heard.segments is not None) == (words, segments)


async def test_text_is_plain(serve: Serve) -> None:
    async with listening(serve) as (_, client):
        raw = await client.audio.transcriptions.with_raw_response.create(
            model=LOCAL, file=CHILDREN, response_format="text"
        )
    assert raw.headers["content-type"] == "text/plain; charset=utf-8"
    assert raw.text == f"{SAID}\n"


async def test_srt_numbers_its_cues(serve: Serve) -> None:
    async with listening(serve, HEARD) as (_, client):
        raw = await client.audio.transcriptions.with_raw_response.create(
            model="ear", file=wav(0.2), response_format="srt"
        )
    assert raw.headers["content-type"] == "text/plain; charset=utf-8"
    assert raw.text == (
        "1\n00:00:00,500 --> 00:00:01,250\nOne & two\n\n"
        "2\n01:01:01,000 --> 01:01:02,500\nthree <b> 4\n\n"
    )


async def test_vtt_writes_markup_as_entities(serve: Serve) -> None:
    async with listening(serve, HEARD) as (_, client):
        raw = await client.audio.transcriptions.with_raw_response.create(
            model="ear", file=wav(0.2), response_format="vtt"
        )
    assert raw.text == (
        "WEBVTT\n\n00:00:00.500 --> 00:00:01.250\nOne &amp; two\n\n"
        "01:01:01.000 --> 01:01:02.500\nthree &lt;b&gt; 4\n\n"
    )


async def test_tokens_are_told_where_a_runner_counts_them(serve: Serve) -> None:
    line = [Transcript("Hi", True), Usage(prompt_tokens=30, completion_tokens=2), Finish()]
    async with listening(serve, line) as (_, client):
        heard = await client.audio.transcriptions.create(model="ear", file=wav(0.2))
    assert heard.usage is not None
    assert heard.usage.type == "tokens"
    assert (heard.usage.input_tokens, heard.usage.total_tokens) == (30, 32)


async def test_what_was_said_here_can_be_heard_here(serve: Serve) -> None:
    said = "The weather tomorrow will be cold."
    phrases = "the weather tomorrow will be cold | my sister bought three red apples"
    async with listening(serve) as (_, client):
        sound = await client.audio.speech.create(
            model="espeak", voice="en-us", input=said, response_format="flac"
        )
        heard = await client.audio.transcriptions.create(
            model=LOCAL,
            file=("a.flac", sound.content),
            response_format="verbose_json",
            extra_body={"breeze": {"params": {"phrases": phrases}}},
        )
    assert f"{heard.text}." == said.lower()
    assert heard.duration == pytest.approx(2.2, abs=0.6)


# streams ----------------------------------------------------------------------------------


async def test_deltas_only_append_and_add_up_to_the_whole(serve: Serve) -> None:
    sound = spoken(7) + pcm(1.0, tone=0) + spoken(4)
    file = ("two.wav", close_wav(wav_header(16_000) + sound))
    async with listening(serve) as (_, client):
        stream = await client.audio.transcriptions.create(model=LOCAL, file=file, stream=True)
        *deltas, done = [event async for event in stream]
        whole = await client.audio.transcriptions.create(model=LOCAL, file=file)
    assert done.type == "transcript.text.done"
    assert len(deltas) == 2
    assert "".join(event.delta for event in deltas) == done.text == whole.text  # type: ignore[union-attr]
    assert done.text == f"{SAID} {SENTENCES[3]}"
    assert done.usage is not None


async def test_a_segment_is_told_while_the_next_is_being_heard(serve: Serve) -> None:
    gate = Gate()
    line = [Transcript("One", True), gate, Transcript("two", True, 1), Finish()]
    async with listening(serve, line) as (_, client):
        stream = await client.audio.transcriptions.create(model="ear", file=wav(0.2), stream=True)
        events = aiter(stream)
        assert (await anext(events)).delta == "One"  # type: ignore[union-attr]
        assert gate.started.is_set()
        gate.release.set()
        assert [event.type async for event in events] == [
            "transcript.text.delta",
            "transcript.text.done",
        ]


@pytest.mark.parametrize(
    "end",
    [[RecognitionError("It is too loud.")], [Restarted("ear", "other", "it broke")], []],
    ids=["failed", "restarted", "cut"],
)
async def test_a_failure_amid_a_stream_is_an_error_of_the_client(
    serve: Serve, end: list[Any]
) -> None:
    async with listening(serve, [Transcript("One", True), *end]) as (_, client):
        stream = await client.audio.transcriptions.create(model="ear", file=wav(0.2), stream=True)
        events = aiter(stream)
        assert (await anext(events)).type == "transcript.text.delta"
        with pytest.raises(openai.APIError):
            await anext(events)


async def test_a_failure_before_a_stream_is_a_status(serve: Serve) -> None:
    async with listening(serve) as (_, client):
        with pytest.raises(openai.BadRequestError) as caught:
            await client.audio.transcriptions.create(model=LOCAL, file=b"no sound", stream=True)
    assert caught.value.param == "file"


async def test_a_stream_of_subtitles_is_answered_whole(serve: Serve) -> None:
    async with listening(serve, HEARD) as (server, _):
        answer = await ask(server.url, fields(("stream", "true"), ("response_format", "vtt")))
    assert answer.body.startswith(b"WEBVTT")
    assert answer.headers["x-breeze-adjustments"] == "stream"


# fields -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "heard"),
    [
        (("language", "en"), "en"),
        (("language", "english"), "en"),
        (("language", "pt-BR"), "pt-BR"),
        (("languages[]", "de"), "de"),
        (("language", ""), ""),
    ],
)
async def test_a_language_by_code_or_name(serve: Serve, given: tuple[str, str], heard: str) -> None:
    script = Script(HEARD)
    async with serve(runners=[scripted("ear", script, "transcribe")]) as server:
        await ask(server.url, fields(given))
    asked = script.calls[0].request
    assert isinstance(asked, TranscribeRequest)
    assert asked.language == heard


async def test_every_field_reaches_the_runner(serve: Serve) -> None:
    script = Script(HEARD)
    async with serve(runners=[scripted("ear", script, "transcribe")]) as server:
        async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key="-") as client:
            await client.audio.transcriptions.create(
                model="ear",
                file=wav(0.2),
                prompt="names: Ada",
                temperature=0.5,
                response_format="verbose_json",
                timestamp_granularities=["word"],
                extra_body={"breeze": {"session_id": "s1", "deadline": 60}},
            )
    asked = script.calls[0].request
    assert isinstance(asked, TranscribeRequest)
    assert (asked.prompt, asked.temperature, asked.timestamps) == ("names: Ada", 0.5, "word")
    assert (asked.session_id, asked.deadline) == ("s1", 60)
    assert asked.audio == wav(0.2)


async def test_our_own_fields_may_be_json(serve: Serve) -> None:
    script = Script(HEARD)
    async with serve(runners=[scripted("ear", script, "transcribe")]) as server:
        await ask(server.url, fields(("breeze", '{"session_id": "s2"}')))
    assert script.calls[0].request.session_id == "s2"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ([("include[]", "logprobs")], "include"),
        ([("include", "logprobs")], "include"),
        ([("keywords[]", "Ada"), ("keywords[]", "Bob")], "keywords"),
        ([("languages[]", "en"), ("languages[]", "de")], "languages"),
        ([("chunking_strategy", "auto")], "chunking_strategy"),
        (
            [("chunking_strategy[type]", "server_vad"), ("chunking_strategy[threshold]", "0.5")],
            "chunking_strategy",
        ),
    ],
)
async def test_what_has_no_effect_is_listed(
    serve: Serve, given: list[tuple[str, str]], field: str
) -> None:
    async with listening(serve, HEARD) as (server, _):
        answer = await ask(server.url, fields(*given))
    assert answer.headers["x-breeze-adjustments"] == field
    assert [one["field"] for one in answer.json["breeze"]["adjustments"]] == [field]


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ([("response_format", "diarized_json")], "response_format"),
        ([("response_format", "xml")], "response_format"),
        ([("known_speaker_names[]", "Ada")], "known_speaker_names"),
        ([("timestamp_granularities[]", "word")], "timestamp_granularities"),
        (
            [("response_format", "verbose_json"), ("timestamp_granularities[]", "letter")],
            "timestamp_granularities[0]",
        ),
        ([("temperature", "2")], "temperature"),
        ([("temperature", "nan")], "temperature"),
        ([("temperature", "warm")], "temperature"),
        ([("stream", "perhaps")], "stream"),
        ([("prompt", "a"), ("prompt", "b")], "prompt"),
        ([("promt", "a")], "promt"),
        ([("prompt[]", "a")], "prompt"),
        ([("breeze", "{")], "breeze"),
        ([("breeze[runer]", "x")], "breeze.runer"),
        ([("breeze", "{}"), ("breeze[runner]", "x")], "breeze"),
    ],
)
async def test_a_wrong_field_is_named(
    serve: Serve, given: list[tuple[str, str]], param: str
) -> None:
    async with listening(serve, HEARD) as (server, _):
        answer = await ask(server.url, fields(*given))
    assert (answer.status, answer.error["param"]) == (400, param)


async def test_a_language_that_the_runner_does_not_hear(serve: Serve) -> None:
    async with listening(serve) as (_, client):
        with pytest.raises(openai.BadRequestError, match="hears en-US") as caught:
            await client.audio.transcriptions.create(model=LOCAL, file=CHILDREN, language="de")
    assert caught.value.param == "language"


@pytest.mark.parametrize("sent", [b"", None], ids=["empty", "missing"])
async def test_a_form_without_sound(serve: Serve, sent: bytes | None) -> None:
    parts = [part("model", "ear")]
    parts += [part("file", sent, filename="a.wav")] if sent is not None else []
    async with listening(serve, HEARD) as (server, _):
        answer = await ask(server.url, post(PATH, form(*parts)))
    assert (answer.status, answer.error["param"]) == (400, "file")


# translations -----------------------------------------------------------------------------

DEPRECATED = pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
"""The official client warns of this route's end."""


@DEPRECATED
async def test_english_is_its_own_translation_and_that_is_said(serve: Serve) -> None:
    async with listening(serve) as (_, client):
        raw = await client.audio.translations.with_raw_response.create(
            model=LOCAL, file=CHILDREN, response_format="verbose_json"
        )
    assert raw.headers["x-breeze-adjustments"] == "task"
    said = json.loads(raw.content)
    assert (said["text"], said["task"], said["language"]) == (SAID, "translate", "english")


@DEPRECATED
async def test_another_language_is_not_translated(serve: Serve) -> None:
    line = [Transcript("Guten Tag", True, language="de-DE"), Finish()]
    async with listening(serve, line) as (_, client):
        with pytest.raises(openai.BadRequestError, match="No runner here translates") as caught:
            await client.audio.translations.create(model="ear", file=wav(0.2))
    assert caught.value.code == "unsupported_capability"


@pytest.mark.parametrize("name", ["language", "stream", "timestamp_granularities[]"])
async def test_a_translation_takes_fewer_fields(serve: Serve, name: str) -> None:
    body = form(part(name, "en"), part("file", wav(0.2), filename="a.wav"))
    async with listening(serve, HEARD) as (server, _):
        answer = await ask(server.url, post("/v1/audio/translations", body))
    assert (answer.status, answer.error["param"]) == (400, name.removesuffix("[]"))


# large files, and leaving -----------------------------------------------------------------


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files."""
    folder = tmp_path / "spool"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize("stream", [False, True])
async def test_a_large_file_waits_on_disk_for_nobody_else(
    serve: Serve, spool: Path, stream: bool
) -> None:
    seen: list[tuple[bytes, int]] = []

    def look(asked: TranscribeRequest) -> Any:
        file = Path(asked.file)
        seen.append((file.read_bytes(), stat.S_IMODE(os.stat(file).st_mode)))
        return HEARD

    sound = wav(60.0)
    async with listening(serve, look) as (server, _):
        answer = await ask(server.url, fields(("stream", str(stream)), file=sound))
    assert answer.status == 200
    assert seen == [(sound, 0o600)]
    assert list(spool.iterdir()) == []


async def test_a_file_may_have_been_sent_before(serve: Serve) -> None:
    async with listening(serve) as (server, _):
        told = await ask(server.url, request("POST", "/v2/uploads", CHILDREN[1]))
        reference = f"upload:{told.json['id']}".encode()
        answer = await ask(server.url, fields(file=reference, model=LOCAL))
        unknown = await ask(server.url, fields(file=b"upload:none", model=LOCAL))
    assert answer.json["text"] == SAID
    assert (unknown.status, unknown.error["param"]) == (404, "file")


async def test_a_large_file_that_is_no_sound(serve: Serve, spool: Path) -> None:
    async with listening(serve) as (server, _):
        answer = await ask(server.url, fields(file=b"no sound" * 2**18, model=LOCAL))
    assert (answer.status, answer.error["param"]) == (400, "file")
    assert str(spool) not in answer.body.decode()
    assert list(spool.iterdir()) == []


@pytest.mark.parametrize("stream", ["true", "false"])
async def test_nothing_is_left_when_the_client_leaves(
    serve: Serve, spool: Path, stream: str
) -> None:
    gate = Gate()
    script = Script([Transcript("One", True), gate, Finish()])
    async with serve(runners=[scripted("ear", script, "transcribe")]) as server:
        wire = await Wire.to(server.url)
        await wire.send(fields(("stream", stream), file=wav(60.0)))
        await gate.started.wait()
        assert len(list(spool.iterdir())) == 1
        await wire.close()
        await script.calls[0].over.wait()
        assert script.calls[0].closed
    assert list(spool.iterdir()) == []


async def test_hearing_stops_when_the_client_leaves(serve: Serve) -> None:
    sound = close_wav(wav_header(16_000) + spoken(7) * 60)
    async with listening(serve) as (server, _):
        wire = await Wire.to(server.url)
        await wire.send(fields(("stream", "true"), file=sound, model=LOCAL))
        await wire.reader.readuntil(b"\r\n\r\n")
        (entry,) = server.engine._pool.entries
        stream = server.engine._live[server.engine.live[0]]
        assert entry.runner.work.active == 1
        await wire.close()
        await stream.closed()
        assert entry.runner.work.active == 0
