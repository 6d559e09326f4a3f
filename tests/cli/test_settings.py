"""`breeze settings`: what is saved, what counts, and where it comes from. Secrets stay secret."""

from __future__ import annotations

import json
import stat
import sys

import pytest

from tests.cli.conftest import Configure, Done, Shell

KEY = "open-sesame-4711"


def lines(done: Done) -> dict[str, dict[str, object]]:
    """The lines of `settings show --json` by parameter."""
    assert done.code == 0, done.err
    shown = [json.loads(line) for line in done.text.splitlines()]
    return {line["parameter"]: line for line in shown}


def test_every_value_says_where_it_comes_from(mocked: Shell, configure: Configure) -> None:
    config = configure(
        """{"capabilities": {"LLM": {"runners": {"mine": {"class": "mock_llm",
        "parameters": {"response_style": "casual", "seed": 4}}}}}}"""
    )
    mocked("settings", "set", "mine", "seed", "9", "--config", str(config))
    done = mocked(
        "settings", "show", "mine", "--config", str(config), "--json", BREEZE_MINE_ERROR_RATE="20"
    )
    shown = lines(done)
    assert {name: (shown[name]["value"], shown[name]["from"]) for name in shown} == {
        "response_delay_ms": (0, "default"),
        "stream_chunk_delay_ms": (0, "default"),
        "simulate_errors": (False, "default"),
        "error_rate": ("20", "environment"),
        "seed": (9, "saved settings"),
        "response_style": ("casual", "config file"),
        "predefined_responses": ("", "default"),
    }
    assert shown["error_rate"]["where"] == "BREEZE_MINE_ERROR_RATE"
    assert shown["response_style"]["where"] == str(config)


def test_a_person_gets_a_table_of_what_was_changed(mocked: Shell) -> None:
    mocked("settings", "set", "mock_llm", "simulate_errors", "yes")
    table = mocked("settings", "show", "--changed").text.splitlines()
    assert table[0].split() == ["instance", "parameter", "value", "from", "where"]
    (row,) = (line.split() for line in table if "simulate_errors" in line)
    assert row[:5] == ["mock_llm", "simulate_errors", "on", "saved", "settings"]
    assert any(line.split()[:3] == ["TTS", "selected", "mock_tts"] for line in table)


def test_what_is_set_counts_and_what_is_unset_does_not(mocked: Shell) -> None:
    mocked("settings", "set", "mock_llm", "predefined_responses", "Good day")
    assert mocked("chat", "hi").text == "Good day\n"
    assert "forgotten" in mocked("settings", "unset", "mock_llm", "predefined_responses").err
    assert mocked("chat", "hi").text != "Good day\n"
    assert "was not saved" in mocked("settings", "unset", "mock_llm", "predefined_responses").err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("set", "mok_llm", "seed", "1"), "did you mean 'mock_llm'?"),
        (("set", "mock_llm", "sed", "1"), "did you mean 'seed'?"),
        (("set", "mock_llm", "seed", "-1"), "greater than or equal to 0"),
        (("set", "mock_llm", "seed", "1x"), "'1x' is not a complete number"),
        (("set", "mock_llm", "response_style", "rude"), "choose from formal, casual"),
        (("set", "mock_llm", "seed"), "Give a value"),
        (("select", "chat", "mock_tts"), "mock_tts cannot do LLM; it does TTS"),
        (("show", "mok_llm"), "did you mean 'mock_llm'?"),
    ],
)
def test_what_makes_no_sense_is_refused(
    mocked: Shell, arguments: tuple[str, ...], says: str
) -> None:
    before = (mocked.home / "settings.json").read_bytes()
    done = mocked("settings", *arguments)
    assert (done.code, says in done.err) == (2, True), done.err
    assert (mocked.home / "settings.json").read_bytes() == before


def test_the_selected_runner_is_asked_first(mocked: Shell) -> None:
    assert "saved selection" in mocked("explain", "draw").text
    mocked("settings", "select", "draw", "auto")
    assert "saved selection" not in mocked("explain", "draw").text
    mocked("settings", "select", "draw", "mock_image")
    assert "saved selection" in mocked("explain", "draw").text


@pytest.mark.parametrize("given", [(KEY,), ("-",), ()])
def test_a_secret_is_taken_and_never_shown(strangers: Shell, given: tuple[str, ...]) -> None:
    """As an argument, or out of the shell's history: from standard input, asked for or not."""
    done = strangers("settings", "set", "keyed", "api_key", *given, stdin=f"{KEY}\n")
    assert (done.code, done.err) == (0, "saved: keyed.api_key is set\n")
    answer = strangers("chat", "hi", "--runner", "keyed", "--strict")
    assert answer.text == f"2 turns of {len(KEY)} letters\n"
    shown = strangers("settings", "show", "keyed", "--json")
    assert lines(shown)["api_key"]["value"] == "set"
    table = strangers("settings", "show")
    assert KEY not in shown.text + shown.err + table.text + table.err
    others = [path for path in strangers.home.iterdir() if path.name != "secrets.json"]
    assert not any(KEY.encode() in path.read_bytes() for path in others)


def test_a_secret_lies_in_a_file_of_its_own(strangers: Shell) -> None:
    strangers("settings", "set", "keyed", "api_key", KEY)
    secrets = strangers.home / "secrets.json"
    assert json.loads(secrets.read_bytes()) == {"keyed": {"api_key": KEY}}
    if sys.platform != "win32":
        assert stat.S_IMODE(secrets.stat().st_mode) == 0o600


def test_a_secret_that_is_not_there_is_not_set(strangers: Shell) -> None:
    assert lines(strangers("settings", "show", "keyed", "--json"))["api_key"]["value"] == "not set"
    done = strangers("chat", "hi", "--runner", "keyed", "--strict")
    assert done.code == 4
    assert "api_key" in done.err


def test_the_vendors_own_variable_counts(strangers: Shell) -> None:
    done = strangers("settings", "show", "keyed", "--json", KEYED_API_KEY=KEY)
    assert lines(done)["api_key"]["where"] == "KEYED_API_KEY"
    assert KEY not in done.text


def test_a_broken_file_is_named_and_left_alone(mocked: Shell) -> None:
    broken = '{"version": 1,\n "runnerParameters": {'
    (mocked.home / "settings.json").write_text(broken)
    done = mocked("settings", "set", "mock_llm", "seed", "1")
    assert done.code == 2
    assert "settings.json" in done.err
    assert "line 2" in done.err
    assert (mocked.home / "settings.json").read_text() == broken


def test_nothing_that_looks_like_a_key_is_shown_wherever_it_was_written(breeze: Shell) -> None:
    """In a header, in an address, or as a list by mistake."""
    found = [f"canary-{i}-7Qm3Xz9LpT" for i in range(6)]
    parameters = {
        "one": {
            "api_key": [found[0]],
            "headers": f"authorization: Basic {found[1]}\nx-api-key: {found[2]}\nx-team: red",
        },
        "two": {"base_url": f"https://me:{found[3]}@host.example/v1"},
        "three": {"base_url": f"https://host.example/v1?api_key={found[4]}"},
        "four": {"base_url": f"http://127.0.0.1:9/v1?x={found[5]}"},
    }
    runners = {n: {"class": "openai", "parameters": p} for n, p in parameters.items()}
    breeze.home.mkdir()
    text = json.dumps({"capabilities": {"LLM": {"runners": runners}}})
    (breeze.home / "config.json").write_text(text)
    done = breeze("settings", "show", "one", "--json")
    assert lines(done)["headers"]["value"] == "authorization: ***\nx-api-key: ***\nx-team: red"
    for command in (("settings", "show"), ("runners",), ("runners", "--json"), ("explain", "hi")):
        done = breeze(*command)
        shown = [each for each in found[:5] if each in done.text + done.err]
        assert shown == [], command
        if command[0] != "settings":
            assert found[5] not in done.text + done.err
