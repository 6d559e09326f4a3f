"""An endpoint is a row of data: a name, an address, the variable of its key, and its ways."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from breeze.config import parse_config
from breeze.contracts.capability import Capability, RunnerKind
from breeze.contracts.errors import InputError
from breeze.contracts.requests import ChatRequest
from breeze.engine.engine import Engine
from breeze.engine.registry import Registry
from tests.runners import openai_server
from tests.runners.openai_server import MODEL
from tests.runners.standin import StandIn

ROW = """
[nearby]
vendor = "Nearby"
about = "A server round the corner."
key = "NEARBY_KEY"
base_url = "{url}"
capabilities = ["LLM", "TTS"]
without = ["seed"]

[nearby.extra]
colour = {{ kind = "choice", choices = ["red", "blue"], sent = "look.colour", about = "Which" }}
team = {{ sent = "header:X-Team", about = "Who pays" }}
"""


@pytest.fixture
async def server() -> AsyncIterator[StandIn]:
    async with StandIn.serving(openai_server.answer) as server:
        yield server


def written(folder: Path, text: str) -> Path:
    file = folder / "openai.rows.toml"
    file.write_text(text)
    return file


async def test_adding_an_endpoint_is_one_row(tmp_path: Path, server: StandIn) -> None:
    made = Registry(rows=[written(tmp_path, ROW.format(url=server.url))]).load("nearby")
    environ = {"NEARBY_KEY": "key-of-nearby", "BREEZE_NEARBY_TEAM": "red team"}
    config = parse_config({}).config
    async with Engine.open(
        home=tmp_path, config=config, runners=[made], environ=environ, ledger=False
    ) as engine:
        asked = ChatRequest.of(
            "Hi", runner="nearby", max_tokens=2, seed=3, params={"colour": "blue"}
        )
        answer = await engine.run(asked)
        statuses = {status.name: status for status in engine.runners()}
    assert (answer.text, answer.runner) == ("word0 word1 ", "nearby")
    assert (answer.metadata or {})["model_name"] == MODEL
    assert [a.field for a in answer.adjustments] == ["seed"]
    sent = server.requests[-1]
    assert sent.headers["authorization"] == "Bearer key-of-nearby"
    assert sent.headers["x-team"] == "red team"
    assert sent.json["look"] == {"colour": "blue"}
    assert statuses["nearby"].capabilities == (Capability.LLM, Capability.TTS)


def test_a_row_is_a_runner_of_its_own(tmp_path: Path) -> None:
    registry = Registry(rows=[written(tmp_path, ROW.format(url="https://nearby.example/v1"))])
    assert "nearby" in registry.names
    found, base = registry.load("nearby"), registry.load("openai")
    assert issubclass(found, base)
    assert registry.load("nearby") is found
    assert (found.info.name, found.info.vendor) == ("nearby", "Nearby")
    assert found.info.description == "A server round the corner."
    facts = found.parameters_type.facts
    assert facts["base_url"].default == "https://nearby.example/v1"
    assert facts["api_key"].env == "NEARBY_KEY"
    assert not facts["base_url"].env, "the variable of the base runner's vendor is not the row's"
    assert facts["timeout"].high == base.parameters_type.facts["timeout"].high
    assert base.info.name == "openai"
    assert base.parameters_type.facts["api_key"].env == "OPENAI_API_KEY"


def test_its_own_host_needs_its_key_and_no_other(tmp_path: Path) -> None:
    registry = Registry(rows=[written(tmp_path, ROW.format(url="https://nearby.example/v1"))])
    kind = registry.load("nearby")
    why = kind(kind.parameters_type.of({})).check()
    assert why == "no API key: set NEARBY_KEY or run `breeze settings set nearby api_key`"
    elsewhere = {"base_url": "http://127.0.0.1:9/v1"}
    assert kind(kind.parameters_type.of(elsewhere)).check() is None


def test_facts_of_a_row(tmp_path: Path) -> None:
    more = 'kind = "LOCAL"\nautomatic = false\nkey'
    text = ROW.format(url="https://nearby.example/v1").replace("key", more, 1)
    info = Registry(rows=[written(tmp_path, text)]).load("nearby").info
    assert (info.kind, info.automatic) == (RunnerKind.LOCAL, False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[a]\nvendor = "A"\nabout = "It."\nbase_ulr = "x"', "did you mean 'base_url'"),
        ('[a]\nvendor = "A"', "vendor and about are needed"),
        ('[a]\nvendor = "A"\nabout = "It."\nextra = {b = {abuot = "x"}}', "did you mean 'about'"),
        ('[a]\nvendor = "A"\nabout = "It."\nextra = {b = {about = "x", kind = "lump"}}',
         "kind must be text"),
        ("[a", "Expected"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_used_says_why(tmp_path: Path, text: str, said: str) -> None:
    registry = Registry(rows=[written(tmp_path, text)])
    with pytest.raises(InputError, match=said) as caught:
        registry.load("a")
    assert "openai.rows.toml" in caught.value.message


def test_a_broken_row_takes_no_other_down(tmp_path: Path) -> None:
    text = '[broken]\nvendor = "A"\n' + ROW.format(url="https://nearby.example/v1")
    registry = Registry(rows=[written(tmp_path, text)])
    assert registry.load("nearby").info.vendor == "Nearby"
