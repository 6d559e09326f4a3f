"""What our runner sends equals what the official client sends for the same call.

Both ask the stand-in; method, path, the headers that matter and the whole body are compared, a
form's fields in any order before its file. Nothing differs but what a client says of itself
(`user-agent`, `x-stainless-…`), and that we accept no compression.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from openai import AsyncOpenAI

from breeze.contracts.messages import (
    AudioPart,
    FilePart,
    ImagePart,
    Message,
    NamedTool,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
)
from breeze.contracts.request import Request
from breeze.contracts.requests import (
    ChatRequest,
    DrawRequest,
    EmbedRequest,
    ModerateRequest,
    SpeakRequest,
    TranscribeRequest,
)
from breeze.testing.media import png, wav
from breeze.testing.standins._call import Call
from breeze.testing.standins.openai import OpenAIStandin
from tests.runners.openai_vendor import KEY, MODEL, loaded, whole

SCHEMA = {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
    "additionalProperties": False,
}  # fmt: skip
SOUND, PICTURE = wav(0.5), png(8, 8)
SOUND64, PICTURE64 = (base64.b64encode(data).decode() for data in (SOUND, PICTURE))
Ask = Callable[[AsyncOpenAI], Awaitable[Any]]


async def drained(stream: Any) -> None:
    async for _ in await stream:
        pass


def chat(**fields: Any) -> Ask:
    given = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}], **fields}
    return lambda client: client.chat.completions.create(**given)


def streamed(**fields: Any) -> Ask:
    asked = chat(stream=True, stream_options={"include_usage": True}, **fields)
    return lambda client: drained(asked(client))


def asking(*messages: Message, **fields: Any) -> ChatRequest:
    turns = messages or (Message("user", "Hi"),)
    return ChatRequest(turns, **{"model": MODEL, "whole": True, **fields})


TOOL = Tool("weather", "Tells the weather.", SCHEMA, strict=True)
TOOL_JSON = {
    "type": "function",
    "function": {
        "name": "weather", "description": "Tells the weather.", "parameters": SCHEMA,
        "strict": True,
    },
}  # fmt: skip
LOOP = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Weather in Oslo?", "name": "ann"},
    {
        "role": "assistant", "content": None,
        "tool_calls": [{"id": "c1", "type": "function",
                        "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}}],
    },
    {"role": "tool", "content": "Rain.", "tool_call_id": "c1"},
]  # fmt: skip
PARTS = [
    {"type": "text", "text": "What is it?"},
    {"type": "image_url",
     "image_url": {"url": f"data:image/png;base64,{PICTURE64}", "detail": "high"}},
    {"type": "image_url", "image_url": {"url": "https://x.example/a.png", "detail": "auto"}},
    {"type": "input_audio", "input_audio": {"data": SOUND64, "format": "wav"}},
    {"type": "file", "file": {"file_id": "file-1"}},
    {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERg==",
                              "filename": "a.pdf"}},
]  # fmt: skip

CASES: dict[str, tuple[Request[Any], Ask]] = {
    "chat": (asking(), chat()),
    "chat, streamed": (asking(whole=False), streamed()),
    "chat, every option": (
        asking(
            temperature=0.5, top_p=0.9, n=2, seed=3, stop=("a", "b"), max_tokens=9,
            presence_penalty=0.5, frequency_penalty=-0.5, logit_bias={"7": 1.0}, logprobs=True,
            top_logprobs=2, reasoning_effort="low",
        ),
        chat(
            temperature=0.5, top_p=0.9, n=2, seed=3, stop=["a", "b"], max_tokens=9,
            presence_penalty=0.5, frequency_penalty=-0.5, logit_bias={"7": 1.0}, logprobs=True,
            top_logprobs=2, reasoning_effort="low",
        ),
    ),
    "tools": (
        asking(tools=(TOOL,), tool_choice=NamedTool("weather"), parallel_tool_calls=False),
        chat(
            tools=[TOOL_JSON], parallel_tool_calls=False,
            tool_choice={"type": "function", "function": {"name": "weather"}},
        ),
    ),
    "tools, streamed": (
        asking(tools=(TOOL,), tool_choice="required", whole=False),
        streamed(tools=[TOOL_JSON], tool_choice="required"),
    ),
    "a tool's answer": (
        asking(
            Message("system", "Be brief."), Message("user", "Weather in Oslo?", name="ann"),
            Message("assistant", tool_calls=(ToolCall("c1", "weather", '{"city":"Oslo"}'),)),
            Message("tool", "Rain.", tool_call_id="c1"),
        ),
        chat(messages=LOOP),
    ),
    "a schema": (
        asking(response_format=ResponseFormat("json_schema", SCHEMA, "place", strict=True)),
        chat(response_format={
            "type": "json_schema",
            "json_schema": {"name": "place", "schema": SCHEMA, "strict": True},
        }),
    ),
    "any object": (
        asking(response_format=ResponseFormat("json_object")),
        chat(response_format={"type": "json_object"}),
    ),
    "pictures, sound and files": (
        asking(Message("user", (
            TextPart("What is it?"), ImagePart(PICTURE, "image/png", detail="high"),
            ImagePart(url="https://x.example/a.png"), AudioPart(SOUND), FilePart(file_id="file-1"),
            FilePart(b"%PDF", "application/pdf", "a.pdf"),
        ))),
        chat(messages=[{"role": "user", "content": PARTS}]),
    ),
    "vectors": (
        EmbedRequest(("one", "two"), model=MODEL),
        lambda client: client.embeddings.create(model=MODEL, input=["one", "two"]),
    ),
    "vectors of a size": (
        EmbedRequest(("one",), model=MODEL, dimensions=4),
        lambda client: client.embeddings.create(model=MODEL, input=["one"], dimensions=4),
    ),
    "a transcription": (
        TranscribeRequest(
            audio=SOUND, model=MODEL, language="en-US", prompt="Engine", temperature=0.2
        ),
        lambda client: client.audio.transcriptions.create(
            model=MODEL, file=("audio.wav", SOUND, "audio/x-wav"), language="en", prompt="Engine",
            temperature=0.2, response_format="verbose_json",
            timestamp_granularities=["word", "segment"],
        ),
    ),
    "a transcription, streamed": (
        TranscribeRequest(audio=SOUND, model=MODEL, language="en", timestamps="none"),
        lambda client: drained(client.audio.transcriptions.create(
            model=MODEL, file=("audio.wav", SOUND, "audio/x-wav"), language="en",
            response_format="json", stream=True,
        )),
    ),
    "speech": (
        SpeakRequest("Hello", model=MODEL, voice="ash", speed=1.5, format="mp3",
                     instructions="Whisper."),
        lambda client: client.audio.speech.create(
            model=MODEL, input="Hello", voice="ash", speed=1.5, response_format="mp3",
            instructions="Whisper.",
        ),
    ),
    "pictures": (
        DrawRequest(("a lighthouse",), model=MODEL, size="64x64", count=2, format="webp"),
        lambda client: client.images.generate(
            model=MODEL, prompt="a lighthouse", size="64x64", n=2, output_format="webp",
            response_format="b64_json",
        ),
    ),
    "a moderation": (
        ModerateRequest("Hello", model=MODEL),
        lambda client: client.moderations.create(model=MODEL, input="Hello"),
    ),
}  # fmt: skip

HEADERS = ("authorization", "content-type")


@pytest.fixture
async def vendor() -> AsyncIterator[OpenAIStandin]:
    async with OpenAIStandin.serving() as vendor:
        yield vendor


def said(call: Call) -> dict[str, Any]:
    """A call without what differs from one to the next."""
    headers = {name: call.headers.get(name, "") for name in HEADERS}
    headers["content-type"] = headers["content-type"].partition(";")[0]
    if call.form:
        parts = [(p.name, p.filename, p.mime if p.filename else "", p.data) for p in call.form]
        *fields, file = parts
        assert file[0] == "file", "the file comes last"
        body: Any = [*sorted(fields), file]
    else:
        body = call.json
    return {"method": call.method, "path": call.target, "headers": headers, "body": body}


@pytest.mark.parametrize("case", CASES)
async def test_the_same_call_is_the_same_request(vendor: OpenAIStandin, case: str) -> None:
    request, ask = CASES[case]
    async with AsyncOpenAI(base_url=vendor.url, api_key=KEY, max_retries=0) as client:
        await ask(client)
    async with loaded(vendor, voice="ash") as runner:
        await whole(runner, request)
    theirs, ours = map(said, vendor.calls)
    assert ours == theirs


async def test_the_list_of_models_is_the_same_request(vendor: OpenAIStandin) -> None:
    async with AsyncOpenAI(base_url=vendor.url, api_key=KEY) as client:
        await client.models.list()
    async with loaded(vendor) as runner:
        await runner.models()
    theirs, ours = vendor.calls
    assert (ours.method, ours.target, ours.body) == (theirs.method, theirs.target, theirs.body)
    assert ours.headers["authorization"] == theirs.headers["authorization"]
