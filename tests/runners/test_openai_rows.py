"""The endpoints that ship as rows: each can be used, and none claims what it has not."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

import breeze.runners
from breeze.config import parse_config
from breeze.contracts.capability import Capability
from breeze.contracts.requests import ChatRequest
from breeze.engine.engine import Engine
from breeze.engine.registry import Registry
from breeze.testing.conformance import check_runner
from breeze.testing.standins.openai import OpenAIStandin
from tests.runners import openai_server
from tests.runners.openai_server import MODEL
from tests.runners.openai_vendor import KEY
from tests.runners.standin import StandIn

FILE = Path(breeze.runners.__path__[0]) / "openai.rows.toml"
ROWS = tomllib.loads(FILE.read_text(encoding="utf-8"))
REGISTRY = Registry()
PROFILES = {
    "openrouter": "openrouter", "vllm": "vllm", "llamacpp_server": "llamacpp",
    "lm_studio": "lmstudio", "hf_router": "hf-router",
    "mistral": "openrouter", "perplexity": "openrouter",  # they tell tokens without being asked
}  # fmt: skip
"""Rows whose ways the stand-in knows."""
OWN = {"vllm", "llamacpp_server", "lm_studio", "localai"}
"""Servers of one's own: they need no key and are not chosen unless they are named."""


@pytest.mark.parametrize("name", ROWS)
def test_a_row_makes_a_runner(name: str) -> None:
    kind = REGISTRY.load(name)
    found = kind.parameters_type.validate_parameters({})
    assert found.ok, found.errors
    does = kind.capabilities_of(found.parameters)
    assert 0 < len(does) < len(Capability)
    assert does == tuple(c for c in Capability if c in does)
    assert kind.info.vendor == ROWS[name]["vendor"]


@pytest.mark.parametrize("name", ROWS)
def test_a_key_is_needed_where_a_vendor_wants_one(name: str) -> None:
    kind = REGISTRY.load(name)
    bare, keyed = (kind(kind.parameters_type.of(v)) for v in ({}, {"api_key": "k-1"}))
    reason = bare.check() or ""
    assert keyed.check() is None
    if name in OWN:
        assert not reason
        assert not kind.info.automatic
    else:
        assert f"set {ROWS[name]['key']} or" in reason
        assert kind.info.automatic
        assert kind.parameters_type.facts["base_url"].default.startswith("https://")


@pytest.mark.parametrize("name", ROWS)
async def test_a_row_answers(name: str, tmp_path: Path) -> None:
    """Each can be used by its name as `class`, with its own quirks, at another address too."""
    async with StandIn.serving(openai_server.answer) as server:
        runner = {"class": name, "modelId": MODEL, "parameters": {"base_url": server.url}}
        file = {"capabilities": {"LLM": {"runners": {"mine": runner}}}}
        config = parse_config(file).config
        async with Engine.open(home=tmp_path, config=config, environ={}, ledger=False) as engine:
            answer = await engine.run(ChatRequest.of("Hi", max_tokens=2))
    assert (answer.text, answer.runner) == ("word0 word1 ", "mine")


@pytest.mark.parametrize("name", ROWS)
async def test_a_row_passes_the_kit(name: str) -> None:
    """But for what takes long, which the runner itself is put through."""
    rules = ("info", "parameters.d", "parameters.r", "parameters.t", "parameters.u", "stream")
    async with OpenAIStandin.serving(profile=PROFILES.get(name, ""), strict=False) as vendor:
        values = {"base_url": vendor.url, "api_key": KEY}
        report = await check_runner(REGISTRY.load(name), values, only=rules)
    assert report.ok, report.render()


async def test_the_key_of_one_endpoint_goes_to_no_other(tmp_path: Path) -> None:
    """A vendor's variable speaks to that vendor's own host."""
    async with StandIn.serving(openai_server.answer) as server:
        runner = {"class": "groq", "modelId": MODEL, "parameters": {"base_url": server.url}}
        file = {"capabilities": {"LLM": {"runners": {"mine": runner}}}}
        environ = {"GROQ_API_KEY": "gsk-1", "OPENAI_API_KEY": "sk-1"}
        config = parse_config(file).config
        async with Engine.open(
            home=tmp_path, config=config, environ=environ, ledger=False
        ) as engine:
            await engine.run(ChatRequest.of("Hi"))
    assert "authorization" not in server.requests[0].headers


async def test_servers_of_ones_own_are_not_chosen_unless_named(tmp_path: Path) -> None:
    config = parse_config({}).config
    async with Engine.open(home=tmp_path, config=config, environ={}, ledger=False) as engine:
        decision = await engine.explain(ChatRequest.of("Hi"))
        statuses = {status.name: status for status in engine.runners()}
        models = await engine.models()
    assert not OWN & {choice.name for choice in decision.order}
    assert {name for name, status in statuses.items() if status.offered} == {*ROWS}
    assert not OWN & models.keys(), "nobody is asked on this machine without being named"


async def test_an_instance_does_what_it_is_configured_for(tmp_path: Path) -> None:
    """Beyond what is usual for a server that nobody knows."""
    runner = {"class": "openai", "parameters": {"base_url": "http://127.0.0.1:9/v1"}}
    file = {"capabilities": {"LLM": {"runners": {"mine": runner}},
                             "TTS": {"runners": {"mine": runner}}}}  # fmt: skip
    config = parse_config(file).config
    async with Engine.open(home=tmp_path, config=config, environ={}, ledger=False) as engine:
        statuses = {status.name: status for status in engine.runners()}
    assert statuses["mine"].capabilities == (
        Capability.LLM, Capability.VLM, Capability.TTS, Capability.EMBEDDING,
    )  # fmt: skip
    assert statuses["openai"].capabilities == tuple(Capability)


async def test_what_a_gateway_tells_beside_the_text(tmp_path: Path) -> None:
    """What it cost, what its models cost and take; and it is told who asks."""
    async with OpenAIStandin.serving(profile="openrouter") as vendor:
        values = {"base_url": vendor.url, "app_url": "https://app.example"}
        runner = {"class": "openrouter", "modelId": "acme/parrot-1", "parameters": values}
        file = {"capabilities": {"LLM": {"runners": {"mine": runner}}}}
        config = parse_config(file).config
        environ = {"BREEZE_MINE_API_KEY": KEY}
        async with Engine.open(
            home=tmp_path, config=config, environ=environ, ledger=False
        ) as engine:
            answers: list[Any] = [await engine.run(ChatRequest.of("Hi"))]
            async with engine.stream(ChatRequest.of("Hi")) as events:
                answers.append(await events.result())
            (model,) = (await engine.models())["mine"]
    for answer in answers:
        assert answer.usage is not None
        assert (answer.usage.cost or 0) > 0
    assert model.metadata["pricing"]["prompt"] == "0.00000015"
    assert "tools" in model.metadata["supported_parameters"]
    assert model.context == 128_000
    assert {call.headers.get("http-referer") for call in vendor.calls} == {"https://app.example"}
    assert {call.headers.get("x-openrouter-title") for call in vendor.calls} == {"Breeze Engine"}
