"""The ONNX runner on the embedded model's weights: what a chat answers, and how it streams."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
import pytest

from breeze.contracts.capability import Capability
from breeze.contracts.errors import (
    CapabilityError,
    HardwareError,
    InputError,
    NotFoundError,
    NotLoadedError,
)
from breeze.contracts.events import Adjusted, Finish, Progress, TextDelta
from breeze.contracts.messages import ImagePart, Message, ResponseFormat, Tool
from breeze.contracts.model_files import MANIFEST, EntryPoint, ModelDefinition
from breeze.contracts.requests import ChatRequest, EmbedRequest
from breeze.contracts.values import Usage
from breeze.runners._onnx_parameters import OnnxParameters
from breeze.runners.onnx import OnnxRunner
from breeze.testing.conformance import check_runner
from breeze.testing.samples import Samples
from tests.runners.onnx_files import onnx_embedder as onnx_embedder
from tests.runners.runtime_models import onnx_model as onnx_model
from tests.runners.vendor import answer, ready

GREEDY: dict[str, Any] = {"temperature": 0.0}
QUESTION = "What is a runner?"
LONG = "hello there " * 150


def made(**values: Any) -> OnnxRunner:
    return OnnxRunner(OnnxParameters.of(values))


@pytest.fixture
async def tiny(onnx_model: Path) -> AsyncIterator[OnnxRunner]:
    async with ready(made(model_path=onnx_model)) as runner:
        yield runner


async def test_it_answers_and_stops_by_itself(tiny: OnnxRunner) -> None:
    found = await answer(tiny, ChatRequest.of("What is the capital of France?", **GREEDY))
    assert "Paris" in found.text
    assert found.finish_reason == "stop"


async def test_text_comes_in_pieces_then_usage_then_the_finish(tiny: OnnxRunner) -> None:
    *pieces, usage, finish = [e async for e in tiny.stream(ChatRequest.of(QUESTION, **GREEDY))]
    assert len(pieces) > 2
    assert all(isinstance(piece, TextDelta) for piece in pieces)
    assert isinstance(usage, Usage)
    assert usage.prompt_tokens > 5
    assert isinstance(finish, Finish)
    assert finish.metadata is not None
    assert finish.metadata["tokens_generated"] == usage.completion_tokens >= len(pieces)
    assert finish.metadata["generation_speed"] > 0
    assert finish.metadata["model_name"] == "breeze-tiny"
    assert finish.metadata["runtime_backend"] == "CPU"


async def test_a_limit_cuts_the_answer(tiny: OnnxRunner) -> None:
    found = await answer(tiny, ChatRequest.of(QUESTION, max_tokens=4, **GREEDY))
    assert found.finish_reason == "length"
    assert found.usage is not None
    assert found.usage.completion_tokens == 4


async def test_a_stop_text_ends_the_answer_and_is_no_part_of_it(tiny: OnnxRunner) -> None:
    whole = (await answer(tiny, ChatRequest.of(QUESTION, **GREEDY))).text
    assert " engine" in whole
    found = await answer(tiny, ChatRequest.of(QUESTION, stop=(" engine", "zzz"), **GREEDY))
    assert found.text == whole.partition(" engine")[0]
    assert found.finish_reason == "stop"


async def test_the_same_seed_gives_the_same_answer(tiny: OnnxRunner) -> None:
    def asked(seed: int) -> ChatRequest:
        return ChatRequest.of("Tell me something", seed=seed, temperature=1.6, max_tokens=24)

    one, again = await answer(tiny, asked(7)), await answer(tiny, asked(7))
    assert one.text == again.text
    others = {(await answer(tiny, asked(seed))).text for seed in range(5)}
    assert len(others) > 1


async def test_a_seed_that_is_too_large_is_told(tiny: OnnxRunner) -> None:
    request = ChatRequest.of("Hi", seed=2**31 + 5, max_tokens=2)
    told = [e async for e in tiny.stream(request) if isinstance(e, Adjusted)]
    assert [(e.field, e.used) for e in told] == [("seed", 5)]


async def test_a_schema_binds_the_text(tiny: OnnxRunner) -> None:
    schema = {
        "type": "object",
        "properties": {"colour": {"enum": ["red", "green"]}},
        "required": ["colour"],
        "additionalProperties": False,
    }
    wanted = ResponseFormat("json_schema", schema)
    found = await answer(tiny, ChatRequest.of("Describe it", response_format=wanted, **GREEDY))
    assert json.loads(found.text)["colour"] in ("red", "green")


async def test_a_schema_that_makes_no_sense_is_refused(tiny: OnnxRunner) -> None:
    wanted = ResponseFormat("json_schema", {"type": "blue"})
    with pytest.raises(InputError, match="schema") as caught:
        await answer(tiny, ChatRequest.of("Hi", response_format=wanted))
    assert caught.value.field == "response_format.schema"


async def test_several_answers_count_together(tiny: OnnxRunner) -> None:
    found = await answer(tiny, ChatRequest.of(QUESTION, n=2, max_tokens=6, seed=1, **GREEDY))
    assert len(found.choices) == 2
    assert found.choices[0].text == found.choices[1].text
    assert found.usage is not None
    assert found.usage.completion_tokens == 12


async def test_what_the_runtime_cannot_do_is_told(tiny: OnnxRunner) -> None:
    request = ChatRequest.of(
        "Hi", max_tokens=2, presence_penalty=0.5, logit_bias={"7": 1.0}, logprobs=True
    )
    told = {e.field async for e in tiny.stream(request) if isinstance(e, Adjusted)}
    assert told == {"presence_penalty", "logit_bias", "logprobs"}


async def test_tools_and_pictures_are_refused(tiny: OnnxRunner) -> None:
    with pytest.raises(InputError, match="tools"):
        await answer(tiny, ChatRequest.of("Hi", tools=(Tool("weather"),)))
    seeing = ChatRequest((Message("user", (ImagePart(b"x"),)),))
    with pytest.raises(InputError, match="text only") as caught:
        [e async for e in tiny.chat(seeing)]
    assert caught.value.field == "messages[0].content[0]"


async def test_a_prompt_that_is_too_long_is_refused_with_the_figures(tiny: OnnxRunner) -> None:
    with pytest.raises(InputError, match="1024") as caught:
        await answer(tiny, ChatRequest.of("word " * 3000))
    assert caught.value.detail == "context_length_exceeded"
    assert caught.value.data["limit"] == 1024


async def test_a_long_prompt_shows_how_far_it_is_and_leaves_less_room(onnx_model: Path) -> None:
    async with ready(made(model_path=onnx_model, batch=32)) as runner:
        request = ChatRequest.of(LONG, max_tokens=900, **GREEDY)
        events = [e async for e in runner.stream(request)]
    told = next(e for e in events if isinstance(e, Adjusted))
    assert (told.field, told.asked) == ("max_tokens", 900)
    done = [e.done for e in events if isinstance(e, Progress)]
    assert done == sorted(done)
    assert len(done) > 5


async def test_batches_do_not_change_the_answer(onnx_model: Path) -> None:
    texts = []
    for batch in (8, 2048):
        async with ready(made(model_path=onnx_model, batch=batch)) as runner:
            texts.append(
                (await answer(runner, ChatRequest.of(f"Hello! {QUESTION}", **GREEDY))).text
            )
    assert texts[0] == texts[1]


async def test_a_smaller_context_counts(onnx_model: Path) -> None:
    async with ready(made(model_path=onnx_model, n_ctx=64)) as runner:
        with pytest.raises(InputError, match="takes 64"):
            await answer(runner, ChatRequest.of(LONG))


async def test_the_system_prompt_is_the_operators_or_the_requests(tiny: OnnxRunner) -> None:
    bare = await answer(tiny, ChatRequest.of("Hi", max_tokens=1))
    request = ChatRequest.of("Hi", max_tokens=1, params={"system_prompt": "Be brief."})
    prompted = await answer(tiny, request)
    assert bare.usage is not None
    assert prompted.usage is not None
    assert prompted.usage.prompt_tokens > bare.usage.prompt_tokens


async def test_closing_stops_the_work_at_once_and_leaves_the_other_stream(
    tiny: OnnxRunner,
) -> None:
    free: dict[str, Any] = {"temperature": 2.0, "seed": 3, "max_tokens": 900}
    kept, left = (tiny.stream(ChatRequest.of("Tell me a story", **free)) for _ in range(2))
    await anext(kept)
    await anext(left)
    assert tiny.work.active == 2
    begun = perf_counter()
    await left.aclose()
    assert perf_counter() - begun < 0.5
    assert tiny.work.active == 1
    rest = [e async for e in kept]
    assert isinstance(rest[-1], Finish)
    steps = tiny.work.steps
    await asyncio.sleep(0.02)
    assert tiny.work.steps == steps


async def test_a_vector_for_each_text_of_length_one(onnx_embedder: Path) -> None:
    async with ready(made(model_path=onnx_embedder)) as runner:
        request = EmbedRequest.of("the cat", "a kitten", "the car")
        events = [e async for e in runner.stream(request)]
        cat, kitten, car = (e.values for e in events[:3])
    assert sum(x * x for x in cat) == pytest.approx(1)
    assert _product(cat, kitten) > 0.95 > 0.2 > _product(cat, car)
    assert isinstance(events[3], Usage)
    assert events[3].prompt_tokens == 6
    assert isinstance(events[4], Finish)


async def test_a_model_for_vectors_passes_the_kit(onnx_embedder: Path) -> None:
    report = await check_runner(
        OnnxRunner,
        {"model_path": onnx_embedder},
        samples=Samples(
            {Capability.EMBEDDING: EmbedRequest.of("the cat", "a kitten")},
            {Capability.EMBEDDING: EmbedRequest(("a dog",) * 40)},
        ),
    )
    assert report.ok, report.render()


async def test_vectors_are_left_as_they_are_where_wanted(onnx_embedder: Path) -> None:
    async with ready(made(model_path=onnx_embedder, normalise=False)) as runner:
        first = await anext(runner.stream(EmbedRequest.of("cat kitten")))
    assert first.values == pytest.approx([4, 0.75, 0, 0])


async def test_a_text_that_is_too_long_for_a_vector_is_refused(onnx_embedder: Path) -> None:
    async with ready(made(model_path=onnx_embedder)) as runner:
        with pytest.raises(InputError, match="9 tokens") as caught:
            [e async for e in runner.stream(EmbedRequest.of("cat", "a cat " * 4 + "a"))]
        assert caught.value.field == "texts[1]"
        with pytest.raises(InputError, match="4 dimensions"):
            [e async for e in runner.stream(EmbedRequest.of("cat", dimensions=2))]


async def test_a_model_does_one_kind_of_work(onnx_embedder: Path) -> None:
    async with ready(made(model_path=onnx_embedder)) as runner:
        with pytest.raises(CapabilityError, match="EMBEDDING"):
            await answer(runner, ChatRequest.of("Hi"))


async def test_models_are_those_of_the_path_the_folder_and_the_store(
    onnx_model: Path, onnx_embedder: Path, tmp_path: Path
) -> None:
    pulled = tmp_path / "models" / "pulled"
    pulled.mkdir(parents=True)
    for file in onnx_embedder.iterdir():
        (pulled / file.name).write_bytes(file.read_bytes())
    definition = ModelDefinition(
        "pulled", "onnx", entry_point=EntryPoint("file", "model.onnx"), licence="MIT"
    )
    (pulled / MANIFEST).write_bytes(msgspec.json.encode(definition))
    runner = made(model_path=onnx_embedder, models_dir=onnx_model.parent)
    runner.home = tmp_path
    found = await runner.models()
    assert [(m.id, m.capabilities[0]) for m in found] == [
        ("embedder", Capability.EMBEDDING),
        ("breeze-tiny", Capability.LLM),
        ("pulled", Capability.EMBEDDING),
    ]
    assert found[1].context == 1024
    assert found[2].licence == "MIT"
    assert runner.memory("breeze-tiny") > 10_000_000
    async with ready(runner, "pulled"):
        assert await anext(runner.stream(EmbedRequest.of("cat")))
    assert OnnxRunner.model_of(runner.parameters, Capability.LLM) == "breeze-tiny"


async def test_without_a_model_it_says_what_to_do() -> None:
    runner = made()
    assert "breeze pull" in (runner.check() or "")
    with pytest.raises(NotFoundError, match="breeze pull"):
        await runner.load("")
    with pytest.raises(NotLoadedError):
        await answer(runner, ChatRequest.of("Hi"))


async def test_an_unknown_model_names_those_there_are(onnx_embedder: Path) -> None:
    with pytest.raises(NotFoundError, match="it has embedder"):
        await made(model_path=onnx_embedder).load("other")


async def test_a_damaged_model_is_an_error_not_a_crash(onnx_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    folder.mkdir()
    for file in onnx_model.iterdir():
        data = file.read_bytes()
        (folder / file.name).write_bytes(data[: len(data) // 2] if ".onnx" in file.name else data)
    with pytest.raises(NotLoadedError, match="damaged") as cut:
        await made(model_path=folder).load("")
    assert "onnxruntime_src" not in cut.value.message  # where in its source is for its makers
    (folder / "genai_config.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        await made(model_path=folder).load("")


async def test_a_provider_that_is_not_here_is_refused_with_those_that_are(
    onnx_model: Path,
) -> None:
    runner = made(model_path=onnx_model, provider="cuda")
    keys = [choice.key for choice in await runner.providers()]
    assert keys[0] == "cpu"
    if "cuda" in keys:
        pytest.skip("this machine has the provider")
    with pytest.raises(HardwareError, match="cpu"):
        await runner.load("")


def _product(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
