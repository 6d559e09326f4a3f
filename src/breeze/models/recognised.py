"""Which runner serves a set of files, told by their names and by what the files say of themselves.

The formats are rows of `recognised.json`: a row fits when each pattern under `has` fits a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from functools import cache
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import msgspec

from breeze.contracts.capability import Capability
from breeze.contracts.model_files import EntryPoint, FileType
from breeze.contracts.unreadable import UNREADABLE

PROJECTOR = "*mmproj*.gguf"
"""What turns pictures into a language model's own terms lies in a file of its own."""
_MOST = 4 * 1024 * 1024  # bytes of a config.json that is read
_ABILITIES = (
    ("ForCausalLM", Capability.LLM),
    ("LMHeadModel", Capability.LLM),
    ("ForImageTextToText", Capability.VLM),
    ("ForSpeechSeq2Seq", Capability.ASR),
    ("WhisperForConditionalGeneration", Capability.ASR),
    ("ForCTC", Capability.ASR),
    ("ForTextToSpeech", Capability.TTS),
    ("VitsModel", Capability.TTS),
)
"""How the class ends that a config.json names, and what a model of it does."""
_TYPES: tuple[tuple[str, FileType], ...] = (
    (PROJECTOR, "projector"),
    ("*token*", "tokenizer"),
    ("*vocab*", "tokenizer"),
    ("*.gguf", "model"),
    ("*.pte", "model"),
    ("*.onnx", "model"),
    ("*.safetensors", "weights"),
    ("*.bin", "weights"),
    ("*.data", "weights"),
    ("*.dla", "dla"),
    ("*", "config"),
)


class Format(msgspec.Struct, frozen=True):
    """One row: `entry` is what the runner opens, or with `folder` the folder that it lies in."""

    format: str
    runner: str
    has: tuple[str, ...]
    entry: str = ""
    folder: bool = False
    capabilities: tuple[Capability, ...] = ()


class Recognised(NamedTuple):
    """Who serves the files, what can be asked of them, and what the runner opens."""

    runner: str
    capabilities: tuple[Capability, ...]
    entry_point: EntryPoint


@cache
def formats() -> tuple[Format, ...]:
    """The rows, in the order in which they are tried."""
    data = (files("breeze.models") / "recognised.json").read_bytes()
    return msgspec.json.decode(data, type=tuple[Format, ...])


def recognise(paths: Mapping[str, Path]) -> Recognised | None:
    """Who serves these files, given by their names in the model's folder; None when nobody does."""
    for row in formats():
        if all(_first(paths, pattern) for pattern in row.has):
            able = row.capabilities or _abilities(paths["config.json"])
            if any(fnmatch(name, PROJECTOR) for name in paths) and Capability.LLM in able:
                able = (*able, Capability.VLM)
            return Recognised(row.runner, able, EntryPoint(value=_entry(row, paths)))
    return None


def file_type(name: str) -> FileType:
    """What part of a model a file is, by its name."""
    plain = name.lower()
    return next(kind for pattern, kind in _TYPES if fnmatch(plain, pattern))


def _first(names: Iterable[str], pattern: str) -> str:
    """The first fitting name. A projector is no model by itself."""
    fits = (n for n in names if fnmatch(n, pattern) and not fnmatch(n, PROJECTOR))
    return min(fits, default="")


def _entry(row: Format, names: Iterable[str]) -> str:
    opened = _first(names, row.entry) if row.entry else ""
    if not row.folder:
        return opened
    folder = PurePosixPath(opened).parent.as_posix()
    return "" if folder == "." else folder


def _abilities(config: Path) -> tuple[Capability, ...]:
    """What a model does by the classes that its config.json names."""
    said = read_object(config)
    named = said.get("architectures")
    classes = [str(name) for name in named] if isinstance(named, list) else []
    found = {able for name in classes for end, able in _ABILITIES if name.endswith(end)}
    if "vision_config" in said and any(
        "Generation" in name or "Causal" in name for name in classes
    ):
        found |= {Capability.VLM, Capability.LLM}
    return tuple(able for able in Capability if able in found)


def read_object(path: Path) -> dict[str, Any]:
    """A small JSON object of somebody else's; empty when it cannot be read or is too large."""
    try:
        if path.stat().st_size > _MOST:
            return {}
        said = msgspec.json.decode(path.read_bytes())
    except (OSError, *UNREADABLE):
        return {}
    return said if isinstance(said, dict) else {}
