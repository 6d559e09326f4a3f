"""What all seven mocks share: they are marked, repeatable, instant, and fail only when asked to."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from breeze.contracts.answers import Answer
from breeze.contracts.capability import Capability, RunnerKind
from breeze.contracts.errors import (
    InputError,
    NotFoundError,
    NotLoadedError,
    ProcessingError,
)
from breeze.contracts.results import ANSWERS, collect
from breeze.runners._mock import MockRunner
from breeze.runners.mock_asr import MockASRRunner
from breeze.runners.mock_embedding import MockEmbeddingRunner
from breeze.runners.mock_guardian import MockGuardianRunner
from breeze.runners.mock_image import MockImageRunner
from breeze.runners.mock_llm import MockLLMRunner
from breeze.runners.mock_tts import MockTTSRunner
from breeze.runners.mock_vlm import MockVLMRunner
from breeze.testing.clock import settle
from breeze.testing.run import NO_OUTPUT
from breeze.testing.samples import Samples, renewed

MOCKS: dict[Capability, type[MockRunner[Any]]] = {
    Capability.LLM: MockLLMRunner,
    Capability.VLM: MockVLMRunner,
    Capability.ASR: MockASRRunner,
    Capability.TTS: MockTTSRunner,
    Capability.GUARDIAN: MockGuardianRunner,
    Capability.IMAGE: MockImageRunner,
    Capability.EMBEDDING: MockEmbeddingRunner,
}
each_mock = pytest.mark.parametrize("capability", MOCKS)


async def loaded(capability: Capability, **parameters: Any) -> MockRunner[Any]:
    kind = MOCKS[capability]
    runner = kind(kind.parameters_type.of(parameters))
    await runner.load("")
    return runner


async def ask(runner: MockRunner[Any], **fields: Any) -> Answer:
    (capability,) = runner.info.capabilities
    sample = renewed(Samples().varied(capability, 1), **fields)
    return await collect(runner.stream(sample), ANSWERS[capability.method])


async def fails(runner: MockRunner[Any], seed: int) -> bool:
    try:
        await ask(runner, params={"seed": seed})
    except ProcessingError:
        return True
    return False


async def ask_until_it_fails(runner: MockRunner[Any]) -> None:
    for seed in range(40):
        await ask(runner, params={"seed": seed})


def test_there_is_one_for_every_capability() -> None:
    assert MOCKS.keys() == set(Capability)


@each_mock
def test_it_says_that_it_is_a_mock(capability: Capability) -> None:
    info = MOCKS[capability].info
    assert info.kind is RunnerKind.MOCK
    assert info.mock
    assert info.name == f"mock_{capability.lower()}"
    assert info.capabilities == (capability,)


@each_mock
async def test_its_answer_says_so_too(capability: Capability) -> None:
    answer = await ask(await loaded(capability))
    assert answer.metadata is not None
    assert answer.metadata["mock"] is True
    assert answer.metadata["model_name"] == MOCKS[capability].info.default_model


@each_mock
async def test_the_same_request_gets_the_same_answer(capability: Capability) -> None:
    first = await ask(await loaded(capability))
    assert await ask(await loaded(capability)) == first


@each_mock
async def test_nothing_is_paced_unless_asked(capability: Capability) -> None:
    runner = await loaded(capability)
    assert runner.parameters.response_delay_ms == 0
    assert runner.parameters.stream_chunk_delay_ms == 0


@each_mock
async def test_response_delay_holds_back_the_answer(capability: Capability) -> None:
    runner = await loaded(capability)
    for delay, held in ((3000, True), (0, False)):
        sample = Samples().long(capability)
        sample = renewed(sample, params={"response_delay_ms": delay})
        async with aclosing(runner.stream(sample)) as events:
            first = asyncio.ensure_future(anext(events))
            if held:
                await settle()
                assert not first.done()
                first.cancel()
            else:
                await first
            await asyncio.wait([first])


@each_mock
async def test_chunk_delay_holds_back_all_but_the_first(capability: Capability) -> None:
    runner = await loaded(capability, stream_chunk_delay_ms=500)
    output: list[Any] = []
    first = asyncio.Event()

    async def read() -> None:
        async with aclosing(runner.stream(Samples().long(capability))) as events:
            async for event in events:
                if not isinstance(event, NO_OUTPUT):
                    output.append(event)
                    first.set()

    reading = asyncio.create_task(read())
    await first.wait()
    await settle()
    assert len(output) == 1
    reading.cancel()
    await asyncio.wait([reading])


@each_mock
async def test_errors_come_at_the_rate_asked_for_and_come_again(capability: Capability) -> None:
    runner = await loaded(capability, simulate_errors=True, error_rate=50)
    failed = [seed for seed in range(40) if await fails(runner, seed)]
    assert 8 <= len(failed) <= 32
    assert [seed for seed in range(40) if await fails(runner, seed)] == failed


@each_mock
async def test_a_simulated_error_says_what_it_is(capability: Capability) -> None:
    runner = await loaded(capability, simulate_errors=True, error_rate=50)
    with pytest.raises(ProcessingError, match="simulate_errors") as caught:
        await ask_until_it_fails(runner)
    assert caught.value.retryable


@each_mock
async def test_it_never_fails_by_itself(capability: Capability) -> None:
    runner = await loaded(capability, error_rate=100)
    for seed in range(20):
        await ask(runner, params={"seed": seed})


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"simulate_errors": True, "error_rate": 51}, "error_rate"),
        ({"response_delay_ms": 3001}, "response_delay_ms"),
        ({"stream_chunk_delay_ms": 501}, "stream_chunk_delay_ms"),
    ],
)
@each_mock
def test_settings_that_make_no_sense_together_are_refused(
    capability: Capability, values: dict[str, Any], field: str
) -> None:
    checked = MOCKS[capability].parameters_type.validate_parameters(values)
    assert [finding.field for finding in checked.errors] == [field]


@each_mock
async def test_without_load_there_is_no_answer(capability: Capability) -> None:
    runner = await loaded(capability)
    await runner.unload()
    with pytest.raises(NotLoadedError, match="load"):
        await ask(runner)


@each_mock
async def test_another_model_is_not_found(capability: Capability) -> None:
    runner = await loaded(capability)
    with pytest.raises(NotFoundError) as caught:
        await ask(runner, model="gpt-9")
    assert caught.value.field == "model"
    with pytest.raises(NotFoundError):
        await runner.load("gpt-9")


@each_mock
async def test_closing_ends_the_work(capability: Capability) -> None:
    runner = await loaded(capability)
    async with aclosing(runner.stream(Samples().long(capability))) as events:
        await anext(events)
        assert runner.work.active == 1
    assert runner.work.active == 0


async def test_a_request_may_not_put_words_into_its_mouth() -> None:
    runner = await loaded(Capability.LLM)
    with pytest.raises(InputError) as caught:
        await ask(runner, params={"predefined_responses": "I am no mock."})
    assert caught.value.field == "params.predefined_responses"
