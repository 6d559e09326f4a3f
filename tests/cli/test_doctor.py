"""`breeze doctor`, and what happens to those who do what it says."""

from __future__ import annotations

import json
import shlex
from typing import Any

from breeze.contracts.hardware import NAMES
from breeze.service.remedies import ours
from tests.cli.conftest import Configure, Shell


def examined(breeze: Shell, *options: str) -> dict[str, dict[str, Any]]:
    """What it says of each runner, by name."""
    lines = [json.loads(line) for line in breeze("doctor", "--json", *options).text.splitlines()]
    return {one["name"]: one for one in lines if one["type"] == "runner"}


def test_it_shows_the_machine_the_hardware_and_the_runners(breeze: Shell) -> None:
    done = breeze("doctor", BREEZE_HARDWARE_MTK_NPU="on")
    assert done.code == 0
    assert all(name in done.text for name in NAMES)
    assert "BREEZE_HARDWARE_MTK_NPU" in done.text
    assert str(breeze.home) in done.text
    (row,) = (line for line in done.text.splitlines() if line.startswith("mock_llm "))
    assert row.split() == ["mock_llm", "LLM", "CPU", "yes"]
    assert f"\n  {ours('breeze settings set peer base_url BASE_URL')}\n" in done.text


def test_for_a_program_each_line_says_what_it_is(breeze: Shell) -> None:
    lines = [json.loads(line) for line in breeze("doctor", "--json").text.splitlines()]
    assert {one["type"] for one in lines} == {"fact", "hardware", "runner"}
    assert {one["name"] for one in lines if one["type"] == "hardware"} == set(NAMES)


def test_a_configured_runner_that_cannot_work_is_a_failure_until_the_command_was_run(
    breeze: Shell, configure: Configure
) -> None:
    tape = {"version": "2.0", "capabilities": {"LLM": {"runners": {"tape": {"class": "replay"}}}}}
    config = str(configure(json.dumps(tape)))
    done = breeze("doctor", "--config", config)
    assert done.code == 4
    assert "configured or selected, and cannot work: tape" in done.err
    breeze("chat", "Hello", "--runner", "mock_llm", "--record", "taken")
    fix = examined(breeze, "--config", config)["tape"]["fix"]
    assert fix == ours("breeze settings set tape folder FOLDER")
    followed = [*shlex.split(fix)[-5:-1], str(breeze.folder / "taken"), "--config", config]
    assert breeze(*followed).code == 0
    assert breeze("doctor", "--config", config).code == 0
    assert examined(breeze, "--config", config)["tape"]["works"]


def test_a_broken_configuration_hides_nothing_of_the_machine(
    breeze: Shell, configure: Configure
) -> None:
    done = breeze("doctor", "--config", str(configure("{")))
    assert done.code == 2
    assert "config.json" in done.err
    assert done.text.startswith("breeze ")
