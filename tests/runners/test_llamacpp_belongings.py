"""What is loaded over and beside a GGUF model: adapters, templates, a draft, a GPU's share."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from breeze.contracts.errors import HardwareError, InputError, NotLoadedError
from breeze.contracts.messages import Tool
from breeze.contracts.requests import ChatRequest
from breeze.contracts.results import collect
from breeze.runners._llamacpp_native import backend
from breeze.runners._llamacpp_parameters import LlamaCppParameters
from breeze.runners._llamacpp_server import LlamaServer
from breeze.runners._llamacpp_shelf import find
from breeze.runners.llamacpp import LlamaCppRunner
from tests.runners.llamacpp_files import TOOLS, answer, loaded, write_talker
from tests.runners.llamacpp_files import models as models
from tests.runners.llamacpp_parts import write_adapter

GREEDY = ChatRequest.of("Hi", temperature=0.0, max_tokens=20)
SAYS, ADAPTED = ("Hello", ", world"), "Goodbye"
TOKENS = 256 + 6 + 3


@pytest.fixture
def adapted(tmp_path: Path) -> Path:
    """A folder with a model that says Hello and an adapter with which it says Goodbye."""
    write_talker(tmp_path / "talker.gguf", SAYS, then=(ADAPTED,))
    write_adapter(tmp_path / "polite.gguf", TOKENS, follower=TOKENS - 1)
    return tmp_path


async def test_an_adapter_changes_what_is_said(adapted: Path) -> None:
    async with loaded("talker", models_dir=adapted) as plain:
        assert (await answer(plain, GREEDY)).text == "Hello, world"
    async with loaded("talker", models_dir=adapted, adapters=f"{adapted}/polite.gguf") as runner:
        assert (await answer(runner, GREEDY)).text == ADAPTED
        off = msgspec.structs.replace(GREEDY, params={"adapter_scale": 0.0})
        assert (await answer(runner, off)).text == "Hello, world"
        assert (await answer(runner, GREEDY)).text == ADAPTED


async def test_an_adapter_of_no_strength_changes_nothing(adapted: Path) -> None:
    given = f"{adapted}/polite.gguf = 0"
    async with loaded("talker", models_dir=adapted, adapters=given) as runner:
        assert (await answer(runner, GREEDY)).text == "Hello, world"
        on = msgspec.structs.replace(GREEDY, params={"adapter_scale": 1.0})
        assert (await answer(runner, on)).text == ADAPTED


@pytest.mark.parametrize(
    ("line", "what"), [("a.gguf=much", "0 to 10"), ("a.gguf=11", "0 to 10"), ("a.bin", ".gguf")]
)
def test_a_line_that_names_no_adapter_is_refused(line: str, what: str) -> None:
    with pytest.raises(InputError, match=what):
        LlamaCppParameters.of({"adapters": line})


async def test_what_is_no_adapter_for_the_model_is_refused(adapted: Path) -> None:
    write_adapter(adapted / "foreign.gguf", TOKENS, follower=1, architecture="qwen3")
    write_adapter(adapted / "wide.gguf", 600, follower=1)
    (adapted / "broken.gguf").write_bytes(b"GGUF")
    for name, error, what in (
        ("talker", InputError, "no LoRA adapter"),
        ("foreign", InputError, "adapts qwen3 models"),
        ("broken", InputError, "only 4 bytes"),
        ("wide", NotLoadedError, "adapter is for another model"),
    ):
        parameters = {"models_dir": adapted, "adapters": f"{adapted}/{name}.gguf"}
        runner = LlamaCppRunner(LlamaCppParameters.of(parameters))
        with pytest.raises(error, match=what):
            await runner.load("talker")


async def test_a_template_takes_the_place_of_the_models_own(models: Path, tmp_path: Path) -> None:
    weather = Tool("weather", "Tells the weather.", {"type": "object"})
    request = ChatRequest.of("Hi", tools=(weather,), temperature=0.0)
    file = tmp_path / "tools.jinja"
    file.write_text(TOOLS)
    async with loaded("talker", models_dir=models) as runner:
        with pytest.raises(InputError, match="cannot call tools"):
            await collect(runner.stream(request))
    for given in ({"chat_template": TOOLS}, {"chat_template_path": file}):
        async with loaded("talker", models_dir=models, **given) as runner:
            assert (await answer(runner, request)).text == "Hello, world again"
    with pytest.raises(InputError, match="either this or chat_template_path"):
        LlamaCppParameters.of({"chat_template": TOOLS, "chat_template_path": file})


async def test_a_template_with_a_mistake_is_named_as_the_cause(models: Path) -> None:
    parameters = {"models_dir": models, "chat_template": "{% for message in %}"}
    with pytest.raises(NotLoadedError, match="the chat template has a mistake"):
        await LlamaCppRunner(LlamaCppParameters.of(parameters)).load("talker")


async def test_a_draft_model_guesses_and_the_text_stays_the_same(models: Path) -> None:
    async with loaded("endless", models_dir=models) as plain:
        wanted = await answer(plain, GREEDY)
    async with loaded("endless", models_dir=models, draft_path=models / "endless.gguf") as drafted:
        assert (await answer(drafted, GREEDY)).text == wanted.text


def test_what_a_draft_model_guesses_is_taken(models: Path) -> None:
    given = {"models_dir": models, "parallel": 1, "draft_path": models / "endless.gguf"}
    parameters = LlamaCppParameters.of(given)
    server = LlamaServer(find("endless", parameters), parameters)
    chunks = list[bytes]()

    def each(chunk: bytes) -> bool:
        chunks.append(chunk)
        return False

    try:
        message = {"role": "user", "content": "Go"}
        body = {"messages": [message], "temperature": 0.0, "max_tokens": 40, "stream": True}
        server.chat(body, each)
    finally:
        server.close()
    assert b'"draft_n_accepted":' in chunks[-1]
    assert b'"draft_n_accepted":0' not in chunks[-1]


async def test_a_draft_model_of_another_vocabulary_is_refused(models: Path) -> None:
    parameters = {"models_dir": models, "draft_path": models / "caller.gguf"}
    with pytest.raises(InputError, match="must have the same"):
        await LlamaCppRunner(LlamaCppParameters.of(parameters)).load("endless")


async def test_layers_for_a_gpu_need_one(models: Path) -> None:
    parameters = {"models_dir": models, "gpu_layers": 99}
    runner = LlamaCppRunner(LlamaCppParameters.of(parameters))
    if backend() == "GPU":
        await runner.load("talker")
        assert (await answer(runner, GREEDY)).text == "Hello, world again"
        await runner.unload()
    else:
        with pytest.raises(HardwareError, match="finds no GPU: install one"):
            await runner.load("talker")
    async with loaded("talker", models_dir=models, gpu_layers=0) as cpu:
        assert (await answer(cpu, GREEDY)).text == "Hello, world again"
