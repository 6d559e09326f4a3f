"""Settings that lie beside a model and are no settings: an error of that model, and of no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from breeze.contracts.errors import NotLoadedError
from breeze.runners.piper import PiperParameters, PiperRunner
from breeze.runners.transformers import TransformersParameters, TransformersRunner

UNREADABLE = {
    "brackets without end": b'{"x": ' + b"[" * 100_000,
    "no text": b'{"model_type": "\xff\xfe", "audio": {"sample_rate": 1, "quality": "\xff"}}',
    "cut off": b'{"a": 1',
}


@pytest.mark.parametrize("said", UNREADABLE.values(), ids=UNREADABLE)
async def test_a_folder_of_no_model_is_passed_over(tmp_path: Path, said: bytes) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"x")
    (folder / "config.json").write_bytes(said)
    runner = TransformersRunner(TransformersParameters.of({"models_dir": tmp_path}))
    assert "no model is here" in (runner.check() or "")
    assert await runner.models() == ()


@pytest.mark.parametrize("said", UNREADABLE.values(), ids=UNREADABLE)
async def test_a_voice_without_settings_is_not_loaded(tmp_path: Path, said: bytes) -> None:
    (tmp_path / "v.onnx").write_bytes(b"x")
    (tmp_path / "v.onnx.json").write_bytes(said)
    runner = PiperRunner(PiperParameters.of({"model_path": tmp_path / "v.onnx"}))
    with pytest.raises(NotLoadedError, match="cannot be read"):
        await runner.load("")
