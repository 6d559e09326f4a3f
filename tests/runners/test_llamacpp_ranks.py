"""A model that ranks gives each text one number: how well it answers the query."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.answers import Embeddings
from breeze.contracts.capability import Capability
from breeze.contracts.errors import InputError
from breeze.contracts.events import Embedding
from breeze.contracts.requests import EmbedRequest
from breeze.contracts.results import collect
from breeze.runners._llamacpp_parameters import LlamaCppParameters
from breeze.runners.llamacpp import LlamaCppRunner
from tests.runners.llamacpp_files import loaded, write_embedder
from tests.runners.llamacpp_parts import write_ranker

TEXTS = ("a cat", "a dog", "nothing", "a dog and a cat")


@pytest.fixture(scope="session")
def rankers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model that ranks and one that embeds."""
    folder = tmp_path_factory.mktemp("rankers")
    write_ranker(folder / "judge.gguf")
    write_embedder(folder / "embedder.gguf")
    return folder


async def scores(runner: LlamaCppRunner, *texts: str, **params: Any) -> list[float]:
    found = await collect(runner.stream(EmbedRequest(texts, params=params)), Embeddings)
    assert isinstance(found, Embeddings)
    return [value for vector in found.vectors for value in Embedding(0, vector).values]


@pytest.mark.parametrize("parallel", [1, 4])
async def test_the_better_a_text_answers_the_higher_its_number(
    rankers: Path, parallel: int
) -> None:
    async with loaded("judge", models_dir=rankers, parallel=parallel) as runner:
        cat, dog, nothing, both = await scores(runner, *TEXTS, query="pets")
        assert cat > both > 0.9 > nothing > 0.1 > dog
        assert nothing == pytest.approx(0.5, abs=0.01)


async def test_the_numbers_are_the_same_whoever_asks_meanwhile(rankers: Path) -> None:
    async with loaded("judge", models_dir=rankers) as runner:
        alone = await scores(runner, *TEXTS * 3, query="pets")
        at_once = await asyncio.gather(
            *(scores(runner, *TEXTS * 3, query="pets") for _ in range(4))
        )
        assert all(found == pytest.approx(alone, abs=1e-5) for found in at_once)


async def test_a_model_that_ranks_says_so(rankers: Path) -> None:
    runner = LlamaCppRunner(LlamaCppParameters.of({"models_dir": rankers}))
    found = {model.id: model for model in await runner.models()}
    assert found["judge"].capabilities == (Capability.EMBEDDING,)
    assert found["judge"].metadata["ranks"] is True
    assert found["embedder"].metadata["ranks"] is False


async def test_ranking_needs_a_query_and_embedding_takes_none(rankers: Path) -> None:
    async with loaded("judge", models_dir=rankers) as runner:
        with pytest.raises(InputError, match="set the parameter query"):
            await scores(runner, "a cat")
        request = EmbedRequest.of("a", dimensions=8, params={"query": "x"})
        with pytest.raises(InputError, match="of 1 dimensions"):
            await collect(runner.stream(request), Embeddings)
        with pytest.raises(InputError) as caught:
            await scores(runner, "a cat", "x" * 600, "a dog", query="pets")
        assert caught.value.field == "texts[1]"
    async with loaded("embedder", models_dir=rankers) as runner:
        request = EmbedRequest.of("a cat", params={"query": "pets"})
        found = await collect(runner.stream(request), Embeddings)
        assert [note.field for note in found.adjustments] == ["params.query"]
