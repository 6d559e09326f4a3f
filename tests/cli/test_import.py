"""`breeze import`: models of other programs are listed, and linked when asked to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Shell
from tests.models.disks import CacheDisk, OllamaDisk, gguf

PLACE = "registry.ollama.ai/library"


@pytest.fixture
def disk(breeze: Shell, tmp_path: Path) -> OllamaDisk:
    """Models of a server that the command finds by its variable."""
    disk = OllamaDisk(tmp_path / "ollama")
    disk.model(f"{PLACE}/tiny/1b", model=gguf(general__description="Small."))
    disk.model(f"{PLACE}/broken/1b", model=b"GGUF and nothing more behind it")
    breeze.environ["OLLAMA_MODELS"] = str(disk.folder)
    return disk


def test_models_are_listed_with_what_they_do(breeze: Shell, disk: OllamaDisk) -> None:
    done = breeze("import", "ollama")
    assert done.code == 0
    broken, tiny = done.text.splitlines()[1:]
    assert tiny.split()[:3] == ["tiny:1b", "llamacpp", "LLM"]
    assert "not a sound GGUF file" in broken
    assert "take up all with: breeze import ollama --link" in done.err
    assert not breeze.home.exists()


def test_a_program_reads_a_line_for_each(breeze: Shell, disk: OllamaDisk) -> None:
    lines = [json.loads(line) for line in breeze("import", "ollama", "--json").out.splitlines()]
    assert [(line["model"], bool(line["problem"])) for line in lines] == [
        ("broken:1b", True), ("tiny:1b", False)
    ]  # fmt: skip
    assert lines[1]["size"] == len(gguf(general__description="Small."))


def test_what_is_linked_is_ours_and_costs_nothing(breeze: Shell, disk: OllamaDisk) -> None:
    done = breeze("import", "ollama", "--link")
    assert done.code == 0
    assert "linked: tiny:1b for llamacpp" in done.err
    assert "left out: broken:1b" in done.err
    (file,) = breeze.home.glob("models/*/model.gguf")
    assert file.stat().st_nlink == 2
    listed = breeze("models", "--installed", "--json").out.splitlines()
    assert [json.loads(line).get("size", 0) for line in listed][1:] == [0]
    again = breeze("import", "ollama", "tiny:1b", "--link")
    assert "here already: tiny:1b" in again.err
    assert " yes" in breeze("import", "ollama", "tiny:1b").text


def test_who_names_a_model_hears_of_its_failure(breeze: Shell, disk: OllamaDisk) -> None:
    assert breeze("import", "ollama", "broken:1b", "--link").code == 5
    unknown = breeze("import", "ollama", "big:70b", "--link")
    assert (unknown.code, "no model big:70b" in unknown.err) == (2, True)


def test_another_folder_may_be_named(breeze: Shell, tmp_path: Path) -> None:
    CacheDisk(tmp_path / "hub").model("org/name", {"model.gguf": gguf()})
    done = breeze("import", "hf-cache", "--from", str(tmp_path / "hub"))
    assert done.text.splitlines()[1].split()[:2] == ["org/name", "llamacpp"]


def test_a_program_that_nobody_knows_is_refused(breeze: Shell) -> None:
    done = breeze("import", "winamp")
    assert done.code == 2
    assert "none of hf-cache, lmstudio, ollama" in done.err


@pytest.mark.parametrize("more", [(), ("--link",)])
def test_where_no_model_is_that_is_said(
    breeze: Shell, tmp_path: Path, more: tuple[str, ...]
) -> None:
    breeze.environ["OLLAMA_MODELS"] = str(tmp_path)
    done = breeze("import", "ollama", *more)
    assert (done.code, done.text) == (0, "")
    assert f"no models of Ollama in {tmp_path}" in done.err
    assert "--from DIR" in done.err
