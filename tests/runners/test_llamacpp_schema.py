"""What llama.cpp makes of a JSON schema: obeyed, or told openly, or refused before it costs."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from breeze.contracts.errors import InputError
from breeze.contracts.messages import ResponseFormat, Tool
from breeze.contracts.requests import ChatRequest
from breeze.runners.llamacpp import LlamaCppRunner
from tests.runners.llamacpp_files import answer, loaded
from tests.runners.llamacpp_files import models as models


@pytest.fixture
async def tiny() -> AsyncIterator[LlamaCppRunner]:
    async with loaded("") as runner:
        yield runner


PAIR = {"type": "array", "items": {"enum": [1]}, "minItems": 2, "maxItems": 2}


def asking(schema: Any, *, strict: bool = False, **fields: Any) -> ChatRequest:
    wanted = ResponseFormat("json_schema", schema, strict=strict)
    return ChatRequest.of("Answer", response_format=wanted, **{"seed": 1, **fields})


def words(count: int) -> list[str]:
    return [f"word {n}" for n in range(count)]


@pytest.mark.parametrize(
    ("schema", "form"),
    [
        ({"type": "integer", "minimum": 40, "maximum": 49}, r"4\d"),
        ({"type": "string", "format": "date"}, r'"\d{4}-\d\d-\d\d"'),
        ({"type": "string", "format": "uuid"}, r'"\w{8}(-\w{4}){3}-\w{12}"'),
        ({"type": "string", "pattern": "^[a-c]{3}$"}, r'"[a-c]{3}"'),
        ({"type": "string", "minLength": 2, "maxLength": 3}, r'"..?."'),
        ({"enum": ["red", 5]}, r'"red"|5'),
        ({"const": {"a": [1]}}, r'\{ ?"a" ?: ?\[ ?1 ?\] ?\}'),
        ({"anyOf": [{"type": "boolean"}, {"type": "null"}]}, "true|false|null"),
        (PAIR, r"\[ ?1 ?, ?1 ?]"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"enum": ["x"]}}}, '"x"'),
    ],
)  # fmt: skip
async def test_keywords_that_are_enforced(tiny: LlamaCppRunner, schema: Any, form: str) -> None:
    for seed in range(3):
        found = await answer(tiny, asking(schema, strict=True, seed=seed, max_tokens=80))
        assert re.fullmatch(form, re.sub(r"\s+", " ", found.text.strip()))
        assert found.adjustments == ()


@pytest.mark.parametrize(
    ("schema", "lost"),
    [
        ({"type": "string", "format": "email"}, "format"),
        ({"type": "number", "minimum": 5}, "minimum"),
        ({"type": "object", "properties": {"a": {"multipleOf": 7}}}, "properties.a.multipleOf"),
        ({"anyOf": [{"not": {"type": "null"}}]}, "anyOf[0].not"),
        ({"type": "array", "uniqueItems": True}, "uniqueItems"),
        ({"type": "string", "pattern": "no anchors"}, "pattern"),
        ({"type": "string", "pattern": "^([$"}, "pattern"),
        ({"type": "string", "pattern": f"^{'(a|b)?' * 80}$"}, "pattern"),
    ],
)
async def test_keywords_that_are_not_are_said_openly_and_refused_when_strict(
    tiny: LlamaCppRunner, capfd: Any, schema: Any, lost: str
) -> None:
    found = await answer(tiny, asking(schema, max_tokens=5))
    (adjustment,) = found.adjustments
    assert (adjustment.field, adjustment.asked) == ("response_format.schema", [lost])
    with pytest.raises(InputError, match=f"cannot enforce {re.escape(lost)}"):
        await answer(tiny, asking(schema, strict=True))
    assert capfd.readouterr() == ("", "")


def nested(depth: int) -> dict[str, Any]:
    return {"type": "array", "items": nested(depth - 1)} if depth else {"type": "null"}


def values(depth: int) -> list[Any]:
    return [values(depth - 1)] if depth else []


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"enum": words(1001)}, ""),
        ({"anyOf": [{"type": "null"}] * 1001}, ".anyOf[999]"),
        ({"properties": {word: {} for word in words(201)}}, ".properties"),
        ({"type": "array", "minItems": 1001}, ".minItems"),
        ({"type": "string", "maxLength": "long"}, ".maxLength"),
        (nested(40), ".items"),
        ({"const": values(900)}, ".const"),
        ({"properties": {"a": True}}, ".properties.a"),
        ({"properties": []}, ".properties"),
        ({"anyOf": {}}, ".anyOf"),
    ],
)
async def test_schemas_that_would_cost_too_much_or_are_none_are_refused_at_once(
    tiny: LlamaCppRunner, schema: Any, path: str
) -> None:
    begun = perf_counter()
    with pytest.raises(InputError) as caught:
        await answer(tiny, asking(schema))
    assert caught.value.field.startswith(f"response_format.schema{path}")
    assert perf_counter() - begun < 0.5


async def test_the_largest_schemas_are_made_ready_soon(tiny: LlamaCppRunner) -> None:
    for schema in (
        {"enum": words(1000)},
        {"type": "object", "properties": {word: {"type": "null"} for word in words(200)}},
        {"type": "string", "pattern": f"^{'(a|b)?' * 10}$"},
    ):
        begun = perf_counter()
        await answer(tiny, asking(schema, max_tokens=1))
        assert perf_counter() - begun < 3


async def test_the_schemas_of_tools_have_the_same_limits(models: Path) -> None:
    async with loaded("caller", models_dir=models) as runner:
        large = Tool("weather", "", {"properties": {word: {} for word in words(201)}})
        with pytest.raises(InputError) as caught:
            await answer(runner, ChatRequest.of("Hi", tools=(large,)))
        assert caught.value.field == "tools[0].parameters.properties"
        odd = {"type": "object", "properties": {"city": {"type": "string", "format": "email"}}}
        found = await answer(runner, ChatRequest.of("Hi", tools=(Tool("weather", "", odd),)))
        assert found.tool_calls[0].name == "weather"
        strict = Tool("weather", "", odd, strict=True)
        with pytest.raises(InputError, match="cannot enforce properties.city.format"):
            await answer(runner, ChatRequest.of("Hi", tools=(strict,)))
        many = tuple(Tool(f"t{n}") for n in range(129))
        with pytest.raises(InputError, match="more than 128"):
            await answer(runner, ChatRequest.of("Hi", tools=many))


leaves = st.sampled_from(
    [{"type": "null"}, {"type": "boolean"}, {"type": "integer"}, {"type": "string"}, {"enum": [1]}]
)
schemas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda item: {"type": "array", "items": item, "maxItems": 2}, inner),
        st.builds(lambda many: {"anyOf": many}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(
            lambda known: {
                "type": "object",
                "properties": known,
                "required": list(known),
                "additionalProperties": False,
            },
            st.dictionaries(st.sampled_from(["a", "b c", "ü", '"']), inner, max_size=3),
        ),
    ),
    max_leaves=6,
)


@settings(
    deadline=None,
    max_examples=25,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(schemas)
async def test_whatever_the_schema_the_answer_is_json(
    tiny: LlamaCppRunner, schema: dict[str, Any]
) -> None:
    found = await answer(tiny, asking(schema, max_tokens=200))
    if found.finish_reason == "stop":
        json.loads(found.text)
    else:
        assert found.finish_reason == "length"
