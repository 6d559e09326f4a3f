"""Which files the llama.cpp runner serves, and what each of them can do."""

from __future__ import annotations

import shutil
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.answers import Embeddings
from breeze.contracts.capability import Capability
from breeze.contracts.errors import (
    CapabilityError,
    InputError,
    NotFoundError,
    NotLoadedError,
)
from breeze.contracts.events import Embedding, ReasoningDelta
from breeze.contracts.requests import ChatRequest, EmbedRequest
from breeze.contracts.results import collect
from breeze.runners._llamacpp_parameters import LlamaCppParameters
from breeze.runners.llamacpp import LlamaCppRunner
from tests.runners.gguf_writer import STRING, Drawn
from tests.runners.llamacpp_files import answer, loaded, write_talker
from tests.runners.llamacpp_files import models as models


def runner_for(**parameters: Any) -> LlamaCppRunner:
    return LlamaCppRunner(LlamaCppParameters.of(parameters))


async def test_every_file_in_the_folder_is_a_model_beside_the_embedded_one(models: Path) -> None:
    found = {model.id: model for model in await runner_for(models_dir=models).models()}
    assert found.keys() == {
        "breeze-tiny", "caller", "embedder", "endless", "talker", "thinker",
    }  # fmt: skip
    assert found["embedder"].capabilities == (Capability.EMBEDDING,)
    assert found["talker"].capabilities == (Capability.LLM,)
    assert found["talker"].context == 512
    assert found["talker"].size == (models / "talker.gguf").stat().st_size


async def test_a_model_path_becomes_the_default(models: Path) -> None:
    async with loaded("", model_path=models / "talker.gguf") as runner:
        assert (await answer(runner, ChatRequest.of("Hi"))).text == "Hello, world again"
        await runner.load("breeze-tiny")  # the embedded one stays reachable by its name
        assert "world" not in (await answer(runner, ChatRequest.of("Hi"))).text


@pytest.mark.parametrize("name", ["/etc/passwd", "../talker", "talker.gguf", "nothing", "./talker"])
async def test_a_request_cannot_name_a_file(models: Path, name: str) -> None:
    with pytest.raises(NotFoundError, match="breeze-tiny, caller"):
        await runner_for(models_dir=models).load(name)


async def test_a_link_out_of_the_folder_is_not_served(models: Path, tmp_path: Path) -> None:
    (tmp_path / "inside.gguf").symlink_to(models / "talker.gguf")
    assert [m.id for m in await runner_for(models_dir=tmp_path).models()] == ["breeze-tiny"]


async def test_a_file_that_lies_is_refused_before_it_is_loaded(
    models: Path, tmp_path: Path
) -> None:
    whole = (models / "talker.gguf").read_bytes()
    (tmp_path / "short.gguf").write_bytes(whole[:-50_000])
    runner = runner_for(models_dir=tmp_path)
    with pytest.raises(InputError, match=r"short.gguf .* claims \d+ bytes at offset \d+, but the"):
        await runner.load("short")
    listed = {model.id: model for model in await runner.models()}
    assert listed["short"].capabilities == ()
    assert "cannot be used" in listed["short"].description


async def test_a_sound_file_that_llama_cpp_does_not_know_is_reported(
    models: Path, tmp_path: Path
) -> None:
    renamed = (models / "talker.gguf").read_bytes().replace(b"llama", b"lemma")
    (tmp_path / "odd.gguf").write_bytes(renamed)
    with pytest.raises(NotLoadedError, match="xllamacpp"):
        await runner_for(models_dir=tmp_path).load("odd")


HEAD: dict[str, tuple[int, Any]] = {
    "general.architecture": (STRING, "llama"),
    "llama.context_length": (4, 512),
    "llama.embedding_length": (4, 64),
    "llama.block_count": (4, 2),
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("llama.context_length", (4, 0)),
        ("llama.embedding_length", (STRING, "many")),
        ("llama.block_count", (4, 100_000)),
        ("llama.attention.layer_norm_rms_epsilon", (6, -1.0)),
    ],
)
async def test_numbers_that_would_end_the_process_are_refused(
    tmp_path: Path, name: str, value: tuple[int, Any]
) -> None:
    (tmp_path / "odd.gguf").write_bytes(Drawn(metadata={**HEAD, name: value}).file())
    runner = runner_for(models_dir=tmp_path)
    assert name.split(".")[0] in (await runner.models())[1].description
    with pytest.raises(InputError, match="odd.gguf"):
        await runner.load("odd")


async def test_a_model_in_parts_is_one_model_and_needs_all_of_them(tmp_path: Path) -> None:
    part = Drawn(metadata={**HEAD, "split.count": (2, 2)}).file()
    (tmp_path / "big-00001-of-00002.gguf").write_bytes(part)
    (tmp_path / "odd.gguf").write_bytes(part)
    runner = runner_for(models_dir=tmp_path)
    with pytest.raises(InputError, match="part of a model in 2 files; name the first"):
        await runner.load("odd")
    with pytest.raises(InputError, match="big-00002-of-00002.gguf cannot be read"):
        await runner.load("big")
    (tmp_path / "big-00002-of-00002.gguf").write_bytes(part)
    (listed,) = (model for model in await runner.models() if model.id == "big")
    assert listed.size == 2 * len(part)


async def test_a_part_without_the_first_is_refused(models: Path, tmp_path: Path) -> None:
    shutil.copy(models / "talker.gguf", tmp_path / "m-00002-of-00002.gguf")
    assert [m.id for m in await runner_for(models_dir=tmp_path).models()] == ["breeze-tiny"]


async def test_loading_another_model_replaces_the_first(models: Path) -> None:
    async with loaded("talker", models_dir=models) as runner:
        await runner.load("talker")
        await runner.load("embedder")
        with pytest.raises(CapabilityError, match="embedder does EMBEDDING"):
            await answer(runner, ChatRequest.of("Hi"))
        await runner.unload()
        await runner.unload()
        with pytest.raises(NotLoadedError):
            await collect(runner.stream(EmbedRequest.of("Hi")), Embeddings)


async def test_vectors_of_an_embedding_model(models: Path) -> None:
    async with loaded("embedder", models_dir=models) as runner:
        texts = ("abab", "aabb", "zzzz")
        found = await collect(runner.stream(EmbedRequest(texts)), Embeddings)
        assert isinstance(found, Embeddings)
        same, alike, other = (Embedding(0, vector).values for vector in found.vectors)
        assert sum(v * v for v in same) == pytest.approx(1, abs=1e-4)
        assert sum(a * b for a, b in zip(same, alike, strict=True)) == pytest.approx(1, abs=1e-3)
        assert abs(sum(a * b for a, b in zip(same, other, strict=True))) < 0.5
        assert found.usage is not None
        assert found.usage.prompt_tokens == 12


@pytest.mark.parametrize("parallel", [1, 3, 4])
async def test_texts_of_two_requests_take_turns(models: Path, parallel: int) -> None:
    async with loaded("embedder", models_dir=models, parallel=parallel) as runner:
        many = EmbedRequest(tuple(f"text {n}" for n in range(500)))
        async with aclosing(runner.stream(many)) as slow:
            await anext(slow)
            quick = await collect(runner.stream(EmbedRequest.of("one")), Embeddings)
            assert isinstance(quick, Embeddings)
            assert len(quick.vectors) == 1
        assert runner.work.active == 0
        assert runner.work.steps < 500


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (EmbedRequest.of("fine", "x" * 600), "texts[1]"),
        (EmbedRequest.of(""), "texts[0]"),
        (EmbedRequest.of("x", dimensions=7), "dimensions"),
    ],
)
async def test_what_cannot_be_embedded_is_named(
    models: Path, request_: EmbedRequest, field: str
) -> None:
    async with loaded("embedder", models_dir=models) as runner:
        with pytest.raises(InputError) as caught:
            await collect(runner.stream(request_), Embeddings)
        assert caught.value.field == field
        if field == "texts[1]":
            assert caught.value.data == {"limit": 512, "asked": 600}


async def test_a_chat_model_makes_no_vectors() -> None:
    async with loaded("") as runner:
        with pytest.raises(CapabilityError, match="breeze-tiny does LLM, not EMBEDDING"):
            await collect(runner.stream(EmbedRequest.of("Hi")), Embeddings)


async def test_reasoning_is_told_apart_from_the_answer(models: Path) -> None:
    async with loaded("thinker", models_dir=models) as runner:
        events = [event async for event in runner.stream(ChatRequest.of("Sure?"))]
        thoughts = "".join(event.text for event in events if isinstance(event, ReasoningDelta))
        assert thoughts.strip() == "hm"
        assert (await answer(runner, ChatRequest.of("Sure?"))).text == "Yes indeed"


async def test_a_model_without_a_template_still_answers(tmp_path: Path) -> None:
    write_talker(tmp_path / "bare.gguf", template="")
    async with loaded("bare", models_dir=tmp_path) as runner:
        assert (await answer(runner, ChatRequest.of("Hi", max_tokens=5))).finish_reason
