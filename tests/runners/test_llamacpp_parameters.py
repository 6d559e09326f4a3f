"""Every parameter of the llama.cpp runner changes what happens."""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.errors import InputError, MemoryLimitError
from breeze.contracts.events import Progress, TextDelta
from breeze.contracts.messages import Message
from breeze.contracts.requests import ChatRequest
from breeze.runners._llamacpp_parameters import LlamaCppParameters
from breeze.runners.llamacpp import LlamaCppRunner
from tests.runners.llamacpp_files import answer, loaded, write_talker
from tests.runners.llamacpp_files import models as models

WILD = {"temperature": 2.0, "top_p": 1.0, "top_k": 0, "min_p": 0.0, "max_tokens": 20}
QUESTION = "Tell me a word"


async def texts(runner: LlamaCppRunner, **params: Any) -> set[str]:
    """What several seeds answer."""
    asked = [ChatRequest.of(QUESTION, params={**WILD, "seed": n, **params}) for n in range(4)]
    return {(await answer(runner, request)).text for request in asked}


@pytest.mark.parametrize(
    "params", [{"temperature": 0.0}, {"top_k": 1}, {"top_p": 0.0}, {"min_p": 1.0}, {"seed": 5}]
)
async def test_sampling_parameters_tame_a_wild_model(params: dict[str, Any]) -> None:
    async with loaded("") as runner:
        assert len(await texts(runner)) > 1
        assert len(await texts(runner, **params)) == 1


async def test_a_request_field_wins_over_its_parameter() -> None:
    async with loaded("", max_tokens=2, temperature=0.0) as runner:
        short = await answer(runner, ChatRequest.of(QUESTION))
        long = await answer(runner, ChatRequest.of(QUESTION, max_tokens=5))
        between = await answer(runner, ChatRequest.of(QUESTION, params={"max_tokens": 3}))
        used = [found.usage.completion_tokens for found in (short, between, long) if found.usage]
        assert used == [2, 3, 5]


async def test_repeat_penalty_changes_a_greedy_answer() -> None:
    async with loaded("", temperature=0.0, max_tokens=40) as runner:
        plain = await answer(runner, ChatRequest.of("What is a runner?"))
        request = ChatRequest.of("What is a runner?", params={"repeat_penalty": 2.0})
        assert (await answer(runner, request)).text != plain.text


async def test_system_prompt_is_for_conversations_that_have_none() -> None:
    async def prompt_tokens(runner: LlamaCppRunner, **fields: Any) -> int:
        found = await answer(runner, ChatRequest.of("Hello", max_tokens=1, **fields))
        assert found.usage is not None
        return found.usage.prompt_tokens

    async with loaded("") as plain, loaded("", system_prompt="You are kind to all.") as kind:
        bare = await prompt_tokens(plain)
        assert await prompt_tokens(kind) > bare
        own = {"system": "Be brief."}
        assert await prompt_tokens(kind, **own) == await prompt_tokens(plain, **own)
        assert await prompt_tokens(plain, params={"system_prompt": "You are kind."}) > bare


async def test_n_ctx_bounds_a_stream() -> None:
    async with loaded("", n_ctx=256) as runner:
        with pytest.raises(InputError) as caught:
            await answer(runner, ChatRequest.of("word " * 300))
        assert caught.value.data["limit"] == 256


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_a_context_that_does_not_fit_into_memory_is_refused(tmp_path: Path) -> None:
    write_talker(tmp_path / "vast.gguf", context=2**24)
    runner = LlamaCppRunner(LlamaCppParameters.of({"models_dir": tmp_path}))
    if int(Path("/proc/meminfo").read_text().split("MemAvailable:")[1].split()[0]) > 70 << 20:
        pytest.skip("this machine has room for it")
    with pytest.raises(MemoryLimitError, match="Set n_ctx or parallel"):
        await runner.load("vast")


@pytest.mark.parametrize("batch", [64, 256])
async def test_batch_is_the_step_of_prompt_progress(models: Path, batch: int) -> None:
    async with loaded("endless", models_dir=models, batch=batch) as runner:
        request = ChatRequest.of("x" * 1000, max_tokens=1)
        events = [event async for event in runner.stream(request)]
        progress = [event.done for event in events if isinstance(event, Progress)]
        assert progress == list(range(batch, 1000, batch))
        assert [type(event) for event in events].index(TextDelta) == len(progress)


async def test_without_prefill_an_assistant_turn_is_answered_not_continued() -> None:
    turns = (Message("user", "Hello"), Message("assistant", "The capital of France"))
    request = ChatRequest(turns, max_tokens=8, temperature=0.0)
    async with loaded("") as on, loaded("", prefill=False) as off:
        continued, answered = await answer(on, request), await answer(off, request)
        assert continued.usage is not None
        assert answered.usage is not None
        assert answered.usage.prompt_tokens > continued.usage.prompt_tokens


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_threads_are_those_asked_for(models: Path) -> None:
    def count() -> int:
        return len(list(Path("/proc/self/task").iterdir()))

    async def started(threads: int) -> int:
        before = count()
        async with loaded("endless", models_dir=models, threads=threads):
            return count() - before

    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    await started(1)  # the executor's own thread stays from here on
    assert await started(3) == await started(1) + 2


@pytest.mark.parametrize("name", ["model_path", "models_dir", "n_ctx", "threads", "parallel"])
async def test_a_request_cannot_set_what_is_the_operators(name: str) -> None:
    async with loaded("") as runner:
        with pytest.raises(InputError, match="only be set by the operator"):
            await answer(runner, ChatRequest.of("Hi", params={name: 1}))
