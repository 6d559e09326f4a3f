"""`breeze standin`: a vendor to rehearse with, from the command line."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import pytest

from tests.cli.conftest import Shell


@contextmanager
def started(breeze: Shell, *arguments: str) -> Iterator[IO[bytes]]:
    """What a stand-in writes. At the end it is stopped as a person would stop it."""
    process = breeze.start("standin", *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        process.send_signal(signal.SIGINT if sys.platform != "win32" else signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 0


@contextmanager
def playing(breeze: Shell, *arguments: str) -> Iterator[tuple[dict[str, object], IO[bytes]]]:
    """A stand-in: the configuration that it proposes, and the lines that follow."""
    with started(breeze, *arguments) as lines:
        url = lines.readline().decode().strip()
        config = lines.readline().decode().removeprefix("config.json: ")
        assert url in config
        yield json.loads(config), lines


def asked(breeze: Shell, config: dict[str, object], *more: str) -> tuple[int, str, str]:
    (breeze.folder / "c.json").write_text(json.dumps(config))
    done = breeze("chat", "good morning", "--config", "c.json", *more)
    return done.code, done.text, done.err


def test_what_it_prints_is_all_that_a_rehearsal_needs(breeze: Shell) -> None:
    with playing(breeze, "openai") as (config, lines):
        code, text, _ = asked(breeze, config)
        line = lines.readline().decode().split()
    assert (code, text) == (0, "You said: good morning\n")
    assert line[1:4] == ["POST", "/v1/chat/completions", "done"]


def test_a_fault_is_played_and_told(breeze: Shell) -> None:
    with playing(breeze, "openai", "--fault", "key-refused", "--times", "1") as (config, lines):
        code, _, err = asked(breeze, config)
        line = lines.readline().decode()
        assert asked(breeze, config)[0] == 0
    assert (code, "E401" in err) == (5, True)
    assert line.rstrip().endswith("key-refused")


def test_a_profile_is_a_name_too(breeze: Shell) -> None:
    with playing(breeze, "openrouter") as (config, _):
        assert "/api/v1" in json.dumps(config)
        assert asked(breeze, config)[1] == "You said: good morning\n"


@pytest.mark.parametrize(
    ("profile", "runner"),
    [("openrouter", "openrouter"), ("lmstudio", "lm_studio"), ("plain-old", "openai")],
)
def test_a_profile_is_rehearsed_with_the_runner_for_such_servers(
    breeze: Shell, profile: str, runner: str
) -> None:
    with playing(breeze, "openai", "--profile", profile) as (config, _):
        assert f'"class": "{runner}"' in json.dumps(config)
        code, text, err = asked(breeze, config)
    assert (code, text) == (0, "You said: good morning\n")
    assert ("$0.0000035" in err) is (profile == "openrouter")  # it has a price, small as it is


def test_a_verdict_of_a_server_names_no_place_that_it_does_not_know(breeze: Shell) -> None:
    with playing(breeze, "openai") as (config, _):
        guards = {"GUARDIAN": config["capabilities"]["LLM"]}  # type: ignore[index]
        (breeze.folder / "c.json").write_text(json.dumps({"capabilities": guards}))
        done = breeze("guard", "I will kill you", "--config", "c.json")
    assert "violence 0.97\n" in done.text


def test_each_request_is_a_line_for_a_program(breeze: Shell) -> None:
    with started(breeze, "openai", "--json") as lines:
        config = json.loads(lines.readline())["config"]
        asked(breeze, config, "--model", "rehearsal/standin-quota")
        told = json.loads(lines.readline())
    assert (told["method"], told["fault"]) == ("POST", "quota")


def test_stand_ins_and_their_faults_are_listed(breeze: Shell) -> None:
    assert "openai" in breeze("standin").text
    rows = [
        json.loads(line) for line in breeze("standin", "vllm", "--list", "--json").text.splitlines()
    ]
    assert {"stream-cut", "odd-no-index"} <= {row["fault"] for row in rows}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["opena"], "did you mean openai?"),
        (["openai", "--fault", "stream-kut"], "did you mean stream-cut"),
        (["openai", "--fault", "stream-cut,when=1"], "it takes after"),
        (["openai", "--profile", "x"], "there is openai, openrouter"),
    ],
)
def test_what_is_unknown_names_the_nearest(breeze: Shell, arguments: list[str], says: str) -> None:
    done = breeze("standin", *arguments)
    assert (done.code, says in done.err) == (2, True), done.err
