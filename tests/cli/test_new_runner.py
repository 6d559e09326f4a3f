"""`breeze new-runner`: what it writes installs, is found, keeps every rule, and is clean."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from breeze.contracts.capability import Capability
from breeze.surfaces.cli.new_runner.package import Names, example, write_package
from breeze.testing.conformance import check_module, check_runner
from tests.cli.conftest import Shell

EXAMPLES = "breeze.surfaces.cli.new_runner.examples"


@pytest.mark.parametrize("capability", Capability)
async def test_the_example_of_every_capability_keeps_every_rule(capability: Capability) -> None:
    report = await check_runner(check_module(f"{EXAMPLES}.{capability.lower()}"))
    assert report.ok, report.render()


def python(folder: Path, *arguments: str, **environ: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=environ or None,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def whistle(breeze: Shell) -> Shell:
    """The command, with a runner that it wrote itself and that pip installed."""
    done = breeze("new-runner", "tin-whistle", "--capability", "TTS")
    assert done.code == 0
    assert "breeze-tin-whistle/README.md" in done.text
    site = breeze.folder.parent / "site"
    offline = ("--no-build-isolation", "--no-deps", "--no-index", "--quiet")
    where = ("-e", "breeze-tin-whistle", "--target", str(site))
    python(breeze.folder, "pip", "install", *offline, *where)
    (pointer,) = site.glob("*.pth")  # a folder on PYTHONPATH is no site folder: do as site would
    breeze.knows(Path(pointer.read_text().strip()))
    breeze.knows(site)
    return breeze


def test_it_is_installed_found_checked_and_used(whistle: Shell) -> None:
    assert "tin_whistle" in whistle("runners", "say").text
    checked = whistle("check", "tin_whistle")
    assert checked.code == 0, checked.text
    assert " 0 fail" in checked.text.splitlines()[-1]
    spoken = whistle("say", "sos", "-o", "sos.wav", "--runner", "tin_whistle", "--param", "dot=100")
    assert spoken.code == 0
    assert (whistle.folder / "sos.wav").stat().st_size > 50_000
    package = whistle.folder / "breeze-tin-whistle"
    assert "2 passed" in python(
        package, "pytest", "-q", "-p", "no:cacheprovider", **whistle.environ
    )


@pytest.mark.parametrize("capability", Capability)
def test_what_it_writes_is_clean(tmp_path: Path, capability: Capability) -> None:
    write_package(tmp_path, Names("a_name_of_thirty_characters_ok"), capability)
    python(tmp_path, "ruff", "check", ".")
    python(tmp_path, "ruff", "format", "--check", ".")


def test_what_it_writes_is_typed(tmp_path: Path) -> None:
    write_package(tmp_path, Names("typed"), Capability.LLM)
    python(tmp_path, "mypy")


def test_nothing_of_the_example_is_left() -> None:
    for capability in Capability:
        text = example(capability, Names("tin_whistle"))
        assert "my_runner" not in text
        assert "My" not in text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("Big Band",), "use lower case letters"),
        (("class",), "cannot name a runner"),
        (("mock_band",), "Only runners that pretend"),
        (("mock_llm",), "Only runners that pretend"),
        (("hashing",), "There is a runner called 'hashing' already"),
        (("band", "--directory", "full"), "full is not empty"),
    ],
)
def test_names_that_cannot_be(breeze: Shell, arguments: tuple[str, ...], says: str) -> None:
    (breeze.folder / "full").mkdir()
    (breeze.folder / "full" / "file").touch()
    done = breeze("new-runner", *arguments)
    assert (done.code, says in done.err) == (2, True), done.err
    assert [path.name for path in breeze.folder.iterdir()] == ["full"]
