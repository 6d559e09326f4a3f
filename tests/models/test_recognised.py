"""Files tell by their names which runner serves them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from breeze.contracts.capability import Capability
from breeze.models.recognised import file_type, formats, recognise

LLM, VLM, ASR, TTS = Capability.LLM, Capability.VLM, Capability.ASR, Capability.TTS
FOLDERS = {
    "a.gguf": ("llamacpp", (LLM,), "a.gguf"),
    "a.gguf mmproj-a.gguf": ("llamacpp", (LLM, VLM), "a.gguf"),
    "a-00001-of-00002.gguf a-00002-of-00002.gguf": ("llamacpp", (LLM,), "a-00001-of-00002.gguf"),
    "cpu/genai_config.json cpu/model.onnx cpu/tokenizer.json": ("onnx", (LLM,), "cpu"),
    "genai_config.json model.onnx": ("onnx", (LLM,), ""),
    "llama.pte tokenizer.model": ("executorch", (LLM,), "llama.pte"),
    "config.json model.bin tokenizer.json vocabulary.txt": ("whisper", (ASR,), ""),
    "am/final.mdl conf/model.conf graph/HCLr.fst": ("vosk", (ASR,), ""),
    "en/voice.onnx en/voice.onnx.json": ("piper", (TTS,), "en/voice.onnx"),
    "t-encoder.int8.onnx t-decoder.int8.onnx t-tokens.txt": ("sherpa", (ASR,), ""),
    "modules.json onnx/model.onnx tokenizer.json config.json": (
        "onnx",
        (Capability.EMBEDDING,),
        "onnx/model.onnx",
    ),
}


@pytest.mark.parametrize("names", FOLDERS)
def test_a_folder_is_known_by_the_names_in_it(names: str, tmp_path: Path) -> None:
    found = recognise({name: tmp_path / name for name in names.split()})
    assert found is not None
    assert (found.runner, found.capabilities, found.entry_point.value) == FOLDERS[names]


@pytest.mark.parametrize("names", ["README.md", "mmproj-a.gguf", "model.onnx", "pytorch_model.bin"])
def test_what_nobody_serves_is_not_guessed(names: str, tmp_path: Path) -> None:
    assert recognise({name: tmp_path / name for name in names.split()}) is None


@pytest.mark.parametrize(
    ("config", "able"),
    [
        ({"architectures": ["LlamaForCausalLM"]}, (LLM,)),
        ({"architectures": ["WhisperForConditionalGeneration"]}, (ASR,)),
        ({"architectures": ["VitsModel"]}, (TTS,)),
        (
            {"architectures": ["LlavaForConditionalGeneration"], "vision_config": {}},
            (LLM, VLM),
        ),
        ({"architectures": 7}, ()),
        ([], ()),
    ],
)
def test_a_config_says_what_the_weights_do(
    config: object, able: tuple[Capability, ...], tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    names = ("config.json", "model.safetensors")
    found = recognise({name: tmp_path / name for name in names})
    assert found is not None
    assert (found.runner, found.capabilities) == ("transformers", able)


def test_parts_of_a_model_are_told_apart() -> None:
    names = ("m.gguf", "mmproj.gguf", "tokenizer.json", "vocab.txt", "m.safetensors", "config.json")
    assert [file_type(name) for name in names] == [
        "model", "projector", "tokenizer", "tokenizer", "weights", "config"
    ]  # fmt: skip


def test_every_form_has_a_row_that_is_tried() -> None:
    assert {row.runner for row in formats()} >= {"llamacpp", "onnx", "executorch", "transformers"}
