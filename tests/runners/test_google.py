"""The google runner: what it sends, what it makes of the answers, what it cannot honour."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest

from breeze.contracts.answers import Embeddings
from breeze.contracts.capability import Capability
from breeze.contracts.errors import BlockedError, InputError
from breeze.contracts.events import Adjusted, Finish
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
from breeze.contracts.requests import EmbedRequest
from breeze.contracts.results import collect
from breeze.contracts.values import Usage
from breeze.runners.google import GoogleRunner
from breeze.testing.media import png
from breeze.testing.standins.google import GoogleStandin
from breeze.testing.stream import checked
from tests.runners.standin import Exchange, StandIn
from tests.runners.vendor import MODEL, WEATHER, answer, asking, events, running, talking


@pytest.fixture
async def vendor() -> AsyncIterator[GoogleStandin]:
    async with GoogleStandin.serving() as vendor:
        yield vendor


@pytest.mark.parametrize("whole", [False, True])
async def test_a_chat(vendor: GoogleStandin, whole: bool) -> None:
    request = asking(
        system="Be brief.", max_tokens=4, stop=("zzz",), whole=whole, temperature=0.5, top_p=0.9,
        top_k=5, seed=3, presence_penalty=0.1, frequency_penalty=0.2,
    )  # fmt: skip
    async with running(GoogleRunner, vendor.url) as runner:
        found = await answer(runner, request)
    assert (found.text, found.finish_reason) == ("You said: Good day ", "length")
    assert found.usage == Usage(8, 4)
    assert found.metadata == {"model_name": MODEL}
    assert found.adjustments == ()
    (call,) = vendor.calls
    how = "generateContent" if whole else "streamGenerateContent?alt=sse"
    assert call.target == f"/v1beta/models/{MODEL}:{how}"
    assert call.headers["x-goog-api-key"] == "test-key"
    assert "authorization" not in call.headers
    assert call.json == {
        "contents": [{"role": "user", "parts": [{"text": "Good day to you."}]}],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "generationConfig": {
            "temperature": 0.5, "topP": 0.9, "topK": 5, "seed": 3, "maxOutputTokens": 4,
            "presencePenalty": 0.1, "frequencyPenalty": 0.2, "stopSequences": ["zzz"],
        },
    }  # fmt: skip


@pytest.mark.parametrize("whole", [False, True])
async def test_several_answers_and_their_probabilities(vendor: GoogleStandin, whole: bool) -> None:
    request = asking("Hi", n=2, logprobs=True, top_logprobs=2, whole=whole)
    async with running(GoogleRunner, vendor.url) as runner:
        found = await answer(runner, request)
    assert [choice.text for choice in found.choices] == ["You said: Hi"] * 2
    for choice in found.choices:
        assert [token.token for token in choice.logprobs] == ["You ", "said: ", "Hi"]
        assert [len(token.top) for token in choice.logprobs] == [2, 2, 2]
    settings = vendor.calls[0].json["generationConfig"]
    assert settings == {"candidateCount": 2, "responseLogprobs": True, "logprobs": 2}


@pytest.mark.parametrize("whole", [False, True])
async def test_a_blocked_prompt_is_an_error(vendor: GoogleStandin, whole: bool) -> None:
    async with running(GoogleRunner, vendor.url) as runner:
        with pytest.raises(BlockedError, match="SAFETY") as caught:
            await answer(runner, asking("Tell me of the forbidden fruit.", whole=whole))
    assert caught.value.detail == "content_policy"
    assert not caught.value.retryable


@pytest.mark.parametrize("whole", [False, True])
async def test_a_filtered_answer_is_an_end(vendor: GoogleStandin, whole: bool) -> None:
    async with running(GoogleRunner, vendor.url) as runner:
        found = await answer(runner, asking("Tell the forbidden ending.", whole=whole))
    assert (found.text, found.finish_reason) == ("You said: ", "content_filter")
    assert found.metadata == {"model_name": MODEL, "finish_reason": "SAFETY"}


async def test_pictures_sounds_and_files(vendor: GoogleStandin) -> None:
    picture = png(8, 8)
    parts = (
        TextPart("What is it?"),
        ImagePart(picture, "image/bmp", detail="low"),
        AudioPart(b"RIFF", "wav"),
        AudioPart(b"ID3", "mp3"),
        FilePart(b"%PDF-1.7 small", "application/pdf", "paper.pdf"),
        FilePart(mime="video/mp4", file_id="https://files.example/v1beta/files/f1"),
        ImagePart(url="gs://pictures/a.png"),
    )
    async with running(GoogleRunner, vendor.url) as runner:
        found = await answer(runner, talking(Message("user", parts)))
    assert f"I see a picture of {len(picture)} bytes (image/png)." in found.text
    assert "I hear 2 sounds." in found.text
    body = vendor.calls[0].json
    _, image, wav, mp3, pdf, film, cloud = body["contents"][0]["parts"]
    assert image["inlineData"] == {
        "mimeType": "image/png",
        "data": base64.b64encode(picture).decode(),
    }
    assert [p["inlineData"]["mimeType"] for p in (wav, mp3, pdf)] == [
        "audio/wav", "audio/mp3", "application/pdf",
    ]  # fmt: skip
    assert film["fileData"]["mimeType"] == "video/mp4"
    assert cloud["fileData"]["fileUri"] == "gs://pictures/a.png"
    assert body["generationConfig"] == {"mediaResolution": "MEDIA_RESOLUTION_LOW"}


async def test_pictures_on_the_web_are_fetched_where_that_is_allowed(vendor: GoogleStandin) -> None:
    picture = png(8, 8)

    async def show(exchange: Exchange) -> None:
        await exchange.whole(picture, content_type="image/png")

    async with StandIn.serving(show) as web:
        parts = (TextPart("What is it?"), ImagePart(url=f"{web.url}/a.png"))
        request = talking(Message("user", parts))
        for where in ("off", "public"):
            async with running(GoogleRunner, vendor.url, fetch_images=where) as runner:
                with pytest.raises(InputError) as caught:
                    await answer(runner, request)
            assert caught.value.field == "messages[0].content[1]"
        async with running(GoogleRunner, vendor.url, fetch_images="any") as runner:
            found = await answer(runner, request)
    assert f"I see a picture of {len(picture)} bytes (image/png)." in found.text


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("model", [MODEL, "strict-1"])
async def test_a_tool_is_called_and_answered(
    vendor: GoogleStandin, whole: bool, model: str
) -> None:
    asked = Message("user", "How is the weather?")
    more: dict[str, Any] = {"tools": (WEATHER,), "whole": whole, "model": model}
    async with running(GoogleRunner, vendor.url) as runner:
        first = await answer(runner, talking(asked, **more))
        assert first.finish_reason == "tool_calls"
        (call,) = first.tool_calls
        assert (call.id, call.name, call.arguments) == ("fc_0", "weather", '{"place":"text"}')
        turn = Message("assistant", tool_calls=first.tool_calls)
        told = Message("tool", "Snow.", tool_call_id="fc_0")
        second = await answer(runner, talking(asked, turn, told, **more))
    assert second.text == "The tool said: Snow."
    assert vendor.calls[0].json["tools"] == [
        {
            "functionDeclarations": [
                {
                    "name": "weather",
                    "description": "Tells the weather.",
                    "parametersJsonSchema": WEATHER.parameters,
                }
            ]
        }
    ]
    assert vendor.calls[1].json["contents"][1:] == [
        {
            "role": "model",
            "parts": [
                {
                    "functionCall": {"id": "fc_0", "name": "weather", "args": {"place": "text"}},
                    "thoughtSignature": "c2lnbmVk",
                }
            ],
        },
        {
            "role": "user",
            "parts": [
                {
                    "functionResponse": {
                        "id": "fc_0",
                        "name": "weather",
                        "response": {"result": "Snow."},
                    }
                }
            ],
        },
    ]


async def test_calls_of_other_models_get_the_signature_that_was_set(vendor: GoogleStandin) -> None:
    calls = (ToolCall("a", "weather", "{}", "other:x"), ToolCall("b", "weather"))
    request = talking(
        Message("user", "Go."),
        Message("assistant", "I look.", calls),
        Message("tool", '{"sky": "blue"}', tool_call_id="a"),
        Message("tool", (TextPart("Snow."), ImagePart(png(8, 8))), tool_call_id="b"),
        tools=(WEATHER,),
        model="strict-1",
    )
    async with running(GoogleRunner, vendor.url) as runner:
        with pytest.raises(InputError, match="thought_signature"):
            await answer(runner, request)
    async with running(GoogleRunner, vendor.url, unsigned_calls="skip") as runner:
        await answer(runner, request)
    _, turn, told = vendor.calls[1].json["contents"]
    assert [part.get("thoughtSignature") for part in turn["parts"]] == [None, "skip", None]
    assert [next(iter(part)) for part in told["parts"]] == [
        "functionResponse", "functionResponse", "inlineData",
    ]  # fmt: skip
    assert told["parts"][0]["functionResponse"]["response"] == {"sky": "blue"}


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("auto", None),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        (NamedTool("weather"), {"mode": "ANY", "allowedFunctionNames": ["weather"]}),
    ],
)
async def test_which_tool(vendor: GoogleStandin, choice: Any, sent: Any) -> None:
    async with running(GoogleRunner, vendor.url) as runner:
        await answer(runner, asking(tools=(WEATHER,), tool_choice=choice))
    config = vendor.calls[0].json.get("toolConfig")
    assert config == (sent and {"functionCallingConfig": sent})


async def test_answers_that_obey_a_schema_or_are_json(vendor: GoogleStandin) -> None:
    schema = {"type": "object", "properties": {"done": {"type": "boolean"}}}
    async with running(GoogleRunner, vendor.url) as runner:
        obeys = await answer(
            runner, asking(response_format=ResponseFormat("json_schema", schema, "done"))
        )
        any_json = await answer(runner, asking("Hi", response_format=ResponseFormat("json_object")))
    assert (obeys.text, any_json.text) == ('{"done":true}', '{"said":"Hi"}')
    json = {"responseMimeType": "application/json"}
    assert vendor.calls[0].json["generationConfig"] == {**json, "responseJsonSchema": schema}
    assert vendor.calls[1].json["generationConfig"] == json


@pytest.mark.parametrize("whole", [False, True])
async def test_thinking_is_shown_when_asked_for(vendor: GoogleStandin, whole: bool) -> None:
    async with running(GoogleRunner, vendor.url) as runner:
        found = await answer(runner, asking("Hi", whole=whole, params={"thoughts": True}))
    assert (found.choices[0].reasoning, found.text) == ("Let me think. ", "You said: Hi")
    assert found.usage == Usage(2, 6, 3)
    config = vendor.calls[0].json["generationConfig"]["thinkingConfig"]
    assert config == {"includeThoughts": True}


@pytest.mark.parametrize(
    ("way", "effort", "sent", "adjusted"),
    [
        ("level", "low", {"thinkingLevel": "LOW"}, []),
        ("level", "max", {"thinkingLevel": "HIGH"}, ["HIGH"]),
        ("level", "none", {"thinkingLevel": "MINIMAL"}, ["MINIMAL"]),
        ("level", "odd", None, [None]),
        ("budget", "none", {"thinkingBudget": 0}, []),
        ("budget", "high", {"thinkingBudget": 24576}, []),
        ("budget", "xhigh", {"thinkingBudget": 24576}, [24576]),
    ],
)
async def test_effort(
    vendor: GoogleStandin, way: str, effort: str, sent: Any, adjusted: list[Any]
) -> None:
    async with running(GoogleRunner, vendor.url, effort_as=way) as runner:
        found = await answer(runner, asking(reasoning_effort=effort))
    settings = vendor.calls[0].json.get("generationConfig", {})
    assert settings.get("thinkingConfig") == sent
    assert [note.used for note in found.adjustments] == adjusted


async def test_a_signature_of_the_text_goes_back_with_it(vendor: GoogleStandin) -> None:
    turn = Message("assistant", "Yes.", reasoning="hm", reasoning_signature="google:c2ln")
    alone = Message("assistant", "", (ToolCall("a", "weather"),), reasoning_signature="google:c2ln")
    told = Message("tool", "Snow.", tool_call_id="a")
    request = talking(Message("user", "?"), turn, Message("user", "Go."), alone, told)
    async with running(GoogleRunner, vendor.url) as runner:
        found = await answer(runner, request)
    assert found.adjustments == ()
    contents = vendor.calls[0].json["contents"]
    assert contents[1]["parts"] == [{"text": "Yes.", "thoughtSignature": "c2ln"}]
    assert contents[3]["parts"][0] == {"text": "", "thoughtSignature": "c2ln"}


async def test_nothing_is_dropped_in_silence(vendor: GoogleStandin) -> None:
    strict = Tool("weather", strict=True)
    pictures = (ImagePart(png(8, 8), detail="low"), ImagePart(png(8, 8), detail="high"))
    request = talking(
        Message("user", (TextPart("Hi"), *pictures), name="ann"),
        Message("assistant", "Yes.", reasoning="hm"),
        Message("system", "Be brief."),
        Message("user", "Go."),
        tools=(strict,), parallel_tool_calls=False, logit_bias={"7": 1.0},
    )  # fmt: skip
    async with running(GoogleRunner, vendor.url) as runner:
        found = await events(runner, request)
    assert {event.field for event in found if isinstance(event, Adjusted)} == {
        "messages[0].name", "messages[1].reasoning", "messages[2].role", "messages.detail",
        "tools.strict", "parallel_tool_calls", "logit_bias",
    }  # fmt: skip
    body = vendor.calls[0].json
    assert body["systemInstruction"] == {"parts": [{"text": "Be brief."}]}
    assert body["generationConfig"] == {"mediaResolution": "MEDIA_RESOLUTION_HIGH"}


async def test_how_much_is_blocked(vendor: GoogleStandin) -> None:
    async with running(GoogleRunner, vendor.url, safety="BLOCK_ONLY_HIGH") as runner:
        await answer(runner, asking())
    settings = vendor.calls[0].json["safetySettings"]
    assert {setting["threshold"] for setting in settings} == {"BLOCK_ONLY_HIGH"}
    assert len({setting["category"] for setting in settings}) == 4


@pytest.mark.parametrize("name", [MODEL, f"models/{MODEL}"])
async def test_a_model_by_either_name_in_either_version(vendor: GoogleStandin, name: str) -> None:
    url = vendor.url.replace("v1beta", "v1")
    async with running(GoogleRunner, url, headers="x-team: red") as runner:
        await answer(runner, asking(model=name, whole=True))
    assert vendor.calls[0].path == f"/v1/models/{MODEL}:generateContent"
    assert vendor.calls[0].headers["x-team"] == "red"


async def test_the_only_model_of_a_kind_is_asked_when_none_is_named(vendor: GoogleStandin) -> None:
    async with running(GoogleRunner, vendor.url) as runner:
        for _ in range(2):
            await answer(runner, asking(model="auto"))
        await collect(runner.embed(EmbedRequest.of("a")), Embeddings)
    called = [call.path.rpartition("/")[2] for call in vendor.calls]
    chat = "parrot-1:streamGenerateContent"
    assert called == ["models", chat, chat, "models", "embedder-1:batchEmbedContents"]


async def test_what_is_told_of_the_models(vendor: GoogleStandin) -> None:
    async with running(GoogleRunner, vendor.url) as runner:
        chats, embeds = await runner.models()
    assert (chats.id, chats.context) == (MODEL, 1_048_576)
    assert chats.capabilities == (Capability.LLM, Capability.VLM)
    assert (embeds.id, embeds.capabilities) == ("embedder-1", (Capability.EMBEDDING,))


async def test_vectors_in_lots(vendor: GoogleStandin) -> None:
    texts = tuple(f"sea number {i}" for i in range(250))
    async with running(GoogleRunner, vendor.url) as runner:
        request = EmbedRequest(texts, dimensions=4, model="embedder-1")
        found = await collect(checked(runner.embed(request), "embed"), Embeddings)
    assert isinstance(found, Embeddings)
    assert len(found.vectors) == 250
    assert len(found.vectors[0]) == 16
    assert len(set(found.vectors)) == 250
    assert found.usage == Usage(750, characters=sum(map(len, texts)))
    assert [len(call.json["requests"]) for call in vendor.calls] == [100, 100, 50]
    assert vendor.calls[0].json["requests"][0] == {
        "model": "models/embedder-1",
        "content": {"role": "user", "parts": [{"text": "sea number 0"}]},
        "outputDimensionality": 4,
    }


async def test_an_answer_of_an_unknown_call_is_refused_by_name() -> None:
    told = Message("tool", "Snow.", tool_call_id="who")
    async with running(GoogleRunner, "http://127.0.0.1:9/v1") as runner:
        with pytest.raises(InputError) as caught:
            await answer(runner, talking(Message("user", "?"), told))
    assert caught.value.field == "messages[1].tool_call_id"


async def test_the_array_form_is_understood_too(vendor: GoogleStandin) -> None:
    """A gateway may lose the query that asks for events."""

    async def without_query(exchange: Exchange) -> None:
        said = b'{"candidates":[{"content":{"parts":[{"text":"%b"}]}%b}],"model_version":"m"}'
        end = b',"finish_reason":"STOP"'
        await exchange.whole(b"[%b,\r\n%b]" % (said % (b"hel", b""), said % (b"lo", end)))

    async with StandIn.serving(without_query) as server:
        async with running(GoogleRunner, server.url) as runner:
            found = [event async for event in runner.chat(asking())]
    assert [getattr(event, "text", "") for event in found] == ["hel", "lo", ""]
    assert found[-1] == Finish(metadata={"model_name": "m"})
