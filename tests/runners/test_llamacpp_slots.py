"""Streams at once go through in one step, and a conversation finds what is still known of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.messages import Message
from breeze.contracts.requests import ChatRequest, EmbedRequest
from breeze.contracts.results import collect
from breeze.contracts.threads import Outlet
from breeze.contracts.values import Usage
from breeze.runners._llamacpp_parameters import LlamaCppParameters
from breeze.runners._llamacpp_server import LlamaServer
from breeze.runners._llamacpp_shelf import find
from breeze.runners._llamacpp_slots import Slots
from breeze.runners.llamacpp import LlamaCppRunner
from tests.runners.llamacpp_files import answer
from tests.runners.llamacpp_files import loaded as loaded
from tests.runners.llamacpp_files import models as models

LONG = "x" * 600


class _Shown(LlamaCppRunner):
    """The runner with a look at what llama.cpp counts."""

    def figures(self) -> dict[str, float]:
        assert self._server is not None
        return self._server.figures()


async def steps(folder: Path, model: str, requests: list[Any], **parameters: Any) -> float:
    """How many of llama.cpp's steps it takes to answer these at the same time."""
    runner = _Shown(LlamaCppParameters.of({"models_dir": folder, **parameters}))
    await runner.load(model)
    try:
        await asyncio.gather(*(collect(runner.stream(request)) for request in requests))
        return runner.figures()["n_decode_total"]
    finally:
        await runner.unload()


async def test_four_streams_take_the_steps_of_little_more_than_one(models: Path) -> None:
    requests = [ChatRequest.of("Go", max_tokens=300) for _ in range(4)]
    together = await steps(models, "endless", requests)
    in_turn = await steps(models, "endless", requests, parallel=1)
    assert in_turn > 1190
    assert together < in_turn / 2


async def test_texts_to_embed_go_through_several_at_once(models: Path) -> None:
    one = [EmbedRequest(tuple(f"text {n}" for n in range(40)))]
    many = [EmbedRequest.of(f"text {n}") for n in range(40)]
    in_turn = await steps(models, "embedder", one, parallel=1)
    assert await steps(models, "embedder", one) <= in_turn / 2
    assert await steps(models, "embedder", many) < in_turn


async def read(runner: LlamaCppRunner, *turns: Message, **fields: Any) -> int:
    """How many tokens of the prompt had to be read."""
    found = await answer(runner, ChatRequest(turns, max_tokens=1, temperature=0.0, **fields))
    assert isinstance(found.usage, Usage)
    return found.usage.prompt_tokens - found.usage.cached_tokens


def user(text: str) -> Message:
    return Message("user", text)


async def test_a_session_reads_only_what_is_new(models: Path) -> None:
    async with loaded("endless", models_dir=models, parallel=2) as runner:
        mine, other = {"session_id": "mine"}, {"session_id": "other"}
        talk = [user("a" + LONG)]
        assert await read(runner, *talk, **mine) > 600
        assert await read(runner, user("b" + LONG), **other) > 600
        talk += [Message("assistant", "tick"), user("more")]
        assert await read(runner, *talk, **mine) < 20
        assert await read(runner, user("b" + LONG), Message("user", "more"), **other) < 20
        talk += [Message("assistant", "tick"), user("more")]
        assert await read(runner, *talk, **mine) < 20


async def test_those_without_a_session_leave_it_its_place(models: Path) -> None:
    async with loaded("endless", models_dir=models, parallel=2) as runner:
        mine = {"session_id": "mine"}
        await read(runner, user("a" + LONG), **mine)
        for letter in "bcde":
            assert await read(runner, user(letter + LONG)) > 600
        assert await read(runner, user("a" + LONG), user("more"), **mine) < 20


async def test_a_conversation_that_goes_on_is_known_without_a_session(models: Path) -> None:
    async with loaded("endless", models_dir=models, parallel=3) as runner:
        for letter in "ab":
            await read(runner, user(letter + LONG))
        for letter in "ab":
            going_on = (user(letter + LONG), Message("assistant", "tick"), user("more"))
            assert await read(runner, *going_on) < 20


async def test_the_session_that_rested_longest_gives_way(models: Path) -> None:
    async with loaded("endless", models_dir=models, parallel=2) as runner:
        for name in "abac":
            await read(runner, user(name + LONG), session_id=name)
        assert await read(runner, user("a" + LONG), user("more"), session_id="a") < 20
        assert await read(runner, user("b" + LONG), user("more"), session_id="b") > 600


async def test_a_busy_slot_does_not_hold_its_session_up() -> None:
    outlet: Outlet[int] = Outlet(asyncio.get_running_loop(), 1)
    slots = Slots(2)
    with slots.take(outlet, "mine") as first, slots.take(outlet, "mine") as second:
        assert {first, second} == {0, 1}


@pytest.mark.parametrize("parallel", [1, 2, 3, 4])
def test_an_embedding_model_has_slots_that_divide_a_step(models: Path, parallel: int) -> None:
    parameters = LlamaCppParameters.of({"models_dir": models, "parallel": parallel})
    server = LlamaServer(find("embedder", parameters), parameters)
    try:
        texts = ["y" * n for n in range(1, 480, 60)]
        vectors, tokens = server.embed(texts)
        alone = [server.embed([text])[0][0] for text in texts]
        assert server.width in (1, 2, 4)
        assert tokens == sum(map(len, texts))
        assert vectors == alone
    finally:
        server.close()
