"""What a GGUF file says of itself, what memory it will take, and how its load goes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec

from breeze.contracts.capability import Capability
from breeze.contracts.events import Progress
from breeze.contracts.model_files import EntryPoint, ModelDefinition, ModelFile
from breeze.contracts.requests import ChatRequest
from breeze.runners._llamacpp_parameters import LlamaCppParameters
from breeze.runners._llamacpp_reading import PIECE, read_ahead
from breeze.runners.llamacpp import LlamaCppRunner
from tests.runners.llamacpp_files import answer
from tests.runners.llamacpp_files import models as models
from tests.runners.llamacpp_parts import write_seer
from tests.runners.vendor import ready


def runner_for(home: Path | None = None, **parameters: Any) -> LlamaCppRunner:
    made = LlamaCppRunner(LlamaCppParameters.of(parameters))
    made.home = home
    return made


async def test_the_facts_are_those_of_the_file(tmp_path: Path) -> None:
    write_seer(tmp_path)
    (seer,) = [m for m in await runner_for(models_dir=tmp_path).models() if "seer" in m.id]
    files = [tmp_path / "seer-q8_0.gguf", tmp_path / "mmproj-seer-f16.gguf"]
    assert seer.size == sum(path.stat().st_size for path in files)
    assert seer.context == 512
    assert seer.licence == "apache-2.0"
    assert seer.metadata["architecture"] == "llama"
    assert seer.metadata["quantisation"] == "F16"
    assert seer.metadata["template"] is True
    assert seer.metadata["tools"] is False
    assert seer.metadata["layers"] == 1
    assert 400_000 < seer.metadata["parameters"] < files[0].stat().st_size


async def test_the_embedded_model_has_two_million_parameters() -> None:
    (tiny,) = await runner_for().models()
    assert tiny.metadata["parameters"] == 2_730_432
    assert tiny.metadata["quantisation"] == "Q8_0"


def test_memory_grows_with_the_context_and_the_slots(models: Path) -> None:
    def memory(model: str = "endless", **parameters: Any) -> int:
        return runner_for(models_dir=models, **parameters).memory(model)

    weights = (models / "endless.gguf").stat().st_size
    one = memory(n_ctx=4096, parallel=1)
    assert weights < one < weights + 200_000_000
    tokens = 2 * 2 * 288 * 4096  # keys and values, 16 bits, the model's width
    assert memory(n_ctx=8192, parallel=1) - one == tokens
    assert memory(n_ctx=4096, parallel=3) - one == 2 * tokens
    assert memory("") < memory()


def test_memory_of_what_is_not_there_is_the_runners_own_guess(tmp_path: Path) -> None:
    (tmp_path / "odd.gguf").write_bytes(b"GGUF")
    runner = runner_for(models_dir=tmp_path)
    assert runner.memory("odd") == runner.memory("nothing") == 100_000_000


def pulled(home: Path, id: str, *files: Path, **facts: Any) -> None:
    """Put a model into the store."""
    folder = home / "models" / id
    folder.mkdir(parents=True)
    for file in files:
        shutil.copy(file, folder)
    facts = {"runner": "llamacpp", "entry_point": EntryPoint("file", files[0].name), **facts}
    (folder / "model.json").write_bytes(msgspec.json.encode(ModelDefinition(id, **facts)))


async def test_a_pulled_model_is_served_under_its_id(models: Path, tmp_path: Path) -> None:
    pulled(tmp_path, "hello-1b", models / "talker.gguf")
    pulled(tmp_path, "other", models / "talker.gguf", runner="onnx")
    runner = runner_for(tmp_path)
    assert [model.id for model in await runner.models()] == ["breeze-tiny", "hello-1b"]
    assert runner.memory("hello-1b") > (models / "talker.gguf").stat().st_size
    async with ready(runner, "hello-1b"):
        assert (await answer(runner, ChatRequest.of("Hi"))).text == "Hello, world again"


async def test_a_pulled_projector_lets_its_model_see(tmp_path: Path) -> None:
    projector = write_seer(tmp_path)
    files = (ModelFile("seer-q8_0.gguf"), ModelFile(projector.name, "projector"))
    pulled(tmp_path, "seer", tmp_path / "seer-q8_0.gguf", projector, files=files)
    (_, seer) = await runner_for(tmp_path).models()
    assert seer.capabilities == (Capability.LLM, Capability.VLM)


async def test_a_long_load_tells_how_far_it_is(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_bytes(bytes(PIECE + 5))
    second.write_bytes(bytes(7))
    told = list[Progress]()
    await read_ahead([first, second], told.append, small=0)
    total = PIECE + 12
    assert told == [Progress("load", done, total) for done in (PIECE, PIECE + 5, total)]


async def test_a_short_load_tells_nothing(models: Path, tmp_path: Path) -> None:
    told = list[Progress]()
    await read_ahead([models / "talker.gguf"], told.append)
    await read_ahead([tmp_path / "nothing"], told.append, small=0)
    runner = runner_for(models_dir=models)
    runner.progress = told.append
    async with ready(runner, "talker"):
        assert told == []
