"""Speech over HTTP: every format, the sound as it is made, voices, and how it may fail."""

from __future__ import annotations

import base64
import json
from contextlib import AbstractAsyncContextManager
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from breeze.config import parse_config
from breeze.contracts.answers import Speech
from breeze.contracts.errors import NotFoundError, SynthesisError, UnavailableError
from breeze.contracts.events import AudioChunk, Finish, Restarted, Usage
from breeze.contracts.requests import SpeakRequest
from breeze.runners._audio import decode
from breeze.surfaces.http.openai.voices import VOICES
from breeze.testing.scripted import Gate, Script, scripted
from breeze.testing.standins import standin
from tests.http.conftest import Serve, Server, official
from tests.http.raw import Wire, ask, request
from tests.runners.speaking import STORY

TEXT = "The train to the city leaves at seven in the morning."
LOCAL = "espeak"


def talking(
    serve: Serve, *lines: Any, **options: Any
) -> AbstractAsyncContextManager[tuple[Server, AsyncOpenAI]]:
    """A server and the official client; with `lines`, a runner `mouth` that follows them."""
    return official(serve, "mouth", "speak", *lines, **options)


def seconds(audio: bytes) -> float:
    """How long encoded sound is."""
    return sum(map(len, decode(audio, 16_000, 3600))) / 32_000


@pytest.mark.parametrize(
    ("form", "type"),
    [
        ("mp3", "audio/mpeg"),
        ("opus", "audio/ogg"),
        ("aac", "audio/aac"),
        ("flac", "audio/flac"),
        ("wav", "audio/wav"),
    ],
)
async def test_every_format_holds_the_whole_sound(serve: Serve, form: Any, type: str) -> None:
    async with talking(serve) as (_, client):
        raw = await client.audio.speech.with_raw_response.create(
            model=LOCAL, voice="en-us", input=TEXT, response_format=form
        )
        plain = await client.audio.speech.create(
            model=LOCAL, voice="en-us", input=TEXT, response_format="pcm"
        )
    assert raw.headers["content-type"] == type
    assert "x-breeze-adjustments" not in raw.headers
    assert seconds(raw.content) == pytest.approx(len(plain.content) / 48_000, abs=0.15)


async def test_it_is_mp3_unless_asked_otherwise(serve: Serve) -> None:
    async with talking(serve) as (_, client):
        raw = await client.audio.speech.with_raw_response.create(
            model=LOCAL, voice="alloy", input="Hello."
        )
    assert raw.headers["content-type"] == "audio/mpeg"
    assert raw.headers["x-breeze-runner"] == LOCAL
    assert raw.headers["x-request-id"]


async def test_pcm_has_24000_samples_a_second(serve: Serve) -> None:
    async with talking(serve) as (_, client):
        raw = await client.audio.speech.with_raw_response.create(
            model=LOCAL, voice="en-us", input=TEXT, response_format="pcm"
        )
        wav = await client.audio.speech.create(
            model=LOCAL, voice="en-us", input=TEXT, response_format="wav"
        )
    assert raw.headers["content-type"] == "audio/pcm"
    assert len(raw.content) / 48_000 == pytest.approx(seconds(wav.content), abs=0.01)


async def test_speed_makes_it_shorter(serve: Serve) -> None:
    async with talking(serve) as (_, client):
        lengths = [
            len((await client.audio.speech.create(
                model=LOCAL, voice="en-us", input=TEXT, response_format="pcm", speed=speed
            )).content)
            for speed in (0.5, 1, 2)
        ]  # fmt: skip
    assert lengths[0] > 1.5 * lengths[1] > 2 * lengths[2]


async def test_a_text_may_be_longer_than_the_official_service_takes(serve: Serve) -> None:
    async with talking(serve) as (_, client):
        answer = await client.audio.speech.create(
            model=LOCAL, voice="en-us", input="It rains. " * 450, speed=4
        )
    assert seconds(answer.content) > 30


# voices -----------------------------------------------------------------------------------


async def test_every_official_voice_speaks_with_a_local_one_of_its_own(serve: Serve) -> None:
    used = {}
    async with talking(serve) as (_, client):
        for name in VOICES:
            *sound, done = await events_of(client, model=LOCAL, voice=name, input="Hello.")
            (told,) = done["breeze"]["adjustments"]
            assert (told["field"], told["asked"], len(sound) > 1) == ("voice", name, True)
            used[name] = told["used"]
    assert len(set(used.values())) == len(VOICES) == 13


@pytest.mark.parametrize("voice", ["mock-high", {"id": "mock-high"}, "nova"])
async def test_a_voice_by_the_runners_own_name_by_id_or_near_it(serve: Serve, voice: Any) -> None:
    async with talking(serve) as (_, client):
        answers = [
            await client.audio.speech.create(
                model="mock_tts", voice=wanted, input="Hello", response_format="wav"
            )
            for wanted in (voice, "mock-high")
        ]
    assert answers[0].content == answers[1].content


async def test_a_runner_that_lists_no_voices_is_given_the_name(serve: Serve) -> None:
    script = Script([AudioChunk(b"ab", 0, 24_000), Finish()])
    mouth = scripted("mouth", script, "speak")
    async with serve(runners=[mouth]) as server:
        body = b'{"model":"mouth","voice":"ash","input":"Hi","response_format":"pcm"}'
        await ask(server.url, request("POST", "/v1/audio/speech", body))
    asked = script.calls[0].request
    assert isinstance(asked, SpeakRequest)
    assert asked.voice == "ash"


async def test_a_vendor_is_given_the_name_of_its_own_voice(serve: Serve) -> None:
    async with standin("openai").serving() as vendor:
        parameters = {"base_url": vendor.url, "api_key": vendor.key}
        mouth = {"class": "openai", "modelId": "m", "parameters": parameters}
        config = parse_config({"capabilities": {"TTS": {"runners": {"mouth": mouth}}}}).config
        async with serve(config=config) as server:
            body = b'{"model":"mouth","voice":"nova","input":"Hi","response_format":"wav"}'
            await ask(server.url, request("POST", "/v1/audio/speech", body))
        assert vendor.calls[-1].json["voice"] == "nova"


async def test_who_turns_out_not_to_have_an_official_voice_speaks_in_its_own(serve: Serve) -> None:
    sound = [AudioChunk(b"ab", 0, 24_000, format="pcm"), Finish()]
    script = Script([NotFoundError("no such voice", field="voice")], sound)
    async with serve(runners=[scripted("mouth", script, "speak")]) as server:
        body = b'{"model":"mouth","voice":"ash","input":"Hi","response_format":"pcm"}'
        answer = await ask(server.url, request("POST", "/v1/audio/speech", body))
    assert (answer.status, answer.headers["x-breeze-adjustments"]) == (200, "voice")
    asked: list[Any] = [call.request for call in script.calls]
    assert [request.voice for request in asked] == ["ash", ""]


async def test_a_voice_is_not_needed(serve: Serve) -> None:
    async with talking(serve) as (server, _):
        body = json.dumps({"model": LOCAL, "input": "Hello."}).encode()
        answer = await ask(server.url, request("POST", "/v1/audio/speech", body))
    assert answer.status == 200
    assert "x-breeze-adjustments" not in answer.headers


# what is not as asked ---------------------------------------------------------------------


async def test_what_the_runner_cannot_do_is_listed_and_the_type_is_true(serve: Serve) -> None:
    async with talking(serve) as (_, client):
        raw = await client.audio.speech.with_raw_response.create(
            model="mock_tts", voice="mock-low", input="Hello", instructions="Whisper."
        )
    assert raw.headers["content-type"] == "audio/wav"
    assert raw.headers["x-breeze-adjustments"] == "instructions, response_format"
    assert raw.headers["x-breeze-mock"] == "true"
    assert raw.content.startswith(b"RIFF")


async def test_another_rate_of_pcm_is_told(serve: Serve) -> None:
    async with talking(serve, [AudioChunk(b"abcd", 0, 8_000), Finish()]) as (_, client):
        raw = await client.audio.speech.with_raw_response.create(
            model="mouth", voice="x", input="Hi", response_format="pcm"
        )
    assert raw.headers["content-type"] == "audio/pcm;rate=8000"
    assert raw.headers["x-breeze-adjustments"] == "sample_rate"


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"input": ""}, "input"),
    ({"input": " \n"}, "input"),
    ({"input": None}, "input"),
    ({"input": 7}, "input"),
    ({"speed": 9}, "speed"),
    ({"speed": 0}, "speed"),
    ({"speed": "fast"}, "speed"),
    ({"response_format": "ogg"}, "response_format"),
    ({"stream_format": "ndjson"}, "stream_format"),
    ({"voice": "nobody"}, "voice"),
    ({"voice": {"name": "x"}}, "voice.name"),
    ({"voice": ["alloy"]}, "voice"),
    ({"voise": "alloy"}, "voise"),
    ({"breeze": {"runer": "x"}}, "breeze.runer"),
]


@pytest.mark.parametrize(("change", "param"), WRONG, ids=[str(change) for change, _ in WRONG])
async def test_a_wrong_field_is_named(serve: Serve, change: dict[str, Any], param: str) -> None:
    body = {"model": LOCAL, "voice": "alloy", "input": "Hello."} | change
    async with talking(serve) as (server, _):
        answer = await ask(
            server.url, request("POST", "/v1/audio/speech", json.dumps(body).encode())
        )
    assert (answer.status, answer.error["param"]) == (400, param)
    assert answer.error["type"] == "invalid_request_error"


async def test_an_unknown_voice_is_told_which_there_are(serve: Serve) -> None:
    async with talking(serve) as (_, client):
        with pytest.raises(openai.BadRequestError, match="alloy, ash, ballad"):
            await client.audio.speech.create(model=LOCAL, voice="nobody", input="Hello.")


async def test_an_unknown_model_is_not_found(serve: Serve) -> None:
    async with talking(serve) as (_, client):
        with pytest.raises(openai.NotFoundError) as caught:
            await client.audio.speech.create(model="nothing", voice="alloy", input="Hello.")
    assert caught.value.code == "model_not_found"


# as it is made ----------------------------------------------------------------------------


async def test_the_first_sound_arrives_while_the_rest_is_being_made(serve: Serve) -> None:
    gate = Gate()
    sound = [AudioChunk(b"one", 0, 24_000), gate, AudioChunk(b"two", 1, 24_000), Finish()]
    async with talking(serve, sound) as (_, client):
        async with client.audio.speech.with_streaming_response.create(
            model="mouth", voice="x", input="Hi", response_format="pcm"
        ) as answer:
            pieces = answer.iter_bytes()
            assert await anext(pieces) == b"one"
            assert gate.started.is_set()
            gate.release.set()
            assert await anext(pieces) == b"two"


async def test_events_hold_the_same_sound(serve: Serve) -> None:
    async with talking(serve) as (_, client):
        asked: Any = {"model": "mock_tts", "voice": "nova", "response_format": "pcm"}
        whole = await client.audio.speech.create(input=TEXT, **asked)
        told = await events_of(client, **asked)
    *deltas, done = told
    assert {event["type"] for event in deltas} == {"speech.audio.delta"}
    assert b"".join(base64.b64decode(event["audio"]) for event in deltas) == whole.content
    assert done["type"] == "speech.audio.done"
    assert set(done["usage"]) == {"input_tokens", "output_tokens", "total_tokens"}
    assert done["breeze"]["characters"] == len(TEXT)
    assert [one["field"] for one in done["breeze"]["adjustments"]] == ["voice"]


async def test_tokens_are_told_where_a_runner_counts_them(serve: Serve) -> None:
    sound = [AudioChunk(b"one", 0, 24_000), Usage(prompt_tokens=4, completion_tokens=9), Finish()]
    async with talking(serve, sound) as (_, client):
        told = await events_of(client, model="mouth", voice="x", response_format="pcm")
    assert told[-1]["usage"] == {"input_tokens": 4, "output_tokens": 9, "total_tokens": 13}


async def events_of(client: AsyncOpenAI, **fields: Any) -> list[Any]:
    asked: Any = {"input": TEXT, "stream_format": "sse"} | fields
    async with client.audio.speech.with_streaming_response.create(**asked) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = [line async for line in answer.iter_lines()]
    return [json.loads(line.removeprefix("data: ")) for line in lines if line]


# failures and leaving ---------------------------------------------------------------------


async def test_a_failure_before_the_sound_is_a_status(serve: Serve) -> None:
    async with talking(serve, [UnavailableError("The lungs are empty.", retryable=False)]) as both:
        with pytest.raises(openai.InternalServerError, match="lungs") as caught:
            await both[1].audio.speech.create(
                model="mouth", voice="x", input="Hi", extra_body={"breeze": {"strict": True}}
            )
    assert caught.value.status_code == 503


@pytest.mark.parametrize("form", ["audio", "sse"])
async def test_no_sound_at_all_is_a_failure(serve: Serve, form: Any) -> None:
    async with talking(serve, [Finish()]) as (_, client):
        with pytest.raises(openai.InternalServerError, match="nothing to hear"):
            await client.audio.speech.create(
                model="mouth", voice="x", input="Hi", stream_format=form
            )


async def test_sound_may_come_with_the_end_alone(serve: Serve) -> None:
    whole = Speech(audio=b"abcd", format="pcm", sample_rate=24_000)
    async with talking(serve, [Finish(result=whole)]) as (_, client):
        raw = await client.audio.speech.with_raw_response.create(
            model="mouth", voice="x", input="Hi", response_format="pcm"
        )
    assert (raw.content, raw.headers["content-type"]) == (b"abcd", "audio/pcm")


BROKEN: list[list[Any]] = [
    [SynthesisError("The voice broke.")],
    [Restarted("mouth", "other", "it broke")],
    [],
]


@pytest.mark.parametrize("end", BROKEN, ids=["failed", "restarted", "cut"])
async def test_a_failure_amid_the_sound_cuts_the_connection(serve: Serve, end: list[Any]) -> None:
    gate = Gate()
    async with talking(serve, [AudioChunk(b"one", 0, 24_000), gate, *end]) as (_, client):
        async with client.audio.speech.with_streaming_response.create(
            model="mouth", voice="x", input="Hi", response_format="pcm"
        ) as answer:
            pieces = answer.iter_bytes()
            assert await anext(pieces) == b"one"
            gate.release.set()
            with pytest.raises(Exception, match="incomplete chunked read"):
                await anext(pieces)


@pytest.mark.parametrize("end", BROKEN, ids=["failed", "restarted", "cut"])
async def test_a_failure_amid_events_is_the_last_event(serve: Serve, end: list[Any]) -> None:
    async with talking(serve, [AudioChunk(b"one", 0, 24_000), *end]) as (_, client):
        told = await events_of(client, model="mouth", voice="x", response_format="pcm")
    assert told[0]["type"] == "speech.audio.delta"
    assert told[-1]["error"]["message"]
    assert "speech.audio.done" not in {event.get("type") for event in told}


@pytest.mark.parametrize("form", ["audio", "sse"])
async def test_the_work_stops_when_the_client_leaves(serve: Serve, form: str) -> None:
    body = {"model": LOCAL, "input": STORY, "response_format": "wav", "stream_format": form}
    async with talking(serve) as (server, _):
        wire = await Wire.to(server.url)
        await wire.send(request("POST", "/v1/audio/speech", json.dumps(body).encode()))
        await wire.reader.readuntil(b"\r\n\r\n")
        (entry,) = server.engine._pool.entries
        stream = server.engine._live[server.engine.live[0]]
        assert entry.runner.work.active == 1
        await wire.close()
        await stream.closed()
        assert entry.runner.work.active == 0
