"""GET /v1/models and /v1/models/{id}, with the official client and without."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from breeze.config.model import EngineConfig
from breeze.contracts.capability import Capability, RunnerKind
from breeze.contracts.errors import UnavailableError
from breeze.contracts.events import Finish, TextDelta
from breeze.contracts.runner import ModelInfo
from breeze.testing.scripted import Script, scripted
from tests.http.conftest import Serve
from tests.http.openai_wire import ask, official

PATH = "/v1/models"
HELLO = [TextDelta("Hello"), Finish()]
SERVED = (
    ModelInfo("org/big:7b", (Capability.LLM, Capability.VLM), "A big one", context=8192),
    ModelInfo("small"),
)


def shop(**facts: Any) -> tuple[Script, Any]:
    """A runner that serves two models, and its script."""
    script = Script(HELLO, models=SERVED)
    return script, scripted("shop", script, vision=True, **facts)


async def test_every_name_that_a_request_may_use_is_listed_once(serve: Serve) -> None:
    _, runner = shop()
    async with serve(runners=[runner]) as server, official(server) as client:
        names = [model.id async for model in client.models.list()]
        assert names[0] == "auto"
        assert {"shop", "shop/org/big:7b", "org/big:7b", "shop/small", "small"} <= {*names}
        assert {"mock_llm", "mock_llm/mock-llm-basic"} <= {*names}
        assert len(names) == len({*names})
        for name in ("auto", "shop", "shop/org/big:7b", "org/big:7b", "small"):
            answer = await client.chat.completions.create(
                model=name, messages=[{"role": "user", "content": "Hi"}]
            )
            assert answer.choices[0].message.content


async def test_a_mock_is_never_found_by_the_name_of_its_model_alone(serve: Serve) -> None:
    async with serve() as server, official(server) as client:
        names = {model.id async for model in client.models.list()}
    assert "mock-llm-basic" not in names


@pytest.mark.parametrize(
    "path", ["org/big:7b", "org%2Fbig%3A7b", "shop/org/big:7b", "shop%2Fsmall"]
)
async def test_an_id_may_hold_slashes_encoded_or_not(serve: Serve, path: str) -> None:
    _, runner = shop()
    async with serve(runners=[runner]) as server:
        raw = await ask(server, "GET", f"{PATH}/{path}")
    assert raw.status == 200
    assert raw.json["id"] == path.replace("%2F", "/").replace("%3A", ":")


async def test_the_official_client_finds_an_id_with_a_slash(serve: Serve) -> None:
    _, runner = shop()
    async with serve(runners=[runner]) as server, official(server) as client:
        found = await client.models.retrieve("org/big:7b")
    assert (found.id, found.object, found.owned_by) == ("org/big:7b", "model", "Script")


async def test_an_entry_says_what_the_model_is(serve: Serve) -> None:
    _, runner = shop(default_model="org/big:7b")
    async with serve(runners=[runner]) as server:
        raw = await ask(server, "GET", f"{PATH}/org/big:7b")
        instance = await ask(server, "GET", f"{PATH}/shop")
        mock = await ask(server, "GET", f"{PATH}/mock_image")
    entry = raw.json
    assert entry["max_model_len"] == entry["context_length"] == 8192
    assert entry["architecture"] == {
        "input_modalities": ["text", "image"],
        "output_modalities": ["text"],
    }
    assert entry["breeze"] == {
        "capabilities": ["LLM", "VLM"], "runner": "shop", "instance": "shop", "kind": "LOCAL",
        "mock": False, "available": True, "reason": "", "description": "A big one",
    }  # fmt: skip
    assert instance.json["context_length"] == 8192
    assert mock.json["breeze"]["mock"] is True
    assert mock.json["architecture"]["output_modalities"] == ["image"]


async def test_the_list_and_the_single_entry_agree_and_stay_the_same(serve: Serve) -> None:
    async with serve() as server:
        first, second = await ask(server, "GET", PATH), await ask(server, "GET", PATH)
        one = await ask(server, "GET", f"{PATH}/auto")
    assert first.body == second.body
    assert one.json == first.json["data"][0]
    assert all(type(entry["created"]) is int for entry in first.json["data"])


async def test_who_cannot_work_is_listed_with_the_reason(serve: Serve) -> None:
    script = Script(HELLO, reason="no key: set SHOP_KEY")
    config = EngineConfig.model_validate(
        {
            "version": "2.0",
            "capabilities": {
                "LLM": {
                    "runners": {"off": {"class": "shop", "enabled": False}, "on": {"class": "shop"}}
                }
            },
        }
    )
    async with serve(runners=[scripted("shop", script)], config=config) as server:
        raw = await ask(server, "GET", f"{PATH}/shop")
        off = await ask(server, "GET", f"{PATH}/off")
    facts = raw.json["breeze"]
    assert (facts["available"], facts["reason"]) == (False, "no key: set SHOP_KEY")
    assert off.json["breeze"]["available"] is False
    assert "disabled" in off.json["breeze"]["reason"]


async def test_looking_wakes_no_model(serve: Serve) -> None:
    script, runner = shop(kind=RunnerKind.LOCAL)
    async with serve(runners=[runner]) as server, official(server) as client:
        await client.models.list()
        await client.models.retrieve("small")
        states = {status.name: status.state for status in server.engine.runners()}
    assert (script.loads, states["shop"]) == (0, "absent")


async def test_a_runner_that_cannot_tell_its_models_is_still_there(serve: Serve) -> None:
    class Mute(scripted("mute", Script(HELLO))):  # type: ignore[misc]
        async def models(self) -> tuple[ModelInfo, ...]:
            raise UnavailableError("no network")

    async with serve(runners=[Mute]) as server:
        raw = await ask(server, "GET", PATH)
    names = [entry["id"] for entry in raw.json["data"]]
    assert [name for name in names if name.startswith("mute")] == ["mute"]


async def test_an_unknown_model_is_not_found_and_the_nearest_is_named(serve: Serve) -> None:
    _, runner = shop()
    async with serve(runners=[runner]) as server, official(server) as client:
        with pytest.raises(openai.NotFoundError) as unknown:
            await client.models.retrieve("smal")
        raw = await ask(server, "GET", f"{PATH}/%FF")
    assert unknown.value.code == "model_not_found"
    assert "Did you mean small" in unknown.value.message
    assert (raw.status, raw.error["param"]) == (400, "path")
