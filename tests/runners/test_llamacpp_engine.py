"""The llama.cpp runner behind the engine: pulled models, pictures, and texts that are ranked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from breeze.config import parse_config
from breeze.contracts.answers import ChatAnswer, Embeddings
from breeze.contracts.capability import Capability
from breeze.contracts.messages import Message, TextPart
from breeze.contracts.model_files import ModelFile
from breeze.contracts.requests import ChatRequest, EmbedRequest
from breeze.engine.engine import Engine
from tests.runners.llamacpp_files import write_talker
from tests.runners.llamacpp_parts import BLUE, RED, write_ranker, write_seer
from tests.runners.test_llamacpp_shelf import pulled
from tests.runners.test_llamacpp_vision import picture


def configured(capability: str, home: Path, **parameters: Any) -> Any:
    entry = {"class": "llamacpp", "parameters": parameters}
    config = {"version": "2.0", "capabilities": {capability: {"runners": {"mine": entry}}}}
    return Engine.open(config=parse_config(config).config, home=home, environ={})


async def test_a_pulled_model_is_named_and_served(tmp_path: Path) -> None:
    write_talker(tmp_path / "file.gguf")
    pulled(tmp_path, "hello-1b", tmp_path / "file.gguf")
    async with configured("LLM", tmp_path) as engine:
        for model in ("mine/hello-1b", "hello-1b"):
            found = await engine.run(ChatRequest.of("Hi", model=model))
            assert isinstance(found, ChatAnswer)
            assert found.text == "Hello, world again"


async def test_a_question_about_a_picture_goes_to_the_model_that_sees(tmp_path: Path) -> None:
    write_seer(tmp_path)
    async with configured("VLM", tmp_path, model_path=str(tmp_path / "seer-q8_0.gguf")) as engine:
        message = Message("user", (picture("red"), TextPart("What is it?")))
        found = await engine.run(ChatRequest((message,), temperature=0.0, max_tokens=4))
        assert isinstance(found, ChatAnswer)
        assert (found.runner, found.text) == ("mine", RED)


def looking(colour: str) -> ChatRequest:
    message = Message("user", (picture(colour), TextPart("What is it?")))
    return ChatRequest((message,), temperature=0.0, max_tokens=4)


def pulled_seer(home: Path, **facts: Any) -> None:
    projector = write_seer(home)
    files = (ModelFile("seer-q8_0.gguf"), ModelFile(projector.name, "projector"))
    pulled(home, "seer", home / "seer-q8_0.gguf", projector, files=files, **facts)


async def test_a_pulled_model_that_sees_needs_no_configuration(tmp_path: Path) -> None:
    pulled_seer(tmp_path, capabilities=(Capability.LLM, Capability.VLM))
    async with Engine.open(home=tmp_path, environ={}) as engine:
        (shown,) = [one for one in engine.runners() if one.name == "llamacpp"]
        assert Capability.VLM in shown.capabilities
        found = await engine.run(looking("red"))
        assert (found.runner, found.model, found.text) == ("llamacpp", "seer", RED)
        assert (await engine.explain(ChatRequest.of("Hi"))).order[0].model == "breeze-tiny"


async def test_a_model_that_is_pulled_while_the_engine_runs_is_used(tmp_path: Path) -> None:
    async with Engine.open(home=tmp_path, environ={}) as engine:
        before = await engine.explain(looking("blue"))
        assert "llamacpp" not in [choice.name for choice in before.order]
        pulled_seer(tmp_path)  # nothing tells what it does, but its files
        await engine.refresh()
        found = await engine.run(looking("blue"))
        assert (found.runner, found.model, found.text) == ("llamacpp", "seer", BLUE)


async def test_texts_are_ranked_by_an_ordinary_request(tmp_path: Path) -> None:
    write_ranker(tmp_path / "judge.gguf")
    async with configured("EMBEDDING", tmp_path, models_dir=str(tmp_path)) as engine:
        request = EmbedRequest(("a dog", "a cat"), model="judge", params={"query": "pets"})
        found = await engine.run(request)
        assert isinstance(found, Embeddings)
        assert [len(vector) for vector in found.vectors] == [4, 4]
