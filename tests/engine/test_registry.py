"""Runners are found without being imported, and by the names that configurations use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from breeze.contracts.errors import NotFoundError
from breeze.engine.registry import Registry
from breeze.testing.scripted import Script, scripted


def test_every_file_of_the_folder_is_a_runner_of_that_name() -> None:
    registry = Registry()
    assert {"espeak", "mock_llm", "hashing"} <= set(registry.names)
    assert not any(name.startswith("_") for name in registry.names)
    assert all(registry.load(name).info.name == name for name in registry.names)


def test_asking_for_names_imports_no_runner() -> None:
    code = (
        "import sys\n"
        "from breeze.engine.registry import Registry\n"
        "assert Registry().names\n"
        "loaded = [m for m in sys.modules if m.startswith('breeze.runners.')]\n"
        "assert not loaded, loaded\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("espeak", "espeak"),
        ("com.mtkresearch.breezeapp.engine.data.runner.mock.MockLLMRunner", "mock_llm"),
        ("com.mtkresearch.breezeapp.engine.runner.mock.MockTTSRunner", "mock_tts"),
        ("com.mtkresearch.breezeapp.engine.runner.mock.MockGuardianRunner", "mock_guardian"),
        ("anything.EspeakTTSRunner", "espeak"),
        ("com.mtkresearch.breezeapp.engine.data.runner.nobody.NobodyLLMRunner", None),
    ],
)
def test_a_class_path_of_the_seeds_is_matched_by_its_last_segment(
    written: str, found: str | None
) -> None:
    assert Registry().resolve(written) == found


def test_an_unknown_name_comes_back_with_the_nearest() -> None:
    with pytest.raises(NotFoundError, match="did you mean 'espeak'"):
        Registry().load("espeek")


def test_classes_given_by_hand_are_known_and_win() -> None:
    mine = scripted("hashing", Script())
    registry = Registry([mine])
    assert registry.load("hashing") is mine


def test_installed_packages_add_runners_by_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "whistler.py").write_text(
        "from breeze.testing.scripted import Script, scripted\n"
        "WhistleRunner = scripted('whistle', Script())\n"
        "Other = 7\n"
    )
    information = tmp_path / "whistler-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: whistler\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(
        "[breeze.runners]\n"
        "whistle = whistler:WhistleRunner\n"
        "misnamed = whistler:WhistleRunner\n"
        "number = whistler:Other\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    registry = Registry()
    assert registry.load("whistle").info.vendor == "Script"
    with pytest.raises(NotFoundError, match="give both the same name"):
        registry.load("misnamed")
    with pytest.raises(NotFoundError, match="is not a Runner"):
        registry.load("number")
