"""The llama_stack runner in the engine: found, chosen, passed over, and its key kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from breeze.config import parse_config
from breeze.contracts.answers import ChatAnswer
from breeze.contracts.errors import UnavailableError
from breeze.contracts.messages import ImagePart, Message, TextPart
from breeze.contracts.requests import ChatRequest, EmbedRequest, ModerateRequest
from breeze.engine.engine import Engine
from breeze.testing.media import png
from breeze.testing.standins.llama_stack import LlamaStackStandin

SEEDS = "com.mtkresearch.breezeapp.engine.runner.llamastack.LlamaStackRunner"
LOOK = Message("user", (TextPart("What is it?"), ImagePart(png(8, 8))))


@pytest.fixture
async def vendor() -> AsyncIterator[LlamaStackStandin]:
    async with LlamaStackStandin.serving() as vendor:
        yield vendor


@asynccontextmanager
async def engine(
    home: Path, runners: dict[str, Any], environ: dict[str, str] | None = None, **settings: Any
) -> AsyncIterator[Engine]:
    given = {"capabilities": {"LLM": {"runners": runners}, "VLM": {"runners": runners}}}
    config = parse_config({**given, "globalSettings": settings}).config
    async with Engine.open(home=home, config=config, environ=environ or {}, ledger=False) as made:
        yield made


def stack(vendor: LlamaStackStandin, **more: Any) -> dict[str, Any]:
    return {"class": SEEDS, "parameters": {"endpoint": vendor.url, **more}}


async def asked(made: Engine, request: ChatRequest | None = None) -> ChatAnswer:
    answer = await made.run(request or ChatRequest.of("Who are you?", max_tokens=8))
    assert isinstance(answer, ChatAnswer)
    return answer


async def test_it_stands_beside_a_local_model_which_comes_first(
    tmp_path: Path, vendor: LlamaStackStandin
) -> None:
    runners = {"near": {"class": "llamacpp"}, "far": stack(vendor, enable_vision=True)}
    async with engine(tmp_path, runners) as made:
        local = await asked(made)
        named = await asked(made, ChatRequest.of("Hi", runner="far"))
        picture = await asked(made, ChatRequest((LOOK,)))
    assert (local.runner, named.runner, picture.runner) == ("near", "far", "far")
    assert named.text == "You said: Hi"
    assert (picture.metadata or {})["request_type"] == "VLM"


def everything(url: str, **parameters: Any) -> Any:
    """One instance for several kinds of work, whose modelId is that of chat."""
    entry = {"class": "llama_stack", "parameters": {"endpoint": url, **parameters}}
    chats = {**entry, "modelId": "local/parrot"}
    kinds = {"LLM": chats, "GUARDIAN": entry, "EMBEDDING": entry}
    found = {kind: {"runners": {"stack": one}} for kind, one in kinds.items()}
    return parse_config({"capabilities": found}).config


@pytest.mark.parametrize(("profile", "judge"), [("0.7", "local/guard"), ("0.2.14", "guard")])
async def test_who_judged_is_told(tmp_path: Path, profile: str, judge: str) -> None:
    async with (
        LlamaStackStandin.serving(profile=profile) as vendor,
        Engine.open(home=tmp_path, config=everything(vendor.url), ledger=False) as made,
    ):
        named = await made.run(ModerateRequest("Good morning.", model="stack/guard"))
        usual = await made.run(ModerateRequest("Good morning.", runner="stack"))
    assert [(a.metadata or {})["model_name"] for a in (named, usual)] == [judge, judge]
    assert (named.adjustments, usual.model) == ((), judge)
    (note,) = usual.adjustments  # modelId is no shield
    assert (note.field, note.asked, note.used) == ("model", "local/parrot", judge)


async def test_each_kind_of_work_has_the_model_that_is_set_for_it(
    tmp_path: Path, vendor: LlamaStackStandin
) -> None:
    config = everything(vendor.url, embedding_model="local/words")
    async with Engine.open(home=tmp_path, config=config, ledger=False) as made:
        vectors = await made.run(EmbedRequest(("Hello",), runner="stack"))
        text = await made.run(ChatRequest.of("Hi", runner="stack"))
    assert (vectors.model, text.model) == ("local/words", "local/parrot")


async def test_nobody_is_asked_who_was_not_configured(tmp_path: Path) -> None:
    async with Engine.open(
        home=tmp_path, config=parse_config({}).config, environ={"LLAMA_STACK_CLIENT_API_KEY": "k"},
        ledger=False,
    ) as made:  # fmt: skip
        assert (await asked(made)).runner == "llamacpp"


async def test_a_server_that_is_down_is_passed_over(
    tmp_path: Path, vendor: LlamaStackStandin
) -> None:
    await vendor.stop_listening()
    both = {"far": {**stack(vendor), "priority": 1}, "near": {"class": "llamacpp", "priority": 9}}
    async with engine(tmp_path, both, strategy="PRIORITY_BASED") as made:
        answer = await asked(made, ChatRequest.of("Who are you?", runner="far"))
        assert answer.runner == "near"
        assert {attempt.code for attempt in answer.attempts} == {"E501"}
    async with engine(tmp_path, {"far": stack(vendor)}, failover={"attempts": 1}) as made:
        with pytest.raises(UnavailableError):
            await asked(made, ChatRequest.of("Hi", runner="far", strict=True))


async def test_the_vendors_key_goes_to_the_vendor_only(
    tmp_path: Path, vendor: LlamaStackStandin
) -> None:
    environ = {"LLAMA_STACK_CLIENT_API_KEY": "of-the-vendor"}
    async with engine(tmp_path, {"far": stack(vendor)}, environ) as made:
        await asked(made, ChatRequest.of("Hi", runner="far"))
    assert {call.headers.get("authorization") for call in vendor.calls} == {None}
