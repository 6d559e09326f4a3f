"""Whoever does what `breeze doctor` says gets what it promised: each of its commands is run."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import sys
import tomllib
from pathlib import Path

import pytest

from breeze.engine.registry import Registry
from breeze.models.builtin import catalogue
from breeze.testing.standins.hub import HubStandin
from tests.cli.conftest import Shell
from tests.cli.test_doctor import examined
from tests.house.source import ROOT
from tests.service.test_doctor import DEBIAN

EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
EXTRA = re.compile(r"\[([a-z0-9_,-]+)\]")
ABSENT = """
import sys
from importlib.abc import MetaPathFinder

class Absent(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name in {names}:
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Absent())
"""


@pytest.fixture
def bare(breeze: Shell, tmp_path: Path) -> Shell:
    """The command as the wheel alone has it: no package of an extra, no program of the system."""
    registry = Registry()
    needed = {need for name in registry.names for need in registry.load(name).info.needs}
    site = tmp_path / "absent"
    site.mkdir()
    (site / "sitecustomize.py").write_text(ABSENT.format(names=sorted(needed)))
    breeze.knows(site)
    breeze.environ["PATH"] = str(tmp_path)
    return breeze


def test_what_is_not_installed_comes_with_an_extra_that_brings_it(bare: Shell) -> None:
    found = examined(bare)
    packaged = {
        name: one for name, one in found.items() if "not installed" in one.get("reason", "")
    }
    assert {"llamacpp", "onnx", "executorch", "piper", "openai"} <= set(packaged)
    for name, one in packaged.items():
        assert not one["works"]
        assert one["fix"].startswith(f"{shlex.quote(sys.executable)} -m pip install "), name
        (extra,) = [e for word in shlex.split(one["fix"]) for e in EXTRA.findall(word)]
        assert extra in EXTRAS, name


@pytest.mark.skipif(sys.platform != "linux", reason="what is said on Linux")
def test_programs_of_the_system_come_with_packages_of_debian(bare: Shell) -> None:
    said = shlex.split(examined(bare)["system"]["fix"])
    named = said[said.index("install") + 1 :]
    assert said[-len(named) - 2 : -len(named)] == ["apt", "install"]
    assert {"espeak-ng", "tesseract-ocr"} <= set(named) <= DEBIAN


def test_whoever_has_a_runner_of_models_can_pull_one() -> None:
    """An extra that brings a runner which lacks a model brings what pulls it too."""
    runners = {model.runner for model in catalogue().values()}
    registry = Registry()
    for extra in {registry.load(name).info.extra for name in runners}:
        assert any(need.startswith("aiohttp") for need in EXTRAS[extra]), extra


async def test_each_model_that_is_named_can_be_pulled_and_is_served_then(breeze: Shell) -> None:
    lacking = await asyncio.to_thread(examined, breeze)
    pulls = {
        name: shlex.split(one["fix"]) for name, one in lacking.items()
        if " pull " in one.get("fix", "")
    }  # fmt: skip
    assert {"executorch", "onnx", "piper", "sherpa", "transformers", "whisper"} <= set(pulls)
    known = catalogue()
    async with HubStandin.serving() as hub:
        breeze.environ["HF_ENDPOINT"] = hub.origin
        for name, words in pulls.items():
            assert known[words[-1]].runner == name
            done = await asyncio.to_thread(breeze, *words[words.index("pull") :])
            assert done.code == 0, done.err
    served = await asyncio.to_thread(examined, breeze)
    assert {name: served[name].get("reason", "") for name in pulls} == dict.fromkeys(pulls, "")


def test_a_key_that_is_given_is_no_longer_asked_for_nor_shown(breeze: Shell) -> None:
    fix = shlex.split(examined(breeze)["runware"]["fix"])
    followed = breeze(*fix[fix.index("settings") :], stdin="sk-very-secret-4711\n")
    assert followed.code == 0
    breeze("settings", "set", "runware", "base_url", "http://127.0.0.1:9")
    done = breeze("doctor", "--json")
    assert "sk-very" not in done.text + done.err
    (line,) = [one for one in done.text.splitlines() if '"runware"' in one]
    assert "refused the connection" in json.loads(line)["reason"]
