"""The commands that look: help, runners, explain, models, completion."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from breeze.surfaces.cli import COMMANDS
from breeze.surfaces.cli import breeze as breeze_command
from breeze.version import __version__
from tests.cli.conftest import Shell


def help_of(*command: str) -> str:
    shown = CliRunner().invoke(breeze_command, [*command, "--help"], prog_name="breeze")
    assert shown.exit_code == 0
    return shown.output


@pytest.fixture(scope="module")
def helps() -> dict[str, str]:
    """The help of every command."""
    return {name: help_of(name) for name in COMMANDS}


def test_the_help_lists_every_command_with_what_it_does() -> None:
    listed = help_of()
    for name in COMMANDS:
        (line,) = (line for line in listed.splitlines() if line.startswith(f"  {name} "))
        assert line.endswith(".")
        assert not line.endswith("...")
    assert "130 cancelled" in listed


def test_every_command_helps(helps: dict[str, str]) -> None:
    assert all(text.startswith(f"Usage: breeze {name}") for name, text in helps.items())


@pytest.mark.parametrize("name", ["chat", "see", "say", "listen", "guard", "draw", "embed"])
def test_every_work_command_takes_the_same_options(name: str, helps: dict[str, str]) -> None:
    route = ("--runner", "--model", "--strict", "--param", "--config", "--url", "--key")
    common = (*route, "--deadline", "--json")
    assert [option for option in common if option not in helps[name]] == []


def test_version(breeze: Shell) -> None:
    assert breeze("--version").text == f"breeze, version {__version__}\n"


def test_runners_says_who_is_there_and_who_cannot_work(strangers: Shell) -> None:
    table = strangers("runners", "chat").text.splitlines()
    rows = {line.split()[0]: line for line in table[1:]}
    assert "MOCK" in rows["mock_llm"]
    assert "available" in rows["mock_llm"]
    assert "unavailable" in rows["keyed"]
    assert "Key to the door" in rows["keyed"] or "required" in rows["keyed"]
    assert "mock_tts" not in rows


def test_runners_for_a_program(strangers: Shell) -> None:
    found = [json.loads(line) for line in strangers("runners", "LLM", "--json").text.splitlines()]
    assert {"mock_llm", "steady"} <= {status["name"] for status in found}
    assert all(status["mock"] == ("mock" in status["name"]) for status in found)


def test_explain_gives_the_order_the_reasons_and_the_decision(strangers: Shell) -> None:
    done = strangers("explain", "chat", "--runner", "steady", "--json")
    decision = json.loads(done.text)
    first = decision["order"][0]
    assert (first["name"], first["why"]) == ("steady", "named by the request")
    reasons = {each["name"]: each["why"] for each in decision["rejected"]}
    assert reasons["mock_tts"] == "cannot do LLM"
    assert reasons["mock_llm"].startswith("a mock answers only under MOCK_FIRST")
    table = strangers("explain", "LLM", "--runner", "steady").text
    assert decision["id"] in table.splitlines()[0]
    assert "named by the request" in table


def test_the_decision_is_the_one_that_the_answer_carries(mocked: Shell) -> None:
    decided = json.loads(mocked("explain", "chat", "--json").text)["id"]
    answered = json.loads(mocked("chat", "hi", "--json").out.splitlines()[-1])
    assert answered["result"]["decision"] == decided


@pytest.mark.parametrize("asked", ["see", "VLM", "vlm"])
def test_a_command_stands_for_what_it_needs(mocked: Shell, asked: str) -> None:
    assert mocked("explain", asked).text.startswith("VLM by LOCAL_FIRST")


def test_what_is_neither_is_refused(mocked: Shell) -> None:
    done = mocked("explain", "sing")
    assert done.code == 2
    assert "neither a capability nor a command" in done.err


def test_models_are_listed_as_they_are_asked_for(mocked: Shell) -> None:
    names = [line.split()[0] for line in mocked("models").text.splitlines()[1:]]
    assert "mock_llm/mock-llm-basic" in names
    answered = mocked("chat", "hi", "--model", "mock_llm/mock-llm-creative")
    assert "answered by mock_llm (mock-llm-creative)" in answered.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_each_shell(breeze: Shell, shell: str) -> None:
    done = breeze("completion", shell)
    assert done.code == 0
    assert "_BREEZE_COMPLETE" in done.text


def test_the_script_completes_commands_and_capabilities(breeze: Shell) -> None:
    asked = {"_BREEZE_COMPLETE": "bash_complete"}
    found = breeze(COMP_WORDS="breeze ch", COMP_CWORD="1", **asked).text
    assert found.splitlines() == ["plain,chat", "plain,check"]
    found = breeze(COMP_WORDS="breeze explain V", COMP_CWORD="2", **asked).text
    assert found.splitlines() == ["plain,VLM"]


def test_endpoints_that_nobody_set_up_are_named_in_one_line(breeze: Shell) -> None:
    done = breeze("runners", "LLM")
    rows = {line.split()[0] for line in done.text.splitlines()}
    assert "openai" in rows
    assert "groq" not in rows
    assert "more endpoints, not set up: cerebras, deepseek" in " ".join(done.err.split())
    listed = [json.loads(line) for line in breeze("runners", "LLM", "--json").text.splitlines()]
    (groq,) = (status for status in listed if status["name"] == "groq")
    assert groq["offered"]
    assert "set GROQ_API_KEY" in groq["reason"]


def test_runners_without_a_key_share_a_line_of_the_explanation(breeze: Shell) -> None:
    table = breeze("explain", "LLM").text
    assert table.count("no API key") == 1
