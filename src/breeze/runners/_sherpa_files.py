"""Folders of models as sherpa-onnx keeps them: which family they are of, told by files and name."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from breeze.contracts.errors import NotLoadedError

_NAMED = ("sense-voice", "paraformer", "whisper", "wenet", "nemo", "zipformer")
_FAMILY = {
    "sense-voice": "sense_voice",
    "paraformer": "paraformer",
    "whisper": "whisper",
    "wenet": "wenet_ctc",
    "nemo": "nemo_ctc",
    "zipformer": "zipformer_ctc",
}
_PARTS = {
    "encoder": "encoder",
    "decoder": "decoder",
    "joiner": "joiner",
    "vocos": "vocoder",
    "hifigan": "vocoder",
    "vocoder": "vocoder",
}
"""What of a file's name tells which part of a model it is; another one is the model itself."""
VOICES = ("vits", "matcha", "kokoro", "kitten")
"""Families that speak; the others hear."""


class Files(NamedTuple):
    """The files of a model by their part (model, encoder, vocoder, …), and its tokens."""

    tokens: Path
    parts: dict[str, Path]

    def path(self, part: str) -> str:
        """Raises NotLoadedError when the model lacks it."""
        if part not in self.parts:
            raise NotLoadedError(
                f"{self.tokens.parent.name} lacks its {part}: pull it again, or set family.",
                retryable=False,
            )
        return str(self.parts[part])


def opens(path: Path) -> Path | None:
    """The folder, when it holds tokens and an ONNX file."""
    folder = path if path.is_dir() else path.parent
    return folder if _tokens(folder) is not None and any(folder.glob("*.onnx")) else None


def _tokens(folder: Path) -> Path | None:
    return next(iter(sorted(folder.glob("*tokens.txt"))), None)


def files_of(folder: Path, int8: bool) -> Files:
    """Its files; of each part the one of 8 bit or the other, as wished, where there are both."""
    tokens = _tokens(folder)
    if tokens is None:
        raise NotLoadedError(f"{folder.name} lacks its tokens.txt: pull it again.")
    found: dict[str, Path] = {}
    wished_last = sorted(folder.glob("*.onnx"), key=lambda f: (("int8" in f.name) == int8, f.name))
    for file in wished_last:
        part = next((part for word, part in _PARTS.items() if word in file.name), "model")
        if "vad" not in file.name:
            found[part] = file
    return Files(tokens, found)


def family_of(folder: Path, files: Files, wished: str) -> str:
    """The family: as wished, else told by the files, then by the name. Raises NotLoadedError."""
    if wished != "auto":
        return wished
    if "joiner" in files.parts:
        return "transducer"
    name = folder.name.lower()
    for word in _NAMED:
        if word in name:
            return _FAMILY[word]
    if {"encoder", "decoder"} <= files.parts.keys():
        return "whisper"
    raise NotLoadedError(
        f"{folder.name}: neither its files nor its name tell what kind of model it is: set family.",
        retryable=False,
    )


def voice_family(folder: Path, wished: str) -> str:
    """The family of a voice, told by its files, then by its name; "" for models that hear."""
    if wished != "auto":
        return wished if wished in VOICES else ""
    name = folder.name.lower()
    if (folder / "voices.bin").is_file():
        return "kitten" if "kitten" in name else "kokoro"
    if any(folder.glob("model-steps-*.onnx")) or "matcha" in name:
        return "matcha"
    reads = any(folder.glob("lexicon*.txt")) or (folder / "espeak-ng-data").is_dir()
    return "vits" if reads or name.startswith("vits") else ""


def streams(folder: Path, wished: str) -> bool:
    """Whether the model listens while somebody speaks."""
    return "streaming" in folder.name.lower() if wished == "auto" else wished == "streaming"
