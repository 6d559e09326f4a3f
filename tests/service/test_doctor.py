"""What `breeze doctor` finds: true facts, and for each thing that lacks the command that helps."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from breeze.config.home import Home
from breeze.config.model import EngineConfig
from breeze.contracts.capability import RunnerKind
from breeze.contracts.errors import UnavailableError
from breeze.contracts.runner import ModelInfo
from breeze.engine.engine import Engine
from breeze.engine.hardware import Hardware
from breeze.engine.registry import Registry
from breeze.service.doctor import Fact, Patient, facts, patients
from breeze.service.remedies import as_root, ours, pip_install, remedy
from breeze.testing.scripted import Script, ScriptedRunner, scripted
from tests.house.source import PACKAGE, ROOT

EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
DEBIAN = {
    "espeak-ng", "flite", "tesseract-ocr", "tesseract-ocr-eng", "libvulkan1", "mesa-vulkan-drivers",
}  # fmt: skip
"""Packages that were seen in Debian 12; `tesseract-ocr-` has one for each language."""
PLACE = re.compile(r"apt install ([a-z0-9+.\- ]*)")


@asynccontextmanager
async def examined(
    home: Path, *runners: type[ScriptedRunner], settings: dict[str, Any] | None = None, **of: Any
) -> AsyncIterator[dict[str, Patient]]:
    """What is found of each runner; `of` are facts of the configuration's entries."""
    entries = {r.info.name: {"class": r.info.name, **of} for r in runners}
    said = {"capabilities": {"LLM": {"runners": entries}}, "globalSettings": settings or {}}
    config = EngineConfig.model_validate(said)
    async with Engine.open(
        home=home, runners=runners, config=config, environ={}, ledger=False
    ) as engine:
        yield {one.name: one for one in await patients(engine)}


async def test_every_runner_that_ships_works_or_says_what_would_help(tmp_path: Path) -> None:
    async with Engine.open(home=tmp_path, environ={}, ledger=False) as engine:
        asked = [i for i in engine.instances.values() if i.kind is not RunnerKind.CLOUD]
        found = [one for one in await patients(engine) if not one.offered]
    assert {i.name for i in asked} <= {one.name for one in found}
    for one in found:
        if one.works:
            assert (one.reason, one.fix) == ("", "")
        else:
            needs = one.reason.partition(":")[0]
            assert one.fix or needs.isupper(), f"{one.name}: {one.reason}"
        assert not one.wanted


def test_every_extra_that_a_runner_names_is_there() -> None:
    registry = Registry()
    named = {registry.load(name).info.extra for name in registry.names} - {""}
    assert named <= set(EXTRAS)
    texts = "".join(file.read_text("utf-8") for file in PACKAGE.rglob("*.py"))
    for written in re.findall(r"breeze-engine\[([a-z0-9_,-]+)\]", texts):
        assert set(written.split(",")) <= set(EXTRAS), written


def test_every_package_of_the_system_that_is_named_is_known() -> None:
    texts = "".join(file.read_text("utf-8") for file in PACKAGE.rglob("*.py"))
    named = {name.rstrip("-.") for found in PLACE.findall(texts) for name in found.split()}
    assert named <= DEBIAN
    assert {"libvulkan1"} <= named


LINUX = pytest.mark.skipif(sys.platform != "linux", reason="what is said on Linux")
REASONS = [
    (
        "no API key: set X_KEY or run `breeze settings set x api_key`",
        "breeze settings set x api_key",
    ),
    ("no such model (run: breeze pull tiny)", "breeze pull tiny"),
    ("no such model. Run: breeze pull tiny.", "breeze pull tiny"),
    ("no model is here (run: breeze pull hf:a/b-1.5, or set model_path)", "breeze pull hf:a/b-1.5"),
    ("no model is here (run: breeze pull a or set model_path) yet", "breeze pull a"),
    ("no server: set base_url to the address", "breeze settings set x base_url BASE_URL"),
    ("no key: set X_KEY, or base_url to your own", "breeze settings set x base_url BASE_URL"),
    ("refused. Start it, or correct base_url.", "breeze settings set x base_url BASE_URL"),
    ("set nothing_of_ours to something", ""),
    ("MTK_NPU: needs a chip of the family a, b; none found", ""),
    ("GPU: no access (run: sudo usermod -aG render $USER)", "sudo usermod -aG render $USER"),
]


@pytest.mark.parametrize(("reason", "command"), REASONS)
def test_the_command_in_a_reason(reason: str, command: str) -> None:
    assert remedy(reason, "x", ("base_url", "api_key")) == ours(command)


def test_what_nobody_set_need_not_be_corrected() -> None:
    reason = "x.example is not known: its name has no address. Check base_url and the network."
    assert remedy(reason, "x", ("base_url",)) == ""
    assert remedy(reason, "x", ("base_url",), given=("base_url",)).endswith(" base_url BASE_URL")


def test_our_commands_are_found_from_any_prompt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    away = ours("breeze models --catalogue")
    done = subprocess.run(shlex.split(away), capture_output=True, text=True, check=True)
    assert "en_US-lessac-medium" in done.stdout
    here = Path(sys.executable).absolute().parent
    if (here / "breeze").is_file():
        monkeypatch.setenv("PATH", str(here))
        assert ours("breeze pull x") == "breeze pull x"


@LINUX
def test_only_who_is_not_root_needs_sudo() -> None:
    sudo = "" if os.geteuid() == 0 else "sudo "
    assert as_root("sudo apt install a") == as_root("apt install a") == f"{sudo}apt install a"
    assert as_root("chmod 600 a") == "chmod 600 a"


@LINUX
def test_packages_of_the_system() -> None:
    reason = "nothing reads here (Debian, Ubuntu: apt install tesseract-ocr; macOS: brew install t)"
    words = remedy(reason, "x").split()
    assert words[-3:] == ["apt", "install", "tesseract-ocr"]
    assert words[:-3] == ([] if os.geteuid() == 0 else ["sudo"])


def test_pip_is_that_of_the_python_which_runs_this() -> None:
    words = shlex.split(remedy("not installed: a (run: pip install 'a b')", "x"))
    assert words[1:] == ["-m", "pip", "install", "a", "b"]
    found = Path(shutil.which(words[0]) or "").absolute()
    assert found == Path(sys.executable).absolute()


def test_our_own_extras_come_from_where_this_came_from() -> None:
    words = shlex.split(pip_install("breeze-engine[local]", newer=True))
    assert words[4] == "-U"
    assert words[-1].endswith("[local]") or words[-1].startswith("breeze-engine[local]")
    if words[-2] == "-e":
        assert (Path(words[-1].removesuffix("[local]")) / "pyproject.toml").is_file()


async def test_what_was_configured_and_cannot_work_comes_first(tmp_path: Path) -> None:
    well = scripted("well", Script())
    ill = scripted("ill", Script(reason="not installed: x (run: pip install x)"))
    async with examined(tmp_path, well, ill) as found:
        assert next(iter(found.values())).wanted
        assert (found["well"].works, found["well"].fails) == (True, False)
        assert (found["ill"].works, found["ill"].fails) == (False, True)
        assert found["ill"].fix.endswith("pip install x")
    async with examined(tmp_path, ill, enabled=False) as found:
        assert not found["ill"].fails


async def test_what_the_machine_lacks_is_the_reason(tmp_path: Path) -> None:
    chip = scripted("chip", Script(), kind=RunnerKind.HARDWARE, requirements=("MTK_NPU",))
    off: dict[str, Any] = {"hardware": {"MTK_NPU": False}}
    async with examined(tmp_path, chip, settings=off) as found:
        assert found["chip"].reason == "MTK_NPU: the configuration says no"
        assert found["chip"].fix == ""
    async with examined(tmp_path, chip, settings={"hardware": {"MTK_NPU": True}}) as found:
        assert (found["chip"].works, found["chip"].backends) == (True, ("NPU",))


async def nobody(self: ScriptedRunner) -> tuple[ModelInfo, ...]:
    """What a service serves that does not answer."""
    raise UnavailableError("nobody is there. Start it, or correct base_url.")


async def test_a_service_elsewhere_is_asked_whether_it_answers(tmp_path: Path) -> None:
    away = scripted("away", Script(), kind=RunnerKind.CLOUD)
    away.models = nobody  # type: ignore[method-assign]
    there = scripted("there", Script(), kind=RunnerKind.CLOUD)
    async with examined(tmp_path, away, there) as found:
        assert found["away"].reason.startswith("nobody is there")
        assert found["away"].fails
        assert found["there"].works


async def test_nobody_is_said_to_work_who_does_not_answer(tmp_path: Path) -> None:
    """Some list their models without asking the service: it is looked for all the same."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        nowhere = f"http://127.0.0.1:{free.getsockname()[1]}"
    entries: dict[str, Any] = {}
    async with Engine.open(home=tmp_path, environ={}, ledger=False) as engine:
        for one in engine.instances.values():
            known = one.parameters.facts if one.parameters else {}
            if one.kind is RunnerKind.CLOUD and "base_url" in known:
                given = {"api_key": "k", "base_url": nowhere}
                parameters = {name: given[name] for name in given if name in known}
                entries[one.name] = {"class": one.name, "parameters": parameters}
    config = EngineConfig.model_validate({"capabilities": {"LLM": {"runners": entries}}})
    async with Engine.open(home=tmp_path, config=config, environ={}, ledger=False) as engine:
        found = {one.name: one for one in await patients(engine) if one.wanted}
    assert len(found) > 20
    assert [one.name for one in found.values() if one.works] == []
    assert {one.fix for one in found.values()} == {
        ours(f"breeze settings set {name} base_url BASE_URL") for name in found
    }


async def test_an_endpoint_that_is_only_known_is_not_said_to_work(tmp_path: Path) -> None:
    async with Engine.open(home=tmp_path, environ={}, ledger=False) as engine:
        offered = [one for one in await patients(engine) if one.offered]
        assert offered
        assert all(one.fix and not one.works for one in offered)
        keyless = next(one.name for one in offered if "API key" not in one.reason)
        engine.layers.store.set(keyless, "base_url", "http://127.0.0.1:9/v1", secret=False)
        await engine.refresh()
        assert not {one.name: one for one in await patients(engine)}[keyless].offered


def by_name(home: Path) -> dict[str, Fact]:
    return {one.name: one for one in facts(Home(home), Hardware())}


def test_facts_of_this_machine(tmp_path: Path) -> None:
    found = by_name(tmp_path / "home")
    assert sys.executable in found["python"].value
    assert "made when" in found["home"].value
    assert not (tmp_path / "home").exists()
    free = shutil.disk_usage(tmp_path).free / 1e9
    assert float(found["disk"].value.split()[0]) == pytest.approx(free, rel=0.1, abs=1)
    assert found["memory"].value.split()[1] in ("GB,", "GB")
    assert str(os.cpu_count()) in found["processor"].value


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_secrets_that_others_may_read_are_closed_by_the_command(tmp_path: Path) -> None:
    secrets = Home(tmp_path).secrets
    secrets.write_text("{}")
    secrets.chmod(0o644)
    open_ = by_name(tmp_path)["secrets.json"]
    assert open_.problem == "others may read it"
    subprocess.run(shlex.split(open_.fix), check=True)
    assert "secrets.json" not in by_name(tmp_path)
