"""`mock_llm`: what it says, and that it keeps to the request."""

from __future__ import annotations

import json
from typing import Any

import pytest

from breeze.contracts.answers import ChatAnswer
from breeze.contracts.errors import InputError
from breeze.contracts.events import TextDelta, ToolCallDelta
from breeze.contracts.messages import (
    AudioPart,
    Message,
    NamedTool,
    ResponseFormat,
    TextPart,
    Tool,
)
from breeze.contracts.requests import ChatRequest
from breeze.contracts.results import collect
from breeze.runners._mock import pieces
from breeze.runners._mock_json import sample
from breeze.runners.mock_llm import STYLES, MockLLMParameters, MockLLMRunner
from breeze.testing.stream import checked

WEATHER = Tool(
    "weather",
    "Tells the weather.",
    {
        "properties": {
            "place": {"type": "string", "minLength": 6},
            "days": {"type": "integer", "minimum": 2},
            "unit": {"enum": ["celsius", "fahrenheit"]},
        },
        "required": ["place"],
    },
)
CLOCK = Tool("clock")


async def loaded(**parameters: Any) -> MockLLMRunner:
    runner = MockLLMRunner(MockLLMParameters.of(parameters))
    await runner.load("")
    return runner


async def ask(request: ChatRequest, **parameters: Any) -> ChatAnswer:
    runner = await loaded(**parameters)
    answer = await collect(checked(runner.stream(request), "chat"), ChatAnswer)
    assert isinstance(answer, ChatAnswer)
    return answer


async def test_it_repeats_the_question_and_admits_to_be_a_mock() -> None:
    answer = await ask(ChatRequest.of("Where is\nthe harbour?"))
    assert "Where is the harbour?" in answer.text
    assert "mock" in answer.text.casefold()


@pytest.mark.parametrize("style", STYLES)
async def test_each_style_has_its_own_words(style: str) -> None:
    answer = await ask(ChatRequest.of("Good morning"), response_style=style)
    assert answer.text == STYLES[style].format(
        words=2, quote="Good morning", model="mock-llm-basic", turns=1
    )


async def test_random_is_one_of_the_styles_by_the_seed() -> None:
    said = {(await ask(ChatRequest.of("Hi"), seed=seed)).text for seed in range(30)}
    assert len(said) == len(STYLES)
    assert {(await ask(ChatRequest.of("Hi", seed=s))).text for s in range(30)} == said


async def test_predefined_answers_take_the_place_of_all_others() -> None:
    lines = ["One.", "Two.", "Three."]
    said = {
        (await ask(ChatRequest.of("Hi"), predefined_responses=lines, seed=seed)).text
        for seed in range(30)
    }
    assert said == set(lines)
    assert (await ask(ChatRequest.of("Hi"), predefined_responses="Only this.\n\n")).text == (
        "Only this."
    )


async def test_models_differ_in_what_they_add() -> None:
    said = {
        model: (await ask(ChatRequest.of("Hi", model=model), response_style="formal")).text
        for model in ("mock-llm-basic", "mock-llm-advanced", "mock-llm-creative")
    }
    assert "Messages: 1 of user" in said["mock-llm-advanced"]
    assert said["mock-llm-creative"].count("\n") == 3
    assert "\n" not in said["mock-llm-basic"]


async def test_the_model_of_load_answers_when_the_request_names_none() -> None:
    runner = MockLLMRunner(MockLLMParameters())
    await runner.load("mock-llm-advanced")
    answer = await collect(runner.stream(ChatRequest.of("Hi")))
    assert answer.metadata is not None
    assert answer.metadata["model_name"] == "mock-llm-advanced"


async def test_words_come_one_by_one() -> None:
    runner = await loaded()
    events = [event async for event in runner.stream(ChatRequest.of("Hello"))]
    deltas = [event.text for event in events if isinstance(event, TextDelta)]
    assert deltas == pieces("".join(deltas))
    assert len(deltas) > 10


async def test_chinese_comes_sign_by_sign() -> None:
    assert pieces("你好 ok 嗎。") == ["你", "好", " ok", " 嗎", "。"]


async def test_stop_texts_end_the_answer_and_are_not_part_of_it() -> None:
    request = ChatRequest.of("Hi", stop=("nothing here", " no model"))
    answer = await ask(request, response_style="formal")
    assert answer.text == "This is a mock answer;"
    assert answer.finish_reason == "stop"


async def test_max_tokens_cuts_and_says_so() -> None:
    answer = await ask(ChatRequest.of("Hi", max_tokens=3), response_style="formal")
    assert answer.text == "This is a"
    assert answer.finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 3


async def test_several_answers_come_side_by_side_and_differ() -> None:
    runner = await loaded()
    request = ChatRequest.of("Hi", n=3)
    events = [e async for e in runner.stream(request) if isinstance(e, TextDelta)]
    assert [event.choice for event in events[:6]] == [0, 1, 2, 0, 1, 2]
    answer = await ask(request)
    assert len({choice.text for choice in answer.choices}) == 3


async def test_a_required_tool_is_called_with_arguments_of_its_schema() -> None:
    request = ChatRequest.of("Hi", tools=(WEATHER, CLOCK), tool_choice="required")
    answer = await ask(request)
    (call,) = answer.tool_calls
    assert call.name == "weather"
    assert json.loads(call.arguments) == {"place": "mock..", "days": 2, "unit": "celsius"}
    assert answer.finish_reason == "tool_calls"
    assert answer.text == ""


async def test_a_named_tool_is_called() -> None:
    answer = await ask(ChatRequest.of("Hi", tools=(WEATHER, CLOCK), tool_choice=NamedTool("clock")))
    assert [call.name for call in answer.tool_calls] == ["clock"]


async def test_arguments_come_in_pieces() -> None:
    runner = await loaded()
    request = ChatRequest.of("Hi", tools=(WEATHER,), tool_choice="required")
    events = [e async for e in runner.stream(request) if isinstance(e, ToolCallDelta)]
    assert events[0].name == "weather"
    assert len(events) > 3


@pytest.mark.parametrize("choice", ["auto", "none"])
async def test_otherwise_no_tool_is_called(choice: Any) -> None:
    answer = await ask(ChatRequest.of("Hi", tools=(WEATHER,), tool_choice=choice))
    assert answer.tool_calls == ()
    assert answer.text


async def test_a_tool_that_is_not_there_cannot_be_called() -> None:
    with pytest.raises(InputError) as caught:
        await ask(ChatRequest.of("Hi", tool_choice="required"))
    assert caught.value.field == "tool_choice"


async def test_the_answer_of_a_tool_is_what_is_answered() -> None:
    turns = (Message("user", "Weather?"), Message("tool", "Rain.", tool_call_id="1"))
    assert "Rain." in (await ask(ChatRequest(turns))).text


async def test_json_says_that_it_is_a_mock() -> None:
    request = ChatRequest.of("Hi", response_format=ResponseFormat("json_object"))
    answer = json.loads((await ask(request)).text)
    assert answer["mock"] is True
    assert "Hi" in answer["answer"]


async def test_json_follows_a_schema() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 7}}}
    request = ChatRequest.of("Hi", response_format=ResponseFormat("json_schema", schema))
    assert json.loads((await ask(request)).text) == {"n": 7}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"const": 3}, 3),
        ({"default": "x", "type": "string"}, "x"),
        ({"type": "string", "format": "date"}, "2000-01-01"),
        ({"type": "string", "maxLength": 2}, "mo"),
        ({"type": "number", "exclusiveMinimum": 0}, 1),
        ({"type": "number", "minimum": 0.3, "multipleOf": 0.5}, 0.5),
        ({"type": "integer", "maximum": -3}, -3),
        ({"type": "integer", "exclusiveMaximum": -3}, -4),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": ["null", "string"]}, "mock"),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [0, 0]),
        ({"type": "array", "items": {"type": "integer"}, "maxItems": 0}, []),
        ({"prefixItems": [{"type": "integer"}], "items": False, "type": "array"}, [0]),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, 0),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"enum": ["one"]}}}, "one"),
        (
            {
                "allOf": [
                    {"properties": {"a": {"type": "integer"}}},
                    {"properties": {"b": {"type": "string"}}},
                ]
            },
            {"a": 0, "b": "mock"},
        ),
    ],
)
def test_a_sample_obeys_its_schema(schema: dict[str, Any], value: Any) -> None:
    assert sample(schema) == value


def test_a_schema_that_holds_itself_comes_to_an_end() -> None:
    tree = {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}
    assert json.dumps(sample(tree)).count("next") < 100


async def test_what_it_cannot_do_it_says() -> None:
    sound = Message("user", (TextPart("Listen"), AudioPart(b"RIFF")))
    request = ChatRequest((sound,), temperature=0.0, logprobs=True, reasoning_effort="high")
    answer = await ask(request)
    named = [adjustment.field for adjustment in answer.adjustments]
    assert named == ["temperature", "logprobs", "reasoning_effort", "messages[0].content[1]"]


async def test_usage_counts_words() -> None:
    answer = await ask(ChatRequest.of("one two three", system="four"))
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 4
    assert answer.usage.completion_tokens == len(pieces(answer.text))
