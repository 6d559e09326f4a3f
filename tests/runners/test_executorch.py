"""The ExecuTorch runner on the embedded weights: what a chat answers, and how it streams."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
import pytest

from breeze.contracts.errors import InputError, NotFoundError, NotLoadedError
from breeze.contracts.events import Adjusted, Finish, Progress, TextDelta
from breeze.contracts.messages import Tool
from breeze.contracts.model_files import MANIFEST, EntryPoint, ModelDefinition
from breeze.contracts.requests import ChatRequest
from breeze.contracts.values import Usage
from breeze.runners._executorch_formats import FAMILIES, choose
from breeze.runners._executorch_parameters import ExecutorchParameters
from breeze.runners._executorch_program import inspect
from breeze.runners.executorch import ExecutorchRunner
from tests.runners.runtime_models import program as program
from tests.runners.vendor import answer, ready

GREEDY: dict[str, Any] = {"temperature": 0.0}
QUESTION = "What is a runner?"
TURNS = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello"},
    {"role": "user", "content": "Bye"},
]


def made(**values: Any) -> ExecutorchRunner:
    return ExecutorchRunner(ExecutorchParameters.of(values))


@pytest.fixture
async def tiny(program: Path) -> AsyncIterator[ExecutorchRunner]:
    async with ready(made(model_path=program)) as runner:
        yield runner


async def test_it_answers_in_pieces_without_the_prompt_and_the_end_token(
    tiny: ExecutorchRunner, capfd: pytest.CaptureFixture[str]
) -> None:
    events = [e async for e in tiny.stream(ChatRequest.of(QUESTION, **GREEDY))]
    *pieces, usage, finish = events
    text = "".join(piece.text for piece in pieces if isinstance(piece, TextDelta))
    assert len(pieces) > 1
    assert text.startswith("A runner is")
    assert "<|" not in text
    assert isinstance(usage, Usage)
    assert usage.completion_tokens > len(pieces)  # the end token shows nothing
    assert isinstance(finish, Finish)
    assert finish.reason == "stop"
    assert finish.metadata is not None
    assert finish.metadata["runtime_backend"] == "CPU"
    assert "runner" not in capfd.readouterr().out  # the runtime prints nothing of it


async def test_one_answer_leaves_no_trace_in_the_next(tiny: ExecutorchRunner) -> None:
    one = await answer(tiny, ChatRequest.of(QUESTION, **GREEDY))
    await answer(tiny, ChatRequest.of("Who are you?", max_tokens=5, **GREEDY))
    assert (await answer(tiny, ChatRequest.of(QUESTION, **GREEDY))).text == one.text


async def test_limits_cut_the_answer(tiny: ExecutorchRunner) -> None:
    found = await answer(tiny, ChatRequest.of(QUESTION, max_tokens=4, **GREEDY))
    assert found.finish_reason == "length"
    assert found.usage is not None
    assert found.usage.completion_tokens == 4
    short = {"max_sequence_length": found.usage.prompt_tokens + 3}
    events = [
        e async for e in tiny.stream(ChatRequest.of(QUESTION, max_tokens=9, params=short, **GREEDY))
    ]
    told = next(e for e in events if isinstance(e, Adjusted))
    assert (told.field, told.asked, told.used) == ("max_tokens", 9, 3)
    assert isinstance(events[-1], Finish)
    assert events[-1].reason == "length"


async def test_a_stop_text_ends_the_answer_and_is_no_part_of_it(tiny: ExecutorchRunner) -> None:
    found = await answer(tiny, ChatRequest.of(QUESTION, stop=(" engine",), **GREEDY))
    assert found.text == "A runner is the part of the"
    assert found.finish_reason == "stop"


async def test_what_the_runtime_cannot_do_is_told(tiny: ExecutorchRunner) -> None:
    request = ChatRequest.of("Hi", max_tokens=2, temperature=1.5, seed=3, top_p=0.5)
    told = {e.field: e.used async for e in tiny.stream(request) if isinstance(e, Adjusted)}
    assert told == {"temperature": 1.0, "seed": None, "top_p": None}
    with pytest.raises(InputError, match="tools"):
        await answer(tiny, ChatRequest.of("Hi", tools=(Tool("weather"),)))


async def test_a_prompt_that_is_too_long_is_refused_with_the_figures(program: Path) -> None:
    async with ready(made(model_path=program, max_sequence_length=4096)) as runner:
        with pytest.raises(InputError, match="512") as caught:
            await answer(runner, ChatRequest.of("word " * 2000))
    assert caught.value.detail == "context_length_exceeded"


async def test_a_long_prompt_is_read_in_pieces_and_can_be_left(program: Path) -> None:
    texts = []
    for batch in (8, 2048):
        values = {"model_path": program, "max_sequence_length": 512, "batch": batch}
        async with ready(made(**values)) as runner:
            request = ChatRequest.of("hello there " * 60 + QUESTION, max_tokens=8, **GREEDY)
            events = [e async for e in runner.stream(request)]
            texts.append("".join(e.text for e in events if isinstance(e, TextDelta)))
            if batch == 8:
                done = [e.done for e in events if isinstance(e, Progress)]
                assert len(done) > 10
                stream = runner.stream(request)
                assert isinstance(await anext(stream), Progress)
                await stream.aclose()
                assert runner.work.active == 0
    assert texts[0] == texts[1]


async def test_closing_stops_the_work_at_once(tiny: ExecutorchRunner) -> None:
    stream = tiny.stream(ChatRequest.of("Tell me a story", temperature=1.0))
    await anext(stream)
    assert tiny.work.active == 1
    begun = perf_counter()
    await stream.aclose()
    assert perf_counter() - begun < 0.5
    steps = tiny.work.steps
    await asyncio.sleep(0.02)
    assert (tiny.work.active, tiny.work.steps) == (0, steps)


async def test_the_loop_goes_on_while_the_model_works(tiny: ExecutorchRunner) -> None:
    turns = 0
    work = asyncio.create_task(answer(tiny, ChatRequest.of(QUESTION, **GREEDY)))
    while not work.done():
        turns += 1
        await asyncio.sleep(0.001)
    assert turns > 20


async def test_models_are_those_of_the_path_the_folder_and_the_store(
    program: Path, tmp_path: Path
) -> None:
    pulled = tmp_path / "models" / "pulled"
    shutil.copytree(program.parent, pulled)
    definition = ModelDefinition(
        "pulled", "executorch", entry_point=EntryPoint("file", "model.pte")
    )
    (pulled / MANIFEST).write_bytes(msgspec.json.encode(definition))
    broken = tmp_path / "folder" / "broken"
    broken.mkdir(parents=True)
    (broken / "model.pte").write_bytes(program.read_bytes()[:5000])
    (broken / "tokenizer.json").write_text("{}")
    runner = made(model_path=program, models_dir=broken.parent)
    runner.home = tmp_path
    found = await runner.models()
    assert [m.id for m in found] == ["breeze-tiny", "broken", "pulled"]
    assert "cut short" in found[1].description
    assert runner.check() is None
    assert runner.memory("") > program.stat().st_size
    with pytest.raises(InputError, match="cut short"):
        await runner.load("broken")
    async with ready(runner, "pulled"):
        assert (await answer(runner, ChatRequest.of("Hi", max_tokens=1))).text


async def test_without_a_model_it_says_what_to_do(tmp_path: Path) -> None:
    assert "breeze pull" in (made().check() or "")
    with pytest.raises(NotFoundError, match="breeze pull"):
        await made().load("")
    with pytest.raises(NotLoadedError):
        await answer(made(), ChatRequest.of("Hi"))
    lone = tmp_path / "lone.pte"
    lone.write_bytes(b"0000ET12" + bytes(100))
    with pytest.raises(InputError, match="tokenizer"):
        await made(model_path=lone).load("")


async def test_a_tokenizer_that_is_none_is_an_error(program: Path, tmp_path: Path) -> None:
    odd = tmp_path / "tokenizer.json"
    odd.write_text("{}")
    with pytest.raises(NotLoadedError, match="no tokenizer"):
        await made(model_path=program, tokenizer_path=odd).load("")


def test_a_program_tells_what_it_is_lowered_for(program: Path, tmp_path: Path) -> None:
    assert inspect(program).delegates == ("XnnpackBackend",)
    other = tmp_path / "other.pte"
    other.write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(InputError, match="no ExecuTorch program"):
        inspect(other)


@pytest.mark.parametrize(
    ("mark", "name", "written"),
    [
        (
            "<|start_header_id|>",
            "llama3",
            "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>",
        ),
        ("<|im_start|>", "chatml", "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi"),
        ("<start_of_turn>", "gemma", "<bos><start_of_turn>user\nBe brief.\n\nHi<end_of_turn>\n"),
        ("<|assistant|>", "phi", "<|system|>\nBe brief.<|end|>\n<|user|>\nHi<|end|>\n"),
        ("", "plain", "system: Be brief.\nuser: Hi\nassistant: Hello\nuser: Bye\nassistant:"),
    ],
)
def test_the_tokens_of_a_tokenizer_tell_how_its_model_is_spoken_to(
    mark: str, name: str, written: str, tmp_path: Path
) -> None:
    form = choose("auto", tmp_path, lambda text: text == mark)
    assert form.name == name
    assert form.write(TURNS).startswith(written)
    assert form.write(TURNS).endswith(FAMILIES[name].answer)


def test_the_models_own_template_comes_first_and_a_configured_family_before_it(
    tmp_path: Path,
) -> None:
    template = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
    config = tmp_path / "tokenizer_config.json"
    config.write_text(json.dumps({"chat_template": template}))
    assert choose("auto", tmp_path, lambda _: True).write(TURNS[:2]) == "[system]Be brief.[user]Hi"
    assert choose("chatml", tmp_path, lambda _: True).name == "chatml"
    config.write_text(json.dumps({"chat_template": "{% for %}"}))
    with pytest.raises(InputError, match="template"):
        choose("auto", tmp_path, lambda _: True)
    with pytest.raises(InputError, match="has no chat template"):
        choose("template", tmp_path / "nowhere", lambda _: True)


def test_a_template_cannot_reach_out_of_its_sandbox(tmp_path: Path) -> None:
    evil = "{{ messages.__class__.__mro__[1].__subclasses__() }}"
    (tmp_path / "chat_template.jinja").write_text(evil)
    with pytest.raises(InputError, match="unsafe"):
        choose("auto", tmp_path, lambda _: True).write(TURNS)
