"""Feature hashing: near when the words are the same, equal everywhere, honest about what it is."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breeze.contracts.answers import Embeddings
from breeze.contracts.errors import InputError, NotFoundError, NotLoadedError
from breeze.contracts.events import Embedding, Finish
from breeze.contracts.requests import EmbedRequest
from breeze.contracts.results import collect
from breeze.contracts.values import Usage
from breeze.runners.hashing import HashingParameters, HashingRunner

GOLDEN = "03fadced2284072b0a7d690c7e227155a7a50baa9f0bbb5f41750fa8bba814d0"


async def ready(**parameters: Any) -> HashingRunner:
    runner = HashingRunner(HashingParameters.of(parameters))
    await runner.load("")
    return runner


async def vectors(runner: HashingRunner, *texts: str, **fields: Any) -> list[list[float]]:
    found = await collect(runner.stream(EmbedRequest(texts, **fields)), Embeddings)
    assert isinstance(found, Embeddings)
    return [Embedding(0, vector).values for vector in found.vectors]


def nearness(first: list[float], second: list[float]) -> float:
    return sum(a * b for a, b in zip(first, second, strict=True))


async def test_texts_that_share_words_are_nearer_than_texts_that_do_not() -> None:
    question, near, far = await vectors(
        await ready(),
        "How do I cancel a running request?",
        "A running request is cancelled by closing its stream.",
        "The capital of France is Paris.",
    )
    assert nearness(question, near) > nearness(question, far) + 0.2


async def test_word_forms_and_misspellings_stay_near() -> None:
    plain, plural, other = await vectors(await ready(), "embedding", "embedings", "tomorrow")
    assert nearness(plain, plural) > 0.3 > nearness(plain, other)


async def test_word_order_counts_a_little() -> None:
    one, same, turned = await vectors(
        await ready(), "dog bites man", "dog bites man", "man bites dog"
    )
    assert nearness(one, same) == pytest.approx(1, abs=1e-6)
    assert 0.7 < nearness(one, turned) < 0.999


async def test_case_width_and_ligatures_do_not_matter() -> None:
    wide = "ＳＴＲＡＳＳＥ １ ﬁ"  # noqa: RUF001  # wide letters are the point
    first, *others = await vectors(await ready(), "STRASSE 1 fi", "straße 1 fi", wide)
    assert all(other == first for other in others)


@settings(deadline=None, max_examples=50)
@given(st.text(min_size=1, max_size=60), st.sampled_from([64, 100, 256, 4096]))
async def test_any_text_gives_a_vector_of_length_one(text: str, dimensions: int) -> None:
    if not text.strip():
        with pytest.raises(InputError, match=r"texts\[0\] is empty"):
            await vectors(await ready(), text)
        return
    (vector,) = await vectors(await ready(), text, dimensions=dimensions)
    assert len(vector) == dimensions
    assert nearness(vector, vector) == pytest.approx(1, abs=1e-4)


async def test_the_vector_of_a_text_never_changes() -> None:
    """Stored vectors must stay comparable: change the model's name when this digest changes."""
    found = await collect(
        (await ready()).stream(EmbedRequest.of("Breeze, the engine.")), Embeddings
    )
    assert isinstance(found, Embeddings)
    assert hashlib.sha256(found.vectors[0]).hexdigest() == GOLDEN


def test_another_process_with_another_hash_seed_makes_the_same_vector() -> None:
    program = (
        "from breeze.runners.hashing import features, vector; from collections import Counter;"
        "print(vector(Counter(features('Breeze, the engine.')), 64))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


async def test_the_request_decides_the_dimensions_before_the_parameter() -> None:
    assert len((await vectors(await ready(), "x"))[0]) == 256
    assert len((await vectors(await ready(dimensions=512), "x"))[0]) == 512
    assert (
        len((await vectors(await ready(dimensions=512), "x", params={"dimensions": 128}))[0]) == 128
    )
    assert len((await vectors(await ready(dimensions=512), "x", dimensions=64))[0]) == 64


@pytest.mark.parametrize("dimensions", [1, 63, 4097])
async def test_dimensions_out_of_range_are_refused(dimensions: int) -> None:
    with pytest.raises(InputError, match="must be 64 to 4096") as caught:
        await vectors(await ready(), "x", dimensions=dimensions)
    assert caught.value.field == "dimensions"


async def test_vectors_come_one_by_one_then_usage_then_the_finish() -> None:
    events = [event async for event in (await ready()).stream(EmbedRequest.of("one two", "three"))]
    first, second, usage, finish = events
    assert isinstance(first, Embedding)
    assert isinstance(second, Embedding)
    assert (first.index, second.index) == (0, 1)
    assert isinstance(usage, Usage)
    assert (usage.prompt_tokens, usage.characters) == (3, 12)
    assert isinstance(finish, Finish)


async def test_closing_stops_the_work() -> None:
    runner = await ready()
    many = EmbedRequest(tuple(f"text number {n}" for n in range(5000)))
    async with aclosing(runner.stream(many)) as stream:
        await anext(stream)
    assert runner.work.active == 0
    assert runner.work.steps < 1000


async def test_the_model_says_that_it_knows_spelling_not_meaning() -> None:
    runner = HashingRunner(HashingParameters())
    (model,) = await runner.models()
    assert model.id == HashingRunner.info.default_model == "feature-hashing-v1"
    assert "lexical, not semantic" in model.description
    assert "feature hashing" in HashingRunner.info.description
    assert runner.check() is None
    with pytest.raises(NotLoadedError):
        await vectors(runner, "x")
    await runner.load(model.id)
    await runner.unload()
    with pytest.raises(NotFoundError, match="feature-hashing-v1"):
        await runner.load("word2vec")
