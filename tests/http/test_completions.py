"""POST /v1/completions, with the official client and without."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from typing import Any

import openai
import pytest

from breeze.contracts.errors import ProcessingError
from breeze.contracts.events import Adjusted, Finish, Restarted, TextDelta, Usage
from breeze.contracts.request import Request
from breeze.contracts.requests import ChatRequest
from breeze.contracts.values import TokenLogprob
from breeze.testing.clock import settle
from breeze.testing.scripted import Gate, Line, Script, Steps, scripted
from tests.http.conftest import Serve
from tests.http.openai_wire import Raw, official, post

PATH = "/v1/completions"


def echo(request: Request[Any]) -> Steps:
    """Each choice says back the prompt and its number."""
    assert isinstance(request, ChatRequest)
    said = request.messages[0].text
    pieces = [TextDelta(part, i) for i in range(request.n) for part in (said, f"!{i}")]
    return [*pieces, Usage(2, 3), Finish()]


def parrot(*lines: Line, **facts: Any) -> Any:
    """A runner class that says back what it is asked."""
    return scripted("parrot", Script(*(lines or (echo,))), default_model="grey", **facts)


def texts(raw: Raw) -> dict[int, str]:
    """What the chunks of a stream add up to, by choice."""
    found: dict[int, str] = defaultdict(str)
    for chunk in raw.chunks:
        for choice in chunk["choices"]:
            found[choice["index"]] += choice["text"]
    return dict(found)


async def test_a_prompt_is_asked_as_one_message_and_the_answer_says_so(serve: Serve) -> None:
    async with serve(runners=[parrot()]) as server, official(server) as client:
        raw = await client.completions.with_raw_response.create(
            model="parrot", prompt="Hello", max_tokens=5, temperature=0.5, stop=["x"], seed=3
        )
        answer = raw.parse()
    assert answer.choices[0].text == "Hello!0"
    assert (answer.object, answer.model, answer.id[:5]) == ("text_completion", "grey", "cmpl-")
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (2, 3)
    assert raw.headers["x-breeze-adjustments"] == "prompt"
    (adjustment,) = raw.http_response.json()["breeze"]["adjustments"]
    assert adjustment["used"] == "one user message"


async def test_sampling_reaches_the_runner(serve: Serve) -> None:
    script = Script(echo)
    wishes = {"max_tokens": 5, "temperature": 0.5, "top_p": 0.9, "seed": 3, "n": 2}
    async with serve(runners=[scripted("parrot", script)]) as server:
        await post(server, PATH, model="parrot", prompt="Hi", stop="x", logprobs=2, **wishes)
    asked = script.calls[0].request
    assert {name: getattr(asked, name) for name in wishes} == wishes
    assert isinstance(asked, ChatRequest)
    assert (asked.stop, asked.logprobs, asked.top_logprobs) == (("x",), True, 2)


async def test_several_prompts_have_their_answers_in_order(serve: Serve) -> None:
    async with serve(runners=[parrot()]) as server, official(server) as client:
        answer = await client.completions.create(model="parrot", prompt=["a", "b", "c"], n=2)
    found = [(choice.index, choice.text) for choice in answer.choices]
    assert found == [(0, "a!0"), (1, "a!1"), (2, "b!0"), (3, "b!1"), (4, "c!0"), (5, "c!1")]
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (6, 9)


async def test_several_prompts_are_answered_side_by_side(serve: Serve) -> None:
    gates = {"a": Gate(), "b": Gate()}

    def wait(request: Request[Any]) -> Steps:
        assert isinstance(request, ChatRequest)
        said = request.messages[0].text
        return [TextDelta(f"{said}1"), gates[said], TextDelta(f"{said}2"), Usage(1, 1), Finish()]

    async with serve(runners=[parrot(wait)]) as server, official(server) as client:
        stream = await client.completions.create(model="parrot", prompt=["a", "b"], stream=True)
        for gate in gates.values():
            await gate.started.wait()
        gates["b"].release.set()
        seen: list[tuple[int, str, str | None]] = []
        async for chunk in stream:
            choice = chunk.choices[0]
            seen.append((choice.index, choice.text, choice.finish_reason))
            if choice.index == 1 and choice.finish_reason:
                gates["a"].release.set()
    assert seen.index((1, "b2", None)) < seen.index((0, "a2", None))
    assert seen[-1] == (0, "", "stop")


@pytest.mark.parametrize("prompt", ["one", ["one", "two", "three"]])
async def test_a_stream_adds_up_to_the_whole_answer(serve: Serve, prompt: Any) -> None:
    asked = {"model": "parrot", "prompt": prompt, "n": 2, "echo": True}
    async with serve(runners=[parrot()]) as server:
        whole = await post(server, PATH, **asked)
        raw = await post(server, PATH, **asked, stream=True)
    assert texts(raw) == {choice["index"]: choice["text"] for choice in whole.json["choices"]}
    ends = [c["index"] for x in raw.chunks for c in x["choices"] if c["finish_reason"]]
    assert sorted(ends) == sorted(texts(raw))


async def test_the_usage_comes_last_when_it_was_asked_for(serve: Serve) -> None:
    async with serve(runners=[parrot()]) as server:
        raw = await post(
            server, PATH, model="parrot", prompt=["a", "b"], stream=True,
            stream_options={"include_usage": True},
        )  # fmt: skip
        without = await post(server, PATH, model="parrot", prompt="a", stream=True)
    *before, last = raw.chunks
    assert all(chunk["usage"] is None for chunk in before)
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == 10
    assert {(c["id"], c["created"], c["model"], c["object"]) for c in raw.chunks} == {
        (last["id"], last["created"], "grey", "text_completion")
    }
    assert all("usage" not in chunk for chunk in without.chunks)
    assert [one["field"] for one in without.chunks[0]["breeze"]["adjustments"]] == ["prompt"]


async def test_logprobs_have_the_older_form(serve: Serve) -> None:
    tokens = (TokenLogprob("He", -0.5, (("He", -0.5), ("Hi", -1.0))), TokenLogprob("llo", -0.1))
    script = [TextDelta("Hello", 0, tokens), TextDelta("!", 0, (TokenLogprob("!", 0.0),)), Finish()]
    asked: dict[str, Any] = {"model": "parrot", "prompt": "Say", "logprobs": 2, "echo": True}
    async with serve(runners=[parrot(script)]) as server:
        whole = await post(server, PATH, **asked)
        raw = await post(server, PATH, **asked, stream=True)
    found = whole.json["choices"][0]["logprobs"]
    assert found == {
        "tokens": ["He", "llo", "!"],
        "token_logprobs": [-0.5, -0.1, 0.0],
        "top_logprobs": [{"He": -0.5, "Hi": -1.0}, None, None],
        "text_offset": [3, 5, 8],
    }
    parts = [c["logprobs"] for x in raw.chunks for c in x["choices"] if c["logprobs"]]
    assert [at for part in parts for at in part["text_offset"]] == [3, 5, 8]
    fields = [one["field"] for one in whole.json["breeze"]["adjustments"]]
    assert fields == ["prompt", "echo"]


async def test_what_is_adjusted_on_the_way_is_told_once(serve: Serve) -> None:
    note = Adjusted("seed", 1, None, "no dice")
    script = [note, TextDelta("a"), Adjusted("top_p", 0.1, 1.0, "later"), Finish()]
    asked: dict[str, Any] = {"model": "parrot", "prompt": ["x", "y"], "best_of": 3}
    async with serve(runners=[parrot(script)]) as server:
        raw = await post(server, PATH, **asked, stream=True)
        whole = await post(server, PATH, **asked)
    told = [one["field"] for x in raw.chunks for one in x.get("breeze", {}).get("adjustments", ())]
    assert sorted(told) == ["best_of", "prompt", "seed", "top_p"]
    assert sorted(one["field"] for one in whole.json["breeze"]["adjustments"]) == sorted(told)
    assert all(chunk["choices"] for chunk in raw.chunks)


async def test_a_withdrawn_text_begins_again_with_its_prompt(serve: Serve) -> None:
    script = [TextDelta("bad"), Restarted("a", "b", "broke"), TextDelta("good"), Finish()]
    async with serve(runners=[parrot(script)]) as server:
        raw = await post(server, PATH, model="parrot", prompt="Say ", echo=True, stream=True)
    kinds = [chunk.get("breeze", {}).get("event") for chunk in raw.chunks]
    at = kinds.index("restarted")
    assert raw.chunks[at]["choices"] == []
    assert raw.chunks[at]["breeze"]["choices"] == [0]
    after = [c["text"] for chunk in raw.chunks[at:] for c in chunk["choices"]]
    assert "".join(after) == "Say good"


async def test_one_failure_stops_all_prompts(serve: Serve) -> None:
    gate = Gate()
    lines: tuple[Line, ...] = (
        [TextDelta("a"), gate, Finish()],
        [TextDelta("b"), gate.started.wait, ProcessingError("Lost.", retryable=False)],
    )
    script = Script(*lines)
    async with serve(runners=[scripted("parrot", script)]) as server:
        raw = await post(server, PATH, model="parrot", prompt=["a", "b"])
        assert script.active == 0
        assert server.engine.live == ()
    assert (raw.status, raw.error["message"]) == (500, "Lost.")


async def test_a_failure_in_a_stream_is_its_last_event(serve: Serve) -> None:
    script: Steps = [TextDelta("a"), ProcessingError("Lost.")]
    async with serve(runners=[parrot(script)]) as server, official(server) as client:
        raw = await post(server, PATH, model="parrot", prompt="a", stream=True)
        stream = await client.completions.create(model="parrot", prompt="a", stream=True)
        with pytest.raises(openai.APIError, match="Lost"):
            [chunk async for chunk in stream]
    assert json.loads(raw.events[-1])["error"]["message"] == "Lost."


async def test_leaving_stops_the_work_of_every_prompt(serve: Serve) -> None:
    gate = Gate()
    script = Script([TextDelta("a"), gate, Finish()])
    async with serve(runners=[scripted("parrot", script)]) as server, official(server) as client:
        stream = await client.completions.create(model="parrot", prompt=["a"] * 3, stream=True)
        await anext(stream)
        await gate.started.wait()
        await stream.close()
        for call in tuple(script.calls):
            await call.over.wait()
    assert {call.closed for call in script.calls} == {True}


async def test_a_hundred_prompts_take_turns(serve: Serve) -> None:
    script = Script(echo)
    async with serve(runners=[scripted("parrot", script, concurrency=2, queue=8)]) as server:
        raw = await post(server, PATH, model="parrot", prompt=[f"p{i}" for i in range(100)])
    assert [choice["text"] for choice in raw.json["choices"]] == [f"p{i}!0" for i in range(100)]


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({}, "prompt", "is needed"),
    ({"prompt": []}, "prompt", "list of texts"),
    ({"prompt": [1, 2]}, "prompt", "token ids"),
    ({"prompt": [[1]]}, "prompt", "token ids"),
    ({"prompt": ["a", None]}, "prompt[1]", "must be a text"),
    ({"prompt": "a", "suffix": "b"}, "suffix", "middle"),
    ({"prompt": "a", "n": 3, "best_of": 2}, "best_of", "at least n"),
    ({"prompt": "a", "n": 0}, "n", "between 1"),
    ({"prompt": ["a"] * 60, "n": 3}, "n", "at most 128"),
    ({"prompt": ["a"] * 129}, "prompt", "at most 128"),
    ({"prompt": "a", "logprobs": True}, "logprobs", "int"),
    ({"prompt": "a", "logprobs": 21}, "logprobs", "between 0 and 20"),
    ({"prompt": "a", "temperature": 3}, "temperature", "between 0 and 2"),
    ({"prompt": "a", "max_token": 3}, "max_token", "did you mean 'max_tokens'"),
    ({"prompt": "a", "stream_options": {"include_usage": True}}, "stream_options", "set stream"),
    (
        {"prompt": "a", "stream": True, "stream_options": {"include_usage": "yes"}},
        "stream_options.include_usage",
        "true or false",
    ),
]


@pytest.mark.parametrize(("body", "param", "said"), WRONG)
async def test_what_is_wrong_is_named(
    serve: Serve, body: dict[str, Any], param: str, said: str
) -> None:
    async with serve(runners=[parrot()]) as server:
        raw = await post(server, PATH, model="parrot", **body)
    assert (raw.status, raw.error["param"]) == (400, param)
    assert said in raw.error["message"]


async def test_leaving_before_the_whole_answer_stops_every_prompt_and_starts_no_more(
    serve: Serve,
) -> None:
    gate = Gate()
    script = Script([gate, TextDelta("a"), Finish()])
    async with serve(runners=[scripted("parrot", script)]) as server, official(server) as client:
        asking = asyncio.create_task(
            client.completions.create(model="parrot", prompt=["a"] * 20, n=1)
        )
        await gate.started.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        for call in tuple(script.calls):
            await call.over.wait()
        begun = len(script.calls)
        await settle()
        assert (len(script.calls), server.engine.live) == (begun, ())
    assert begun < 20
    assert {call.closed for call in script.calls} == {True}
