"""What comes with a model from anybody: no setting in it may load a library or write a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from breeze.contracts.errors import InputError
from breeze.runners._onnx_parameters import OnnxParameters
from breeze.runners.onnx import OnnxRunner

CONFIG = '{"model": {"decoder": {"session_options": %s, "filename": "model.onnx"}}}'


def folder(at: Path, config: str) -> Path:
    """A model whose files a runner finds; none of them would load."""
    for name in ("model.onnx", "tokenizer.json"):
        (at / name).write_bytes(b"x")
    (at / "genai_config.json").write_text(config)
    return at


@pytest.mark.parametrize(
    "config",
    [
        CONFIG % '{"custom_ops_library": "evil.so"}',
        CONFIG % '{"enable_profiling": "/tmp/anywhere"}',
        CONFIG % '{"ep.context_file_path": "../x", "ep.context_enable": "1"}',
        CONFIG % '{"session.model_external_initializers_file_folder_path": "/etc"}',
        CONFIG % '{"provider_options": [{"qnn": {"backend_path": "evil.so"}}]}',
        CONFIG % '{"custom_ops_library": "evil.so"}, "session_options": {}',
        CONFIG.replace('"model"', '"model": {"decoder": {"session_options": {"custom_ops_library":'
                       ' "evil.so"}}}, "model"', 1) % "{}",
        CONFIG % r'{"custom\_ops_library": "evil.so"}',
        CONFIG % r'{"custom\u005fops_library": "evil.so"}',
        '{"model": {"vision": {"custom_ops_library": "evil.so"}}}',
        '{"model": {"pipeline": [{"a": {"run_options": {"enable_profiling": "x"}}}]}}',
        '{"model": ' + "[" * 100_000,
    ],
)  # fmt: skip
async def test_a_model_brings_no_library_and_names_no_file(tmp_path: Path, config: str) -> None:
    runner = OnnxRunner(OnnxParameters.of({"model_path": folder(tmp_path, config)}))
    with pytest.raises(InputError, match="a model may not|cannot be read"):
        await runner.load("")
    (told,) = await runner.models()
    assert "may not" in told.description or "cannot be read" in told.description


async def test_usual_settings_are_let_be(tmp_path: Path) -> None:
    usual = (
        '{"log_id": "x", "intra_op_num_threads": 2, "session.disable_prepacking": "1", '
        '"provider_options": [{"cuda": {"enable_cuda_graph": "0"}}]}'
    )
    runner = OnnxRunner(OnnxParameters.of({"model_path": folder(tmp_path, CONFIG % usual)}))
    (told,) = await runner.models()
    assert "may not" not in told.description
