"""POST /v1/rerank: by a model that ranks, or else by how alike vectors are."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from breeze.config.model import EngineConfig
from breeze.contracts.capability import Capability
from breeze.contracts.errors import InputError
from breeze.contracts.events import Embedding, Finish, Usage
from breeze.contracts.fields import text
from breeze.contracts.parameters import Parameters
from breeze.contracts.ranking import cosine, rank
from breeze.contracts.requests import EmbedRequest
from breeze.contracts.runner import ModelInfo
from breeze.testing.scripted import Script, scripted
from tests.http.conftest import Serve
from tests.http.openai_wire import post
from tests.runners.llamacpp_files import write_embedder
from tests.runners.llamacpp_parts import write_ranker

PATH = "/v1/rerank"
DOCUMENTS = ["a dog", "a cat", "nothing", "a dog and a cat"]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> EngineConfig:
    """A configuration with a model that ranks and one that embeds, both of real weights."""
    folder: Path = tmp_path_factory.mktemp("rankers")
    write_ranker(folder / "judge.gguf")
    write_embedder(folder / "embedder.gguf")
    gguf = {"class": "llamacpp", "isolation": "none", "parameters": {"models_dir": str(folder)}}
    said = {"capabilities": {"EMBEDDING": {"runners": {"gguf": gguf}}}}
    return EngineConfig.model_validate(said)


async def test_a_model_that_ranks_judges_each_document(serve: Serve, models: EngineConfig) -> None:
    async with serve(config=models) as server:
        raw = await post(server, PATH, model="judge", query="pets", documents=DOCUMENTS)
        by_runner = await post(
            server, PATH, query="pets", documents=DOCUMENTS, breeze={"runner": "gguf"}
        )
        unnamed = await post(server, PATH, query="pets", documents=DOCUMENTS)
    assert raw.status == 200, raw.body
    results = raw.json["results"]
    assert [one["index"] for one in results] == [1, 3, 2, 0]
    scores = [one["relevance_score"] for one in results]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.9 > scores[2] > 0.1 > scores[3]
    assert "document" not in results[0]
    assert raw.json["model"] == "judge"
    assert raw.json["breeze"] == {"method": "model"}
    assert raw.json["usage"]["prompt_tokens"] == raw.json["usage"]["total_tokens"] > 4
    assert raw.headers["x-breeze-runner"] == "gguf"
    assert by_runner.json["results"] == unnamed.json["results"] == results


async def test_a_model_of_vectors_ranks_by_their_cosine(serve: Serve, models: EngineConfig) -> None:
    async with serve(config=models) as server:
        raw = await post(server, PATH, model="embedder", query="cat", documents=DOCUMENTS)
        vectors = await server.engine.run(EmbedRequest.of(*DOCUMENTS, "cat", model="embedder"))
    assert raw.json["breeze"] == {"method": "cosine"}
    numbers = [Embedding(0, vector).values for vector in vectors.vectors]
    expected = {i: cosine(numbers[i], numbers[-1]) for i in range(len(DOCUMENTS))}
    found = {one["index"]: one["relevance_score"] for one in raw.json["results"]}
    assert found == pytest.approx(expected, abs=1e-4)
    assert list(found) == sorted(found, key=lambda i: -found[i])


async def test_only_the_best_come_back_with_their_text_where_that_is_wished(serve: Serve) -> None:
    async with serve() as server:
        raw = await post(
            server, PATH, model="hashing", query="the cat sat", top_n=2, return_documents=True,
            documents=["stocks fell", {"text": "a cat sat down", "page": 3}, "the cat sat"],
        )  # fmt: skip
        many = await post(
            server, PATH, model="hashing", query="x", documents=["x", "y"], top_n=99
        )  # fmt: skip
    assert [one["document"]["text"] for one in raw.json["results"]] == [
        "the cat sat", "a cat sat down",
    ]  # fmt: skip
    assert raw.json["results"][0]["relevance_score"] == pytest.approx(1)
    assert len(many.json["results"]) == 2


async def test_equal_documents_keep_their_order(serve: Serve) -> None:
    async with serve() as server:
        raw = await post(server, PATH, model="mock_embedding", query="q", documents=["same"] * 300)
    assert [one["index"] for one in raw.json["results"]] == list(range(300))
    assert raw.headers["x-breeze-mock"] == "true"


class Ranking(Parameters):
    """Those of a runner that ranks."""

    query: str = text("", "What the texts are compared with", per_request=True)


GOOD = {"query": "q", "documents": ["a"]}
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"documents": ["a"]}, "query", "is needed"),
    (GOOD | {"query": " "}, "query", "empty"),
    (GOOD | {"query": {"text": "a"}}, "query", "str"),
    ({"query": "q"}, "documents", "is needed"),
    (GOOD | {"documents": []}, "documents", "list of texts"),
    (GOOD | {"documents": "a"}, "documents", "list of texts"),
    (GOOD | {"documents": ["a", ""]}, "documents[1]", "empty"),
    (GOOD | {"documents": ["a", 3]}, "documents[1]", "must be a text"),
    (GOOD | {"documents": [{"title": "a"}]}, "documents[0]", '"text"'),
    (GOOD | {"documents": ["a"] * 2049}, "documents", "at most 2048"),
    (GOOD | {"top_n": 0}, "top_n", "1"),
    (GOOD | {"topn": 1}, "topn", "did you mean 'top_n'"),
    (GOOD | {"breeze": {"params": {"query": "x"}}}, "breeze.params.query", "the query itself"),
]


@pytest.mark.parametrize(("body", "param", "said"), WRONG)
async def test_what_is_wrong_is_named(
    serve: Serve, body: dict[str, Any], param: str, said: str
) -> None:
    async with serve() as server:
        raw = await post(server, PATH, **{"model": "mock_embedding"} | body)
    assert (raw.status, raw.error["param"]) == (400, param), raw.body
    assert said in raw.error["message"]


async def test_what_the_model_refuses_is_told_in_the_callers_words(
    serve: Serve, models: EngineConfig
) -> None:
    long = "x" * 600
    async with serve(config=models) as server:
        document = await post(server, PATH, model="judge", query="q", documents=["a", long])
        query = await post(server, PATH, model="embedder", query=long, documents=["a", "b"])
        nobody = await post(server, PATH, model="no-such", query="q", documents=["a"])
    assert (document.status, document.error["param"]) == (400, "documents[1]")
    assert (query.status, query.error["param"]) == (400, "query")
    assert (nobody.status, nobody.error["param"]) == (404, "model")


async def test_what_has_no_effect_is_listed(serve: Serve) -> None:
    async with serve() as server:
        raw = await post(
            server, PATH, model="hashing", query="q", documents=["a"], user="me"
        )  # fmt: skip
    assert [one["field"] for one in raw.json["breeze"]["adjustments"]] == ["user"]
    assert raw.headers["x-breeze-adjustments"] == "user"


async def test_no_other_model_stands_in_for_one_that_ranks(serve: Serve) -> None:
    """Its scores would mean something else, so what failed is told."""
    pair = struct.pack("<2f", 1, 2)
    known = ModelInfo("m", (Capability.EMBEDDING,), metadata={"ranks": True})
    script = Script([Embedding(0, pair), Usage(3), Finish()], models=(known,))
    odd = scripted("odd", script, "embed", parameters=Ranking, default_model="m")
    async with serve(runners=[odd]) as server:
        raw = await post(server, PATH, model="odd", query="q", documents=["a"])
    assert raw.status >= 500
    assert "instead of a score" in raw.error["message"]


async def test_an_engine_and_a_client_rank_alike(serve: Serve, models: EngineConfig) -> None:
    async with serve(config=models) as server, server.client() as client:
        here = await rank(server.engine, "pets", DOCUMENTS, model="judge")
        there = await client.rank("pets", DOCUMENTS, model="judge")
        with pytest.raises(InputError) as refused:
            await client.rank("pets", ["a", ""])
        with pytest.raises(InputError) as doubled:
            await client.rank("pets", ["a"], params={"query": "x"})
    assert (here.method, here.runner, here.model) == ("model", "gguf", "judge")
    assert [one.index for one in here.ranked] == [1, 3, 2, 0]
    assert [one.score for one in here.ranked] == pytest.approx(
        [one.score for one in there.ranked], abs=1e-5
    )
    assert (refused.value.field, doubled.value.field) == ("texts", "params.query")
