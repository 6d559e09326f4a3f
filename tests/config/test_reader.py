"""config.json: what it may say, and what is noticed in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from breeze.config import EngineConfig, RunnerEntry, parse_config, read_config
from breeze.contracts.capability import Capability, RunnerKind, Strategy
from breeze.contracts.errors import InputError
from tests.config import strategies as draw

SAMPLE = Path(__file__).with_name("seed_000.json")
SMALLEST = """{"version": "2.0", "capabilities": {"LLM": {"runners": {
  "primary":  {"class": "openai", "priority": 10, "modelId": "big",
               "parameters": {"base_url": "http://127.0.0.1:9001/v1", "api_key": "k1"}},
  "fallback": {"class": "openai", "priority": 20, "modelId": "small",
               "parameters": {"base_url": "http://127.0.0.1:9002/v1", "api_key": "k2"}}}}}}"""


def llm(**runners: Any) -> dict[str, Any]:
    return {"capabilities": {"LLM": {"runners": runners}}}


def notices(data: dict[str, Any]) -> list[str]:
    return [str(notice) for notice in parse_config(data).notices]


def test_the_seeds_sample_is_accepted_verbatim() -> None:
    file = read_config(SAMPLE)
    assert file.notices == ()
    assert file.config.default_strategy is Strategy.MOCK_FIRST
    settings = file.config.global_settings
    assert settings.enable_hardware_detection
    assert settings.fallback_to_mock
    assert settings.max_init_retries == 3
    assert settings.default_timeout_ms == 30000
    entry = file.config.capabilities[Capability.LLM]
    assert entry.default_runner == "breeze_llm_mock_v1"
    assert entry.runners["openai_gpt35_v1"] == RunnerEntry(
        class_="com.mtkresearch.breezeapp.engine.data.runner.openai.OpenAILLMRunner",
        priority=50,
        type=RunnerKind.CLOUD,
        requirements=("INTERNET_CONNECTION",),
        model_id="gpt-3.5-turbo",
    )
    mock = entry.runners["breeze_llm_mock_v1"]
    assert mock.always_available
    assert mock.type is RunnerKind.MOCK


def test_the_smallest_useful_file(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(SMALLEST)
    read = read_config(file)
    assert read.notices == ()
    assert read.path == file
    assert {
        name: (e.class_, e.priority, e.model_id) for name, e in read.config.instances.items()
    } == {
        "primary": ("openai", 10, "big"),
        "fallback": ("openai", 20, "small"),
    }
    assert read.config.instances["primary"].parameters["base_url"] == "http://127.0.0.1:9001/v1"


def test_no_file_means_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    assert read_config(file).config == EngineConfig() == parse_config({}).config
    assert not file.exists()


def test_every_key_of_ours() -> None:
    ours = {
        "failover": {"attempts": 3, "firstEventMs": 1, "stallMs": 2, "deadlineMs": 9,
                     "afterOutput": "restart"},
        "circuit": {"failures": 1, "cooldownMs": 0},
        "memoryBudgetMb": 4000,
        "keepAliveSeconds": 1.5,
        "guardian": {"strictness": "high"},
        "server": {"port": 8765},
    }  # fmt: skip
    file = parse_config({"globalSettings": ours})
    assert [notice.path for notice in file.notices] == ["globalSettings.guardian"]
    assert all("does not act on it" in notice.message for notice in file.notices)
    read = file.config.global_settings
    assert read.failover.after_output == "restart"
    assert (read.failover.attempts, read.failover.deadline_ms) == (3, 9)
    assert (read.circuit.failures, read.circuit.cooldown_ms) == (1, 0)
    assert (read.memory_budget_mb, read.keep_alive_s) == (4000, 1.5)
    assert (read.guardian, read.server.port) == ({"strictness": "high"}, 8765)


def test_how_to_serve() -> None:
    asked = {
        "host": "0.0.0.0", "port": 0, "uds": "a.sock", "workers": 2, "tlsCert": "c.pem",
        "tlsKey": "k.pem", "allowedHosts": ["a.example"], "allowedOrigins": ["https://a.example"],
        "shutdownLimitSeconds": 5, "accessLog": "-", "logLevel": "info",
        "apiKeys": [{"name": "ada", "key": "k1", "role": "operate"}, {"name": "bob", "key": "k2"}],
        "limits": {"bodyMib": 1, "headKib": 2, "headSeconds": 3, "bodySeconds": 4.5},
    }  # fmt: skip
    read = parse_config({"globalSettings": {"server": asked}})
    assert read.notices == ()
    server = read.config.global_settings.server
    assert [(k.name, k.key.get_secret_value(), k.role) for k in server.api_keys] == [
        ("ada", "k1", "operate"),
        ("bob", "k2", "use"),
    ]
    written = server.model_dump(by_alias=True, mode="json")
    assert {**written, "apiKeys": asked["apiKeys"]} == asked


@pytest.mark.parametrize(
    ("server", "path", "said"),
    [
        ({"port": 65536}, ".port", "less than or equal to 65535"),
        ({"workers": 0}, ".workers", "greater than or equal to 1"),
        ({"tlsCert": "c.pem"}, "", "tlsCert and tlsKey go together"),
        ({"apiKeys": [{"name": "a", "key": " "}]}, ".apiKeys[0].key", "let everybody in"),
        ({"apiKeys": [{"name": "a", "key": "ä"}]}, ".apiKeys[0].key", "no header can carry"),
        ({"apiKeys": [{"name": "a b", "key": "k"}]}, ".apiKeys[0].name", "is no name of a key"),
        ({"apiKeys": [{"name": "a", "key": "k"}] * 2}, "", "have the same name"),
        ({"logLevel": "loud"}, ".logLevel", "'warning'"),
        ({"limits": {"bodySeconds": 0}}, ".limits.bodySeconds", "greater than 0"),
    ],
)
def test_what_cannot_be_served_is_refused(server: dict[str, Any], path: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        parse_config({"globalSettings": {"server": server}})
    assert caught.value.field == f"globalSettings.server{path}"


@pytest.mark.parametrize("mode", ["stop", "restart", "continue"])
def test_every_mode_after_output_works_as_it_says(mode: str) -> None:
    file = parse_config({"globalSettings": {"failover": {"afterOutput": mode}}})
    assert file.notices == ()


def test_unknown_keys_are_noticed_with_the_nearest_one_and_do_not_count() -> None:
    data = llm(a={"class": "x", "modelid": "m", "parameters": {"anything": 1}})
    data["defaultStategy"] = "MOCK_FIRST"
    data["globalSettings"] = {"failover": {"attempt": 9}, "server_": {}}
    file = parse_config(data)
    assert sorted(map(str, file.notices)) == [
        "capabilities.LLM.runners.a.modelid: 'modelid' is not known; did you mean 'modelId'?",
        "defaultStategy: 'defaultStategy' is not known; did you mean 'defaultStrategy'?",
        "globalSettings.failover.attempt: 'attempt' is not known; did you mean 'attempts'?",
        "globalSettings.server_: 'server_' is not known; did you mean 'server'?",
    ]
    assert file.config == parse_config(llm(a={"class": "x", "parameters": {"anything": 1}})).config


def test_the_names_of_python_are_not_those_of_the_file() -> None:
    assert notices({"default_strategy": "MOCK_FIRST"}) == [
        "default_strategy: 'default_strategy' is not known; did you mean 'defaultStrategy'?"
    ]


def test_unknown_capabilities_are_ignored_with_all_they_hold() -> None:
    file = parse_config({"capabilities": {"TSS": {"runners": {"a/b": 7}}, "ASR": {}}})
    assert [str(n) for n in file.notices] == [
        "capabilities.TSS: 'TSS' is not known; did you mean 'TTS'?"
    ]
    assert list(file.config.capabilities) == [Capability.ASR]


def test_what_is_hardly_meant_is_noticed() -> None:
    data = llm(
        main={"class": "x", "requirements": ["INTERNET"]},
        my_llm={"class": "x"},
        **{"my-llm": {"class": "x"}},
    )
    data["capabilities"]["LLM"]["defaultRunner"] = "mian"
    runner, requirement, name = parse_config(data).notices
    assert runner.path == "capabilities.LLM.defaultRunner"
    assert runner.message == "'mian' is not known; did you mean 'main'?"
    assert requirement.path == "capabilities.LLM.runners.main.requirements[0]"
    assert requirement.message.endswith("did you mean 'INTERNET_CONNECTION'?")
    assert str(name) == "my-llm: shares its environment variables with 'my_llm'; rename one"


def test_version_1_is_converted() -> None:
    file = parse_config(
        {
            "version": "1.0",
            "runners": [
                {"name": "real", "class": "a.b.OpenAIRunner", "capabilities": ["LLM", "VLM"],
                 "priority": 5, "is_real": True, "modelId": "m"},
                {"name": "fake", "class": "MockRunner", "capabilities": ["LLM", "SMELL"],
                 "priority": 9, "is_real": False, "isReal": True},
            ],
        }
    )  # fmt: skip
    real = RunnerEntry(class_="a.b.OpenAIRunner", priority=5, model_id="m")
    fake = RunnerEntry(class_="MockRunner", priority=9, type=RunnerKind.MOCK)
    assert {c: e.runners for c, e in file.config.capabilities.items()} == {
        Capability.LLM: {"real": real, "fake": fake},
        Capability.VLM: {"real": real},
    }
    assert [notice.path for notice in file.notices] == [
        "runners[1].isReal",
        "runners",
        "runners[1].capabilities[1]",
    ]
    assert file.notices[0].message == "'isReal' is not known; did you mean 'is_real'?"


def test_nothing_that_may_hold_a_secret_shows() -> None:
    data = llm(a={"class": "x", "parameters": {"api_key": "canary"}})
    data["globalSettings"] = {
        "server": {"apiKeys": [{"name": "a", "key": "canary"}]},
        "guardian": {"key": "canary"},
    }
    file = parse_config(data)
    assert "canary" not in f"{file!r} {file} {file.config.instances}"


@draw.unhurried
@given(draw.configs)
def test_a_configuration_survives_being_written_and_read(config: EngineConfig) -> None:
    text = json.dumps(config.model_dump(by_alias=True, mode="json"))
    read = parse_config(json.loads(text))
    assert read.config == config
    assert {n.message.partition(" ")[0] for n in read.notices} <= {"shares", "is", "no"}
