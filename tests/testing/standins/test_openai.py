"""The stand-in of OpenAI, as OpenAI's own client sees it."""

from __future__ import annotations

import base64
import io
import math
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from breeze.testing.media import png
from breeze.testing.standins.openai import OpenAIStandin

openai = pytest.importorskip("openai")
USER = [{"role": "user", "content": "Hello there, parrot"}]
ADD = {
    "type": "function",
    "function": {
        "name": "add",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer", "minimum": 2}},
        },
    },
}


@asynccontextmanager
async def talking(**options: Any) -> AsyncIterator[tuple[OpenAIStandin, Any]]:
    """A stand-in and a client of it."""
    async with OpenAIStandin.serving(**options) as vendor:
        async with openai.AsyncOpenAI(
            api_key="test-key", base_url=vendor.url, max_retries=0
        ) as client:
            yield vendor, client


async def streamed(client: Any, **asked: Any) -> list[Any]:
    """All chunks of a chat."""
    events = await client.chat.completions.create(
        **{"model": "m", "messages": USER, "stream": True} | asked
    )
    return [chunk async for chunk in events]


def text_of(chunks: list[Any]) -> str:
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


async def test_chat_repeats_what_was_said() -> None:
    async with talking() as (_, client):
        answer = await client.chat.completions.create(model="m", messages=USER)
    assert answer.choices[0].message.content == "You said: Hello there, parrot"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.completion_tokens == 5


async def test_chat_streams_the_same_word_by_word() -> None:
    async with talking() as (_, client):
        chunks = await streamed(client, stream_options={"include_usage": True})
    assert text_of(chunks) == "You said: Hello there, parrot"
    assert chunks[-1].usage.total_tokens == 4 + 5
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"


async def test_limits_stops_and_several_answers_are_kept_to() -> None:
    async with talking() as (_, client):
        ask = client.chat.completions.create
        short = await ask(model="m", messages=USER, max_completion_tokens=2, n=2)
        stopped = await ask(model="m", messages=USER, stop=[" there"])
    assert [(c.index, c.finish_reason) for c in short.choices] == [(0, "length"), (1, "length")]
    assert short.choices[0].message.content == "You said: "
    assert stopped.choices[0].message.content == "You said: Hello"


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_a_tool_is_called_that_must_be_and_its_answer_repeated(stream: bool) -> None:
    async with talking() as (_, client):
        async with client.chat.completions.stream(
            model="m", messages=USER, tools=[ADD], tool_choice="required"
        ) as events:
            answer = await events.get_final_completion()
        if not stream:
            answer = await client.chat.completions.create(
                model="m", messages=USER, tools=[ADD], tool_choice="required"
            )
        call = answer.choices[0].message.tool_calls[0]
        assert answer.choices[0].finish_reason == "tool_calls"
        assert (call.id, call.function.name) == ("call_0", "add")
        assert msgspec.json.decode(call.function.arguments) == {"a": 1, "b": 2}
        told = [*USER, {"role": "tool", "tool_call_id": call.id, "content": "3"}]
        done = await client.chat.completions.create(model="m", messages=told, tools=[ADD])
    assert done.choices[0].message.content == "The tool said: 3"


async def test_an_answer_has_the_form_that_its_schema_asks_for() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}, "k": {"enum": ["a"]}}}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    async with talking() as (_, client):
        answer = await client.chat.completions.create(
            model="m", messages=USER, response_format=form
        )
    assert msgspec.json.decode(answer.choices[0].message.content) == {"n": 1, "k": "a"}


async def test_logprobs_are_told_for_each_token() -> None:
    async with talking() as (_, client):
        answer = await client.chat.completions.create(
            model="m", messages=USER, logprobs=True, top_logprobs=2
        )
    tokens = answer.choices[0].logprobs.content
    assert [t.token for t in tokens] == ["You ", "said: ", "Hello ", "there, ", "parrot"]
    assert len(tokens[0].top_logprobs) == 2


async def test_a_picture_is_counted_by_its_bytes() -> None:
    picture = png(8, 8)
    url = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
    parts = [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": url}}]
    async with talking() as (_, client):
        answer = await client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": parts}]
        )
    said = answer.choices[0].message.content
    assert said == f"I see a picture of {len(picture)} bytes (image/png). You said: What?"


async def test_responses_stream_to_the_end() -> None:
    async with talking() as (_, client):
        async with client.responses.stream(model="m", input="Hello you") as events:
            kinds = [event.type async for event in events]
            final = await events.get_final_response()
        whole = await client.responses.create(model="m", input="Hello you")
    assert final.output_text == whole.output_text == "You said: Hello you"
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"


async def test_responses_call_functions() -> None:
    tool = {"type": "function", **ADD["function"]}  # type: ignore[dict-item]
    async with talking() as (_, client):
        async with client.responses.stream(model="m", input="please add", tools=[tool]) as events:
            async for _event in events:
                pass
            final = await events.get_final_response()
        call = final.output[0]
        given = [{"type": "function_call_output", "call_id": call.call_id, "output": "3"}]
        done = await client.responses.create(model="m", input=given)
    assert (call.name, call.arguments) == ("add", '{"a":1,"b":2}')
    assert done.output_text == "The tool said: 3"


async def test_embeddings_are_the_same_packed_and_plain() -> None:
    async with talking() as (vendor, client):
        packed = await client.embeddings.create(model="e", input=["one", "two"], dimensions=5)
        plain = await client.embeddings.create(
            model="e", input="one", dimensions=5, encoding_format="float"
        )
        assert vendor.calls[0].json["encoding_format"] == "base64"
    one, two = (d.embedding for d in packed.data)
    assert one == pytest.approx(plain.data[0].embedding, abs=1e-6)
    assert one != two
    assert math.hypot(*one) == pytest.approx(1, abs=1e-6)


async def test_trigger_words_are_flagged() -> None:
    async with talking() as (_, client):
        verdict = await client.moderations.create(input=["I will kill you", "Good morning"])
    assert [r.flagged for r in verdict.results] == [True, False]
    assert verdict.results[0].categories.violence


@pytest.mark.parametrize("form", ["json", "text", "srt", "vtt", "verbose_json", "diarized_json"])
async def test_sound_is_heard_in_every_format(form: str) -> None:
    async with talking() as (_, client):
        heard = await client.audio.transcriptions.create(
            model="t", file=("a.wav", b"RIFF" * 5), response_format=form
        )
    text = heard if isinstance(heard, str) else heard.text
    assert "I heard 20 bytes of a.wav." in text
    if form == "verbose_json":
        assert heard.segments[0].end == heard.duration == 3.0


async def test_words_have_times_when_asked_for() -> None:
    async with talking() as (_, client):
        heard = await client.audio.transcriptions.create(
            model="t", file=("a.wav", b"RIFF"), response_format="verbose_json",
            timestamp_granularities=["word"],
        )  # fmt: skip
    assert [(w.word, w.start) for w in heard.words][:2] == [("I", 0.0), ("heard", 0.5)]
    assert heard.segments is None


async def test_sound_is_heard_word_by_word() -> None:
    async with talking() as (_, client):
        events = await client.audio.transcriptions.create(
            model="t", file=("a.wav", b"RIFF"), stream=True
        )
        kinds = [(e.type, getattr(e, "delta", "")) async for e in events]
    assert "".join(delta for _, delta in kinds) == "I heard 4 bytes of a.wav."
    assert kinds[-1][0] == "transcript.text.done"


async def test_speech_is_a_tone_as_long_as_the_text() -> None:
    async with talking() as (_, client):
        said = await client.audio.speech.create(
            model="s", voice="a", input="one two three", response_format="wav"
        )
        async with client.audio.speech.with_streaming_response.create(
            model="s", voice="a", input="one two", response_format="wav",
            stream_format="sse",
        ) as events:  # fmt: skip
            lines = [line async for line in events.iter_lines() if line]
    with wave.open(io.BytesIO(said.content)) as file:
        assert file.getnframes() / file.getframerate() == pytest.approx(0.3)
    kinds = [msgspec.json.decode(line.removeprefix("data: "))["type"] for line in lines]
    assert kinds == ["speech.audio.delta"] * 4 + ["speech.audio.done"]


@pytest.mark.parametrize("form", ["mp3", "opus", "aac", "flac", "pcm"])
async def test_speech_comes_in_every_format(form: str) -> None:
    av = pytest.importorskip("av")
    async with talking() as (_, client):
        said = await client.audio.speech.create(
            model="s", voice="a", input="one two", response_format=form
        )
    if form == "pcm":
        assert len(said.content) == 0.2 * 48_000
    else:
        with av.open(io.BytesIO(said.content)) as file:
            frames = list(file.decode(audio=0))
        assert sum(f.samples / f.sample_rate for f in frames) == pytest.approx(0.2, abs=0.06)


async def test_pictures_are_drawn_and_streamed() -> None:
    async with talking() as (_, client):
        drawn = await client.images.generate(model="i", prompt="a bird", n=2, size="32x16")
        events = await client.images.generate(
            model="i", prompt="a bird", stream=True, partial_images=2, size="32x16"
        )
        kinds = [event.type async for event in events]
        changed = await client.images.edit(
            model="i", prompt="a bird", image=("a.png", png(4, 4)), size="32x16"
        )
    first, second = (base64.b64decode(d.b64_json) for d in drawn.data)
    assert first[:4] == b"\x89PNG"
    assert first != second
    assert changed.data[0].b64_json != drawn.data[0].b64_json
    assert kinds == ["image_generation.partial_image"] * 2 + ["image_generation.completed"]


async def test_models_are_listed_and_found() -> None:
    async with talking(profile="llamacpp") as (_, client):
        listed = [model async for model in client.models.list()]
        found = await client.models.retrieve(listed[0].id)
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve("other/model")
    assert found.id == listed[0].id == "/models/parrot-1.gguf"


async def test_a_batch_is_done_at_once() -> None:
    line = {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions"}
    body = {"model": "m", "messages": USER}
    data = msgspec.json.encode(line | {"body": body}) + b"\n"
    data += msgspec.json.encode(line | {"body": body, "url": "/v1/odd", "custom_id": "2"})
    async with talking() as (_, client):
        file = await client.files.create(file=("in.jsonl", data), purpose="batch")
        batch = await client.batches.create(
            input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
        done = await client.batches.retrieve(batch.id)
        out = (await client.files.content(done.output_file_id)).content.splitlines()
        gone = await client.files.delete(file.id)
        assert [f.filename async for f in client.files.list()] == ["batch_1.jsonl"]
    assert (done.status, done.request_counts.failed) == ("completed", 1)
    said = msgspec.json.decode(out[0])["response"]["body"]["choices"][0]["message"]["content"]
    assert said == "You said: Hello there, parrot"
    assert gone.deleted


CLASSES = {
    "key-refused": ("AuthenticationError", "invalid_api_key"),
    "forbidden": ("PermissionDeniedError", "unsupported_country_region_territory"),
    "quota": ("RateLimitError", "insufficient_quota"),
    "rate-limit": ("RateLimitError", "rate_limit_exceeded"),
    "model-missing": ("NotFoundError", "model_not_found"),
    "invalid": ("BadRequestError", None),
    "context": ("BadRequestError", "context_length_exceeded"),
    "error-500": ("InternalServerError", None),
    "error-503": ("InternalServerError", "server_is_overloaded"),
}


@pytest.mark.parametrize("fault", CLASSES)
async def test_refusals_are_the_clients_own_errors(fault: str) -> None:
    kind, code = CLASSES[fault]
    async with talking() as (vendor, client):
        vendor.fault(fault)
        with pytest.raises(getattr(openai, kind)) as caught:
            await client.chat.completions.create(model="m", messages=USER)
    assert caught.value.code == code
    assert caught.value.request_id == "req_1"


async def test_an_error_amid_a_stream_comes_after_the_text() -> None:
    async with talking() as (vendor, client):
        vendor.fault("stream-error", after=3)
        events = await client.chat.completions.create(model="m", messages=USER, stream=True)
        got = [await anext(events) for _ in range(3)]
        with pytest.raises(openai.APIError, match="overloaded"):
            await anext(events)
    assert text_of(got) == "You said: "


HARMLESS = [f.name for f in OpenAIStandin.all_faults() if f.harmless]
STRICT = {"huge-event", "framing-cr", "bad-utf8", "framing-bom", "whole-for-stream", "odd-no-role"}


@pytest.mark.parametrize("fault", [name for name in HARMLESS if name not in STRICT])
async def test_what_is_harmless_leaves_the_official_client_alone(fault: str) -> None:
    asked = {"tools": [ADD], "tool_choice": "required"} if "call" in fault else {}
    async with talking() as (vendor, client):
        vendor.fault(fault)
        chunks = await streamed(client, **asked)
    assert chunks


@pytest.mark.parametrize("profile", OpenAIStandin.profiles)
async def test_every_profile_speaks_to_the_official_client(profile: str) -> None:
    async with talking(profile=profile) as (vendor, client):
        model = (await client.models.list()).data[0].id
        assert text_of(await streamed(client, model=model)).startswith("You said: Hello")
        vendor.fault("quota")
        with pytest.raises(openai.APIStatusError) as caught:
            await client.chat.completions.create(model=model, messages=USER)
        vectors = await client.embeddings.create(model=model, input="one")
        assert len(vectors.data[0].embedding) == 8
    assert caught.value.status_code == (402 if profile in ("openrouter", "hf-router") else 429)


async def test_a_router_tells_prices_costs_and_who_answered() -> None:
    async with talking(profile="openrouter") as (vendor, client):
        assert vendor.url.endswith("/api/v1")
        listed = (await client.models.list()).data[0]
        assert listed.pricing["prompt"] == "0.00000015"
        answer = await client.chat.completions.with_raw_response.create(
            model="a/one", messages=USER, reasoning_effort="low",
            extra_body={"models": ["a/one", "b/two"]},
        )  # fmt: skip
        key = await client.get("/key", cast_to=object)
    assert answer.headers["x-generation-id"] == "gen-2"
    told = answer.parse()
    assert (told.model, told.provider) == ("b/two", "Acme")
    assert told.usage.cost > 0
    assert told.choices[0].message.reasoning_details[0]["text"] == "Let me think. "
    assert key["data"]["limit_remaining"] == 9.5


async def test_a_router_fails_amid_a_stream_within_a_chunk() -> None:
    async with talking(profile="openrouter") as (vendor, client):
        vendor.fault("stream-error", after=3, kind="network")
        with pytest.raises(openai.APIError, match="upstream") as caught:
            await streamed(client)
    assert caught.value.body["metadata"] == {"error_type": "provider_unavailable"}
