"""`mock_embedding`: unit vectors in which shared words mean nearness."""

from __future__ import annotations

import math
from typing import Any

import pytest

from breeze.contracts.answers import Embeddings
from breeze.contracts.events import Embedding
from breeze.contracts.requests import EmbedRequest
from breeze.contracts.results import collect
from breeze.runners.mock_embedding import MockEmbeddingParameters, MockEmbeddingRunner
from breeze.testing.stream import checked


async def vectors(request: EmbedRequest, **parameters: Any) -> list[list[float]]:
    runner = MockEmbeddingRunner(MockEmbeddingParameters.of(parameters))
    await runner.load("")
    answer = await collect(checked(runner.stream(request), "embed"), Embeddings)
    assert isinstance(answer, Embeddings)
    return [Embedding(0, vector).values for vector in answer.vectors]


def nearness(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


async def test_every_text_has_a_vector_of_length_one() -> None:
    found = await vectors(EmbedRequest.of("a boat", "", "你好", "x " * 500))
    assert [len(vector) for vector in found] == [256] * 4
    assert [math.hypot(*vector) for vector in found] == pytest.approx([1.0] * 4)


async def test_like_texts_are_near() -> None:
    boat, ship, tax = await vectors(
        EmbedRequest.of("a red boat at sea", "a blue boat at sea", "quarterly tax return form")
    )
    assert nearness(boat, ship) > 0.5 > nearness(boat, tax)


async def test_case_does_not_matter_and_equal_texts_are_equal() -> None:
    one, two = await vectors(EmbedRequest.of("A Boat", "a boat"))
    assert one == two


async def test_dimensions_come_from_the_request_or_the_parameters() -> None:
    assert [len(v) for v in await vectors(EmbedRequest.of("a", dimensions=10))] == [10]
    assert [len(v) for v in await vectors(EmbedRequest.of("a"), dimensions=64)] == [64]


async def test_another_seed_gives_another_space() -> None:
    request = EmbedRequest.of("a boat")
    assert await vectors(request, seed=1) != await vectors(request, seed=2)


async def test_vectors_come_one_by_one() -> None:
    runner = MockEmbeddingRunner(MockEmbeddingParameters())
    await runner.load("")
    events = runner.stream(EmbedRequest.of("a", "b", "c"))
    assert [(await anext(events)).index for _ in range(3)] == [0, 1, 2]
    assert runner.work.steps == 3
    await events.aclose()
