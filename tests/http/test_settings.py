"""Runners, models, explanations and settings over HTTP."""

from __future__ import annotations

import json
from typing import Any

from pydantic import SecretStr

from breeze.contracts.fields import integer, number, secret, text
from breeze.contracts.parameters import Parameters
from breeze.service.access import Principal, Role
from breeze.testing.scripted import Script, scripted
from tests.http.conftest import Serve
from tests.http.raw import Answer, ask, request

KEY = "sk-canary-1234567890"


class Whistle(Parameters):
    """What the whistle can be told."""

    api_key: SecretStr = secret("Key of the console", min_length=8, env="WHISTLE_KEY")
    pitch: float = number(1.0, "Pitch of the voice", low=0.5, high=2, per_request=True)
    width: int = integer(4, "Width of the voice", low=1, high=9)


whistle = scripted("whistle", Script([]), parameters=Whistle)


async def get(url: str, path: str) -> Answer:
    return await ask(url, request("GET", path))


async def patch(url: str, body: Any) -> Answer:
    return await ask(url, request("PATCH", "/v2/settings", json.dumps(body).encode()))


def parameter(answer: Answer, name: str, instance: str = "whistle") -> dict[str, Any]:
    found: list[dict[str, Any]] = answer.json["instances"][instance]["parameters"]
    return next(p for p in found if p["name"] == name)


async def test_every_runner_and_what_it_serves(serve: Serve) -> None:
    async with serve(runners=[whistle]) as server:
        runners = {r["name"]: r for r in (await get(server.url, "/v2/runners")).json["runners"]}
        assert runners["whistle"]["state"] == "absent"
        assert runners["mock_llm"]["mock"] is True
        models = (await get(server.url, "/v2/models")).json["models"]
        assert models["mock_llm"][0]["id"]
        assert set(models) <= set(runners)


async def test_who_would_answer_and_why(serve: Serve) -> None:
    asked = {"type": "chat", "messages": [{"role": "user", "content": "Hello"}]}
    async with serve(runners=[whistle]) as server:
        body = json.dumps(asked | {"runner": "whistle"}).encode()
        answer = await ask(server.url, request("POST", "/v2/explain", body))
        assert answer.status == 200
        assert answer.json["order"][0]["name"] == "whistle"
        assert answer.json["rejected"]
        assert server.engine.live == ()
        body = json.dumps(asked | {"runner": "nobody"}).encode()
        answer = await ask(server.url, request("POST", "/v2/explain", body))
        assert (answer.status, answer.json["code"]) == (404, "E404")


async def test_settings_show_every_parameter_with_its_value_and_source(serve: Serve) -> None:
    async with serve(runners=[whistle]) as server:
        answer = await get(server.url, "/v2/settings")
        pitch = parameter(answer, "pitch")
        assert (pitch["value"], pitch["kind"], pitch["low"], pitch["high"]) == (
            1.0,
            "number",
            0.5,
            2,
        )
        assert pitch["per_request"] is True
        assert answer.json["selected_runners"] == {}


async def test_a_change_is_saved_and_counts_at_once(serve: Serve) -> None:
    async with serve(runners=[whistle]) as server:
        answer = await patch(
            server.url,
            {
                "selected_runners": {"LLM": "whistle"},
                "runner_parameters": {"whistle": {"pitch": 1.5, "width": "7"}},
            },
        )
        assert answer.status == 200
        assert answer.json["warnings"] == []
        assert parameter(answer, "pitch") == parameter(
            await get(server.url, "/v2/settings"), "pitch"
        )
        assert parameter(answer, "pitch")["source"] == "saved settings"
        assert parameter(answer, "width")["value"] == 7
        parameters = server.engine.instances["whistle"].parameters
        assert isinstance(parameters, Whistle)
        assert parameters.pitch == 1.5
        saved = server.engine.layers.store.load()
        assert saved.runner_parameters == {"whistle": {"pitch": 1.5, "width": 7}}
        explained = await ask(
            server.url, request("POST", "/v2/explain", b'{"type":"chat","messages":[]}')
        )
        assert explained.json["order"][0]["name"] == "whistle"


async def test_null_forgets(serve: Serve) -> None:
    async with serve(runners=[whistle]) as server:
        chosen = {"selected_runners": {"LLM": "whistle"}}
        await patch(server.url, chosen | {"runner_parameters": {"whistle": {"pitch": 1.5}}})
        nothing = {"selected_runners": {"LLM": None}}
        answer = await patch(
            server.url, nothing | {"runner_parameters": {"whistle": {"pitch": None}}}
        )
        assert answer.json["selected_runners"] == {}
        assert (parameter(answer, "pitch")["value"], server.engine.layers.store.secrets()) == (
            1,
            {},
        )


async def test_a_secret_goes_in_and_never_comes_out(serve: Serve) -> None:
    async with serve(runners=[whistle]) as server:
        answer = await patch(server.url, {"runner_parameters": {"whistle": {"api_key": KEY}}})
        assert answer.status == 200
        shown = parameter(answer, "api_key")
        assert shown["set"] is True
        assert "value" not in shown
        assert server.engine.layers.store.secrets() == {"whistle": {"api_key": KEY}}
        assert "whistle" not in server.engine.layers.store.load().runner_parameters
        for path in ("/v2/settings", "/v2/runners", "/v2/models", "/metrics"):
            assert KEY.encode() not in (await get(server.url, path)).body
        wrong = {"whistle": {"api_key": [KEY], "pitch": KEY, KEY: 1}}
        answer = await patch(server.url, {"runner_parameters": wrong})
        assert answer.status == 400


async def test_all_findings_come_at_once_and_nothing_is_saved(serve: Serve) -> None:
    async with serve(runners=[whistle]) as server:
        answer = await patch(
            server.url,
            {
                "selected_runners": {"LLM": "wistle", "TTS": "whistle", "XXX": "whistle"},
                "runner_parameters": {
                    "whistle": {"pitch": 9, "widht": 3, "api_key": " ", "width": 5},
                    "nobody": {"x": 1},
                },
            },
        )
        assert answer.status == 400
        assert answer.json["data"]["fields"].keys() == {
            "selected_runners.LLM",
            "selected_runners.TTS",
            "selected_runners.XXX",
            "runner_parameters.whistle.pitch",
            "runner_parameters.whistle.widht",
            "runner_parameters.whistle.api_key",
            "runner_parameters.nobody",
        }
        assert "did you mean 'width'" in answer.json["message"]
        store = server.engine.layers.store
        assert (store.load().selected_runners, store.load().runner_parameters) == ({}, {})


async def test_an_unknown_field_is_refused_by_name(serve: Serve) -> None:
    async with serve() as server:
        answer = await patch(server.url, {"selected_runner": {}})
        assert answer.status == 400
        assert answer.json["field"] == "selected_runner"
        assert "did you mean 'selected_runners'?" in answer.json["message"]


async def test_only_operators_see_and_change_settings(serve: Serve) -> None:
    def user(_: bytes) -> Principal:
        return Principal("anna", Role.USE)

    async with serve(app={"authenticate": user}) as server:
        assert (await get(server.url, "/v2/settings")).status == 403
        assert (await patch(server.url, {})).status == 403
        assert (await get(server.url, "/v2/runners")).status == 200


class Remote(Parameters):
    """A server elsewhere."""

    base_url: str = text("http://one.example/v1", "Address of the server")
    api_key: SecretStr = secret("Key of that server")


async def test_a_saved_key_does_not_follow_an_address_to_another_host(serve: Serve) -> None:
    remote = scripted("remote", Script([]), parameters=Remote)
    async with serve(runners=[remote]) as server:

        async def save(**values: Any) -> Answer:
            return await patch(server.url, {"runner_parameters": {"remote": values}})

        assert (await save(api_key=KEY)).status == 200
        moved = await save(base_url="http://two.example/v1")
        assert (moved.status, moved.json["field"]) == (400, "runner_parameters.remote.base_url")
        assert "api_key is for one.example" in moved.json["message"]
        assert KEY.encode() not in moved.body
        assert (await save(base_url="http://one.example/v2")).status == 200
        assert (await save(base_url="http://two.example/v1", api_key=f"{KEY}2")).status == 200
        assert (await save(base_url="http://three.example/v1", api_key=None)).status == 200
