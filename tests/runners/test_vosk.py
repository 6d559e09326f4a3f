"""`vosk`: up to its loading, as no model of it can be made by the tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from breeze.contracts.errors import NotFoundError, NotLoadedError
from breeze.contracts.requests import TranscribeRequest
from breeze.runners.vosk import VoskParameters, VoskRunner
from breeze.testing.media import wav


def model(folder: Path) -> Path:
    """Files that look like a model, and are none."""
    (folder / "am").mkdir(parents=True)
    (folder / "am" / "final.mdl").write_bytes(bytes(100))
    return folder


async def test_without_a_model_it_says_what_to_set(tmp_path: Path) -> None:
    runner = VoskRunner(VoskParameters())
    runner.home = tmp_path
    assert runner.check() == (
        "no model is here (run: breeze pull vosk-model-small-en-us-0.15, or set model_path or "
        "models_dir)"
    )
    with pytest.raises(NotLoadedError, match="set model_path"):
        await runner.load("")
    with pytest.raises(NotFoundError, match="set model_path"):
        await runner.load("vosk-model-small-fr-0.22")
    with pytest.raises(NotLoadedError, match="call load first"):
        async for _ in runner.stream(TranscribeRequest(audio=wav(1.0))):
            pass


async def test_a_folder_of_models_is_listed_with_their_languages(tmp_path: Path) -> None:
    model(tmp_path / "vosk-model-small-en-us-0.15")
    model(tmp_path / "vosk-model-fr-0.22")
    (tmp_path / "notes").mkdir()
    runner = VoskRunner(VoskParameters.of({"models_dir": tmp_path}))
    assert runner.check() is None
    found = {info.id: info.languages for info in await runner.models()}
    assert found == {"vosk-model-fr-0.22": ("fr",), "vosk-model-small-en-us-0.15": ("en-us",)}


BROKEN = """
import asyncio, sys
from pathlib import Path
from breeze.contracts.errors import NotLoadedError
from breeze.runners.vosk import VoskParameters, VoskRunner
try:
    asyncio.run(VoskRunner(VoskParameters.of({"model_path": Path(sys.argv[1])})).load(""))
except NotLoadedError as error:
    print(error)
"""


def test_the_real_library_refuses_files_that_are_no_model(tmp_path: Path) -> None:
    """In a process of its own, as the library may end the one in which it is."""
    folder = model(tmp_path / "vosk-model-en")
    told = subprocess.run(
        [sys.executable, "-c", BROKEN, str(folder)], capture_output=True, text=True, timeout=60
    )
    assert "vosk-model-en cannot be loaded" in told.stdout
