"""The llama.cpp runner on the embedded model: what a chat answers, and how it streams."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from typing import Any

import pytest

from breeze.contracts.capability import Capability
from breeze.contracts.errors import InputError, NotLoadedError
from breeze.contracts.events import Adjusted, Finish, TextDelta
from breeze.contracts.messages import AudioPart, ImagePart, Message, ResponseFormat
from breeze.contracts.requests import ChatRequest
from breeze.contracts.results import collect
from breeze.contracts.values import Usage
from breeze.runners._llamacpp_parameters import LlamaCppParameters
from breeze.runners.llamacpp import LlamaCppRunner
from tests.runners.llamacpp_files import answer, loaded

GREEDY: dict[str, Any] = {"temperature": 0.0}


@pytest.fixture
async def tiny() -> AsyncIterator[LlamaCppRunner]:
    async with loaded("") as runner:
        yield runner


async def test_the_embedded_model_answers_with_no_file_named(tiny: LlamaCppRunner) -> None:
    found = await answer(tiny, ChatRequest.of("What is the capital of France?", **GREEDY))
    assert "Paris" in found.text
    assert found.finish_reason == "stop"


async def test_text_arrives_piece_by_piece_then_usage_then_the_finish(
    tiny: LlamaCppRunner,
) -> None:
    events = [e async for e in tiny.stream(ChatRequest.of("What is streaming?", **GREEDY))]
    *pieces, usage, finish = events
    assert len(pieces) > 2
    assert all(isinstance(piece, TextDelta) for piece in pieces)
    assert isinstance(usage, Usage)
    assert usage.completion_tokens >= len(pieces)
    assert usage.prompt_tokens > 0
    assert isinstance(finish, Finish)
    assert finish.metadata is not None
    assert finish.metadata["tokens_generated"] == usage.completion_tokens
    assert finish.metadata["generation_speed"] > 0
    assert finish.metadata["model_name"] == "breeze-tiny"


async def test_usage_grows_with_what_is_asked_and_answered(tiny: LlamaCppRunner) -> None:
    short = await answer(tiny, ChatRequest.of("Hello", max_tokens=1, **GREEDY))
    long = await answer(tiny, ChatRequest.of("Hello, hello, hello", max_tokens=4, **GREEDY))
    assert short.usage is not None
    assert long.usage is not None
    assert (short.usage.completion_tokens, long.usage.completion_tokens) == (1, 4)
    assert long.usage.prompt_tokens > short.usage.prompt_tokens
    assert short.finish_reason == long.finish_reason == "length"


async def test_a_schema_binds_the_text(tiny: LlamaCppRunner) -> None:
    schema = {
        "type": "object",
        "properties": {
            "colour": {"enum": ["red", "green"]},
            "count": {"type": "integer", "minimum": 0, "maximum": 9},
        },
        "required": ["colour", "count"],
        "additionalProperties": False,
    }
    for seed in range(5):
        request = ChatRequest.of(
            "Describe it", response_format=ResponseFormat("json_schema", schema), seed=seed
        )
        found = json.loads((await answer(tiny, request)).text)
        assert found["colour"] in ("red", "green")
        assert 0 <= found["count"] <= 9
        assert found.keys() == {"colour", "count"}


async def test_json_object_is_any_json_object(tiny: LlamaCppRunner) -> None:
    request = ChatRequest.of("Hello", response_format=ResponseFormat("json_object"), seed=1)
    found = await answer(tiny, request)
    assert found.finish_reason == "length" or isinstance(json.loads(found.text), dict)
    assert found.text.lstrip().startswith("{")


@pytest.mark.parametrize("schema", [None, {"type": "no such type"}, {"$ref": "http://a/b"}])
async def test_a_schema_that_cannot_be_obeyed_is_refused(
    tiny: LlamaCppRunner, schema: dict[str, Any] | None
) -> None:
    request = ChatRequest.of("Hi", response_format=ResponseFormat("json_schema", schema))
    with pytest.raises(InputError) as caught:
        await answer(tiny, request)
    assert caught.value.field.startswith("response_format")


async def test_stop_texts_end_the_answer_and_are_not_part_of_it(tiny: LlamaCppRunner) -> None:
    request = ChatRequest.of("What is the capital of France?", **GREEDY)
    whole = (await answer(tiny, request)).text
    stopped = await answer(
        tiny, ChatRequest.of("What is the capital of France?", stop=(" is",), **GREEDY)
    )
    assert stopped.text == whole.split(" is")[0]
    assert stopped.finish_reason == "stop"


async def test_a_seed_repeats_an_answer_and_its_choices_differ(tiny: LlamaCppRunner) -> None:
    wild: dict[str, Any] = {"temperature": 2.0, "top_p": 1.0, "max_tokens": 20, "n": 6}
    wild["params"] = {"min_p": 0.0, "top_k": 0}
    first = await answer(tiny, ChatRequest.of("Repeat: blip zorg wug", seed=7, **wild))
    again = await answer(tiny, ChatRequest.of("Repeat: blip zorg wug", seed=7, **wild))
    other = await answer(tiny, ChatRequest.of("Repeat: blip zorg wug", seed=70, **wild))
    texts = [choice.text for choice in first.choices]
    assert texts == [choice.text for choice in again.choices]
    assert texts != [choice.text for choice in other.choices]
    assert len(set(texts)) > 1
    assert first.usage is not None
    assert first.usage.completion_tokens > 20 > first.usage.prompt_tokens


async def test_choices_come_one_after_the_other_with_their_index(tiny: LlamaCppRunner) -> None:
    events = [e async for e in tiny.stream(ChatRequest.of("Hello", n=3, max_tokens=3))]
    indexes = [event.choice for event in events if isinstance(event, TextDelta)]
    assert set(indexes) == {0, 1, 2}
    assert all(after - before in (0, 1) for before, after in pairwise(indexes))
    assert sum(isinstance(event, Usage) for event in events) == 1


@pytest.mark.parametrize("top", [0, 3])
async def test_logprobs_come_with_the_tokens(tiny: LlamaCppRunner, top: int) -> None:
    request = ChatRequest.of("Hello", logprobs=True, top_logprobs=top, max_tokens=4, **GREEDY)
    choice = (await answer(tiny, request)).choices[0]
    assert "".join(token.token for token in choice.logprobs) == choice.text
    assert all(token.logprob <= 0 and len(token.top) == top for token in choice.logprobs)


async def test_a_bias_decides_the_token(tiny: LlamaCppRunner) -> None:
    asked = ChatRequest.of("Hello", max_tokens=4, logit_bias={"40": 100.0}, **GREEDY)
    biased = (await answer(tiny, asked)).text
    assert biased == biased[0] * 4
    for token in ("99999", "tree"):
        with pytest.raises(InputError, match=f"logit_bias.{token}"):
            await answer(tiny, ChatRequest.of("Hello", logit_bias={token: 1.0}))


async def test_a_prompt_beyond_the_context_is_refused_with_both_figures(
    tiny: LlamaCppRunner,
) -> None:
    with pytest.raises(InputError) as caught:
        await answer(tiny, ChatRequest.of("word " * 2000))
    error = caught.value
    assert error.data["limit"] == 1024
    assert error.data["asked"] > 1024
    assert "1024" in error.message
    assert str(error.data["asked"]) in error.message
    assert error.detail == "context_length_exceeded"


async def test_more_tokens_than_the_context_has_left_are_adjusted_openly(
    tiny: LlamaCppRunner,
) -> None:
    for _ in range(2):  # the second time the prompt is known already
        request = ChatRequest.of("Hello", max_tokens=5000, **GREEDY)
        events = [event async for event in tiny.stream(request)]
        first, usage = events[0], events[-2]
        assert isinstance(first, Adjusted)
        assert isinstance(usage, Usage)
        assert (first.field, first.asked) == ("max_tokens", 5000)
        assert first.used == 1024 - usage.prompt_tokens


@pytest.mark.parametrize(
    ("fields", "field", "used"),
    [({"seed": -1}, "seed", 2**32 - 2), ({"reasoning_effort": "high"}, "reasoning_effort", "")],
)
async def test_what_cannot_be_honoured_is_said_before_the_text(
    tiny: LlamaCppRunner, fields: dict[str, Any], field: str, used: Any
) -> None:
    request = ChatRequest.of("Hello", max_tokens=2, **fields)
    first = await anext(stream := tiny.stream(request))
    await stream.aclose()
    assert isinstance(first, Adjusted)
    assert (first.field, first.used) == (field, used)


@pytest.mark.parametrize("part", [ImagePart(b"\x89PNG"), AudioPart(b"RIFF")])
async def test_parts_other_than_text_are_refused(tiny: LlamaCppRunner, part: Any) -> None:
    request = ChatRequest((Message("user", (part,)),))
    with pytest.raises(InputError, match="text only"):
        await collect(tiny.chat(request))


async def test_an_unfinished_assistant_turn_is_continued(tiny: LlamaCppRunner) -> None:
    question = Message("user", "What is the capital of France?")
    begun = Message("assistant", "The capital of France")
    found = await answer(tiny, ChatRequest((question, begun), **GREEDY))
    assert found.text.startswith(" is Paris")


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """As in a terminal: started in the background of a shell, a process does not hear of it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_nothing_is_printed_and_ctrl_c_still_works(capfd: Any) -> None:
    runner = LlamaCppRunner(LlamaCppParameters())
    asyncio.run(runner.load(""))
    asyncio.run(answer(runner, ChatRequest.of("Hello", max_tokens=3)))
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    asyncio.run(runner.unload())
    assert capfd.readouterr() == ("", "")


async def test_a_runner_that_is_not_loaded_says_so() -> None:
    with pytest.raises(NotLoadedError):
        await collect(LlamaCppRunner(LlamaCppParameters()).stream(ChatRequest.of("Hello")))


async def test_the_embedded_model_is_listed_with_context_and_size() -> None:
    (only,) = await LlamaCppRunner(LlamaCppParameters()).models()
    assert only.id == LlamaCppRunner.info.default_model == "breeze-tiny"
    assert only.context == 1024
    assert only.size > 1_000_000
    assert only.capabilities == (Capability.LLM,)
