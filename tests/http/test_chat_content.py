"""What goes into a chat and what comes out beside text, over HTTP with the official client."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import openai
import pytest

from breeze.contracts.events import Finish, ReasoningDelta, TextDelta
from breeze.contracts.messages import AudioPart, FilePart, ImagePart
from breeze.contracts.requests import ChatRequest
from breeze.testing.media import png, wav
from breeze.testing.scripted import Script, scripted
from tests.http.conftest import Serve
from tests.http.openai_wire import official, post
from tests.runners.llamacpp_files import models as models

PATH = "/v1/chat/completions"
ASKED: Any = [{"role": "user", "content": "Hello"}]
SOUND = {"data": base64.b64encode(wav(0.05)).decode(), "format": "wav"}
AUDIO = {"type": "input_audio", "input_audio": SOUND}


def uri(data: bytes, mime: str = "image/png") -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


def user(*parts: Any) -> Any:
    """One user message of these parts."""
    return [{"role": "user", "content": list(parts)}]


def text(said: str) -> dict[str, str]:
    return {"type": "text", "text": said}


def image(url: str, **more: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, **more}}


async def test_a_picture_goes_to_a_runner_that_sees(serve: Serve) -> None:
    pytest.importorskip("rapidocr")
    pytest.importorskip("cv2")
    from tests.runners.pictures import encoded, plain

    asked = user(text("What colour is it?"), image(uri(encoded(plain(64, 64, "red")))))
    async with serve() as server, official(server) as client:
        raw = await client.chat.completions.with_raw_response.create(model="auto", messages=asked)
        stream = await client.chat.completions.create(model="auto", messages=asked, stream=True)
        pieces = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
    said = raw.parse().choices[0].message.content or ""
    assert "red" in said.lower()
    assert "".join(pieces) == said
    assert raw.headers["x-breeze-runner"] == "system_vision"


async def test_parts_arrive_as_they_were_sent(serve: Serve) -> None:
    script = Script([TextDelta("ok"), Finish()])
    file = {
        "type": "file",
        "file": {"file_data": uri(b"%PDF-1", "application/pdf"), "filename": "a"},
    }
    linked = image("https://example.com/a.png", detail="low")
    asked = user(text("Look"), image(uri(png(8, 8))), linked, AUDIO, file)
    async with serve(runners=[scripted("eye", script, vision=True)]) as server:
        raw = await post(server, PATH, model="eye", messages=asked)
    assert raw.status == 200
    request = script.calls[0].request
    assert isinstance(request, ChatRequest)
    _, picture, link, sound, paper = request.messages[0].parts
    assert isinstance(picture, ImagePart)
    assert (picture.data, picture.mime) == (png(8, 8), "image/png")
    assert isinstance(link, ImagePart)
    assert (link.url, link.detail) == ("https://example.com/a.png", "low")
    assert isinstance(sound, AudioPart)
    assert (sound.data, sound.format) == (wav(0.05), "wav")
    assert isinstance(paper, FilePart)
    assert (paper.data, paper.mime, paper.name) == (b"%PDF-1", "application/pdf", "a")


async def test_a_part_that_is_not_taken_in_is_adjusted_or_refused(serve: Serve) -> None:
    asked = user(text("Listen"), AUDIO)
    async with serve() as server:
        mock = await post(server, PATH, model="mock_llm", messages=asked)
        real = await post(server, PATH, model="llamacpp", messages=asked)
    assert [one["field"] for one in mock.json["breeze"]["adjustments"]] == [
        "messages[0].content[1]"
    ]
    assert mock.headers["x-breeze-adjustments"] == "messages[0].content[1]"
    assert (real.status, real.error["param"]) == (400, "messages[0].content[1]")


@pytest.mark.parametrize(
    ("part", "param"),
    [
        (image("data:image/png;base64,***"), "messages[0].content[0].image_url.url"),
        (image("file:///etc/passwd"), "messages[0].content[0].image_url.url"),
        (image("data:,x", detail="huge"), "messages[0].content[0].image_url.detail"),
        ({"type": "input_audio", "input_audio": {"data": "?", "format": "wav"}},
            "messages[0].content[0].input_audio.data"),
        ({"type": "video", "video": {}}, "messages[0].content[0].type"),
        ({"text": "no type"}, "messages[0].content[0].type"),
        ({"type": "text", "text": "a", "colour": "red"}, "messages[0].content[0].colour"),
        ("text", "messages[0].content[0]"),
    ],
)  # fmt: skip
async def test_a_wrong_part_is_named_by_its_path(serve: Serve, part: Any, param: str) -> None:
    async with serve() as server:
        raw = await post(server, PATH, model="mock_vlm", messages=user(part))
    assert (raw.status, raw.error["param"]) == (400, param)


async def test_several_answers(serve: Serve) -> None:
    async with serve() as server, official(server) as client:
        whole = await client.chat.completions.create(model="mock_llm", messages=ASKED, n=3)
        stream = await client.chat.completions.create(
            model="mock_llm", messages=ASKED, n=3, stream=True
        )
        texts = {0: "", 1: "", 2: ""}
        roles, ends = [], []
        async for chunk in stream:
            for choice in chunk.choices:
                texts[choice.index] += choice.delta.content or ""
                roles += [choice.index] if choice.delta.role else []
                ends += [choice.index] if choice.finish_reason else []
    assert [choice.index for choice in whole.choices] == [0, 1, 2]
    assert [choice.message.content for choice in whole.choices] == [*texts.values()]
    assert len(set(texts.values())) == 3
    assert roles == ends == [0, 1, 2]


async def test_stop_texts_and_the_limit_end_the_answer(serve: Serve) -> None:
    ask: dict[str, Any] = {"model": "mock_llm", "messages": ASKED}
    async with serve() as server, official(server) as client:
        plain = (await client.chat.completions.create(**ask)).choices[0].message.content or ""
        word = plain.split()[2]
        one = await client.chat.completions.create(**ask, stop=word)
        many = await client.chat.completions.create(**ask, stop=["§", word])
        short = await client.chat.completions.create(**ask, max_completion_tokens=2)
    assert one.choices[0].finish_reason == many.choices[0].finish_reason == "stop"
    assert word not in (one.choices[0].message.content or "")
    assert short.choices[0].finish_reason == "length"
    assert short.usage is not None
    assert short.usage.completion_tokens == 2


async def test_a_seed_repeats_an_answer_of_a_real_model(serve: Serve) -> None:
    ask: dict[str, Any] = {"model": "llamacpp", "messages": ASKED, "max_tokens": 12}
    async with serve() as server, official(server) as client:
        said = [
            (await client.chat.completions.create(**ask, seed=7, temperature=1.5)).choices[0]
            for _ in range(2)
        ]
    assert said[0].message.content == said[1].message.content


async def test_logprobs_whole_and_streamed(serve: Serve) -> None:
    ask: dict[str, Any] = {
        "model": "llamacpp", "messages": ASKED, "max_tokens": 6, "seed": 1, "temperature": 0,
        "logprobs": True, "top_logprobs": 2,
    }  # fmt: skip
    async with serve() as server, official(server) as client:
        whole = await client.chat.completions.create(**ask)
        stream = await client.chat.completions.create(**ask, stream=True)
        streamed = [
            token
            async for chunk in stream
            for choice in chunk.choices
            if choice.logprobs
            for token in choice.logprobs.content or ()
        ]
    assert whole.choices[0].logprobs is not None
    tokens = whole.choices[0].logprobs.content or []
    assert "".join(token.token for token in tokens) == whole.choices[0].message.content
    assert [token.token for token in streamed] == [token.token for token in tokens]
    assert all(token.logprob <= 0 for token in tokens)
    assert all(len(token.top_logprobs) == 2 for token in tokens)
    assert bytes(tokens[0].bytes or ()).decode() == tokens[0].token


async def test_reasoning_has_a_field_of_its_own(serve: Serve, models: Path) -> None:
    how: dict[str, Any] = {"overrides": {"llamacpp": {"models_dir": str(models)}}}
    ask: dict[str, Any] = {"model": "llamacpp/thinker", "messages": ASKED, "max_tokens": 30}
    async with serve(**how) as server, official(server) as client:
        whole = (await client.chat.completions.create(**ask)).choices[0].message
        stream = await client.chat.completions.create(**ask, stream=True)
        deltas = [c.choices[0].delta.model_dump() async for c in stream if c.choices]
    said = whole.model_dump()
    assert "hm" in said["reasoning_content"]
    assert said["content"] == "Yes indeed"
    thought = "".join(delta.get("reasoning_content") or "" for delta in deltas)
    assert thought == said["reasoning_content"]
    assert "".join(delta["content"] or "" for delta in deltas) == "Yes indeed"


async def test_reasoning_may_be_echoed_back(serve: Serve) -> None:
    script = Script([ReasoningDelta("hm"), TextDelta("Yes"), Finish()])
    async with serve(runners=[scripted("deep", script)]) as server, official(server) as client:
        first = await client.chat.completions.create(model="deep", messages=ASKED)
        turns: Any = [*ASKED, first.choices[0].message.model_dump(), *ASKED]
        await client.chat.completions.create(model="deep", messages=turns)
    echoed = script.calls[1].request
    assert isinstance(echoed, ChatRequest)
    assert (echoed.messages[1].text, echoed.messages[1].reasoning) == ("Yes", "hm")


async def test_a_refusal_is_not_content(serve: Serve) -> None:
    mark = {"refusal": True}
    events = [TextDelta("I can", metadata=mark), TextDelta("not.", metadata=mark)]
    script = Script([*events, Finish("content_filter", metadata=mark)])
    async with serve(runners=[scripted("shy", script)]) as server, official(server) as client:
        whole = (await client.chat.completions.create(model="shy", messages=ASKED)).choices[0]
        async with client.chat.completions.stream(model="shy", messages=ASKED) as stream:
            streamed = (await stream.get_final_completion()).choices[0]
    for choice in (whole, streamed):
        assert (choice.message.refusal, choice.message.content) == ("I cannot.", None)
        assert choice.finish_reason == "stop"


async def test_a_filtered_answer_keeps_what_was_said(serve: Serve) -> None:
    script = Script([TextDelta("Once"), Finish("content_filter")], [Finish("content_filter")])
    async with serve(runners=[scripted("shy", script)]) as server, official(server) as client:
        some = (await client.chat.completions.create(model="shy", messages=ASKED)).choices[0]
        none = (await client.chat.completions.create(model="shy", messages=ASKED)).choices[0]
    assert (some.message.content, some.finish_reason) == ("Once", "content_filter")
    assert (none.message.content, none.finish_reason) == (None, "content_filter")


async def test_every_role_is_known_and_a_developer_is_the_system(serve: Serve) -> None:
    script = Script([TextDelta("ok"), Finish()])
    turns: Any = [
        {"role": "developer", "content": "Be short"},
        {"role": "user", "content": "Hi", "name": "Ann"},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No"}]},
        {"role": "user", "content": [{"type": "text", "text": "Why"}]},
    ]
    async with serve(runners=[scripted("one", script)]) as server, official(server) as client:
        await client.chat.completions.create(model="one", messages=turns)
    asked = script.calls[0].request
    assert isinstance(asked, ChatRequest)
    found = [(message.role, message.text, message.name) for message in asked.messages]
    assert found == [
        ("system", "Be short", ""), ("user", "Hi", "Ann"), ("assistant", "No", ""),
        ("user", "Why", ""),
    ]  # fmt: skip


async def test_what_is_another_services_book_keeping_is_listed(serve: Serve) -> None:
    kept: dict[str, Any] = {"user": "me", "store": False, "metadata": {"a": "b"}}
    async with serve() as server, official(server) as client:
        raw = await client.chat.completions.with_raw_response.create(
            model="mock_llm", messages=ASKED, temperature=0.3, **kept
        )
        stream = await post(
            server, PATH, model="mock_llm", messages=ASKED, stream=True, temperature=0.3, **kept
        )
    named = ["user", "metadata", "store", "temperature"]
    told = [one["field"] for one in raw.http_response.json()["breeze"]["adjustments"]]
    assert sorted(told) == sorted(named)
    assert sorted(raw.headers["x-breeze-adjustments"].split(", ")) == sorted(named)
    streamed = [
        one["field"] for c in stream.chunks for one in c.get("breeze", {}).get("adjustments", ())
    ]
    assert sorted(streamed) == sorted(named)
    assert sorted(stream.headers["x-breeze-adjustments"].split(", ")) == sorted(named)


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"messages": []}, "messages", "is empty"),
    ({}, "messages", "is needed"),
    ({"messages": "Hello"}, "messages", "array"),
    ({"messages": [{"role": "king", "content": ""}]}, "messages[0].role", "king"),
    ({"messages": [{"content": "a"}]}, "messages[0].role", "is needed"),
    ({"messages": [{"role": "user", "content": 1}]}, "messages[0].content", "int"),
    ({"messages": [{"role": "tool", "content": "a"}]}, "messages[0].tool_call_id", "needed"),
    ({"messages": ASKED, "temperatur": 1}, "temperatur", "did you mean 'temperature'"),
    ({"messages": ASKED, "zzz": 1}, "zzz", "leave it out"),
    ({"messages": ASKED, "temperature": "hot"}, "temperature", "str"),
    ({"messages": ASKED, "temperature": 2.5}, "temperature", "between 0 and 2"),
    ({"messages": ASKED, "n": 10_000_000}, "n", "between 1 and 16"),
    ({"messages": ASKED, "n": 1.5}, "n", "float"),
    ({"messages": ASKED, "n": True}, "n", "bool"),
    ({"messages": ASKED, "max_tokens": 0}, "max_tokens", "between 1"),
    ({"messages": ASKED, "max_tokens": 2, "max_completion_tokens": 3}, "max_tokens", "disagree"),
    ({"messages": ASKED, "seed": 10**30}, "seed", ""),
    ({"messages": ASKED, "stop": [""]}, "stop", "none of them empty"),
    ({"messages": ASKED, "stop": ["a"] * 17}, "stop", "at most 16"),
    ({"messages": ASKED, "top_logprobs": 3}, "top_logprobs", "needs logprobs"),
    ({"messages": ASKED, "logprobs": 3}, "logprobs", "int"),
    ({"messages": ASKED, "stream": "yes"}, "stream", "str"),
    ({"messages": ASKED, "stream_options": {}}, "stream_options", "set stream"),
    ({"messages": ASKED, "model": 5}, "model", "int"),
    ({"messages": ASKED, "modalities": ["audio"]}, "modalities[0]", "audio"),
    ({"messages": ASKED, "functions": []}, "functions", "not known"),
    ({"messages": ASKED, "breeze": {"runer": "x"}}, "breeze.runer", "not known"),
    ({"messages": ASKED, "breeze": {"deadline": -1}}, "breeze.deadline", "above 0"),
]


@pytest.mark.parametrize(("body", "param", "said"), WRONG)
async def test_what_is_wrong_is_named(
    serve: Serve, body: dict[str, Any], param: str, said: str
) -> None:
    async with serve() as server, official(server) as client:
        with pytest.raises(openai.BadRequestError) as refused:
            await client.post(
                PATH.removeprefix("/v1"), body={"model": "mock_llm"} | body, cast_to=object
            )
    assert refused.value.param == param
    assert said in refused.value.message
    assert refused.value.type == "invalid_request_error"
