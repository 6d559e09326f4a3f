"""The llama.cpp runner behind the engine: pulled models, pictures, and texts that are ranked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from breeze.config import parse_config
from breeze.contracts.answers import ChatAnswer, Embeddings
from breeze.contracts.messages import Message, TextPart
from breeze.contracts.requests import ChatRequest, EmbedRequest
from breeze.engine.engine import Engine
from tests.runners.llamacpp_files import write_talker
from tests.runners.llamacpp_parts import RED, write_ranker, write_seer
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


async def test_texts_are_ranked_by_an_ordinary_request(tmp_path: Path) -> None:
    write_ranker(tmp_path / "judge.gguf")
    async with configured("EMBEDDING", tmp_path, models_dir=str(tmp_path)) as engine:
        request = EmbedRequest(("a dog", "a cat"), model="judge", params={"query": "pets"})
        found = await engine.run(request)
        assert isinstance(found, Embeddings)
        assert [len(vector) for vector in found.vectors] == [4, 4]
