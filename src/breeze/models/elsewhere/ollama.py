"""Ollama's models: a manifest for each, whose layers are files named after their digests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from breeze.contracts.model_files import FileType
from breeze.contracts.unreadable import UNREADABLE
from breeze.models.elsewhere.found import Found, Piece, Place
from breeze.models.recognised import read_object

_LAYER = "application/vnd.ollama.image."
_DIGEST = re.compile(r"sha256[:-]([0-9a-f]{64})")
_FILES: dict[str, tuple[str, FileType]] = {
    "model": ("model.gguf", "model"),
    "projector": ("mmproj.gguf", "projector"),
    "adapter": ("adapter.gguf", "weights"),
}
"""Layers that are files of a model here, and how they are called."""
_DEFAULT = ("registry.ollama.ai", "library")
_MOST_TEXT = 64 * 1024
_MOST_MANIFEST = 4 * 1024 * 1024
_MOST_MANIFESTS = 10_000


class _Layer(msgspec.Struct, rename={"media_type": "mediaType"}):
    """A part of a model."""

    media_type: str = ""
    digest: str = ""
    size: int = 0


class _Manifest(msgspec.Struct):
    """What makes up a model."""

    config: _Layer = msgspec.field(default_factory=_Layer)
    layers: list[_Layer] = []


def _folders(environ: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    if given := environ.get("OLLAMA_MODELS"):
        return (Path(given).expanduser(),)
    return (home / ".ollama/models", Path("/usr/share/ollama/.ollama/models"))


def _find(folder: Path) -> Iterator[Found]:
    for index, path in enumerate(sorted((folder / "manifests").glob("*/*/*/*"))):
        if index == _MOST_MANIFESTS:
            return
        if path.is_file() and not path.name.startswith("."):
            yield _model(path, folder)


def _model(path: Path, folder: Path) -> Found:
    name = _name(path.relative_to(folder / "manifests").parts)
    source = f"ollama:{name}"
    try:
        with path.open("rb") as file:
            manifest = msgspec.json.decode(file.read(_MOST_MANIFEST), type=_Manifest)
    except (OSError, *UNREADABLE) as error:
        return Found(name, source, problem=f"its manifest cannot be read: {error}")
    layers = {_kind(layer): layer for layer in manifest.layers}
    if problem := _problem(layers, folder):
        return Found(name, source, problem=problem)
    pieces = [
        Piece(file, blob, kind, _digest(layers[layer]))
        for layer, (file, kind) in _FILES.items()
        if layer in layers and (blob := _blob(folder, layers[layer])) is not None
    ]
    return Found(
        name, source, tuple(pieces), _describe(folder, manifest.config),
        _text(folder, layers, "license").strip().partition("\n")[0],
        _metadata(folder, layers),
    )  # fmt: skip


def _name(parts: tuple[str, ...]) -> str:
    """The name that its own program shows: the default host and namespace are left out."""
    host, space, model, tag = parts
    where = [p for p, usual in zip((host, space), _DEFAULT, strict=True) if p != usual]
    if host != _DEFAULT[0]:
        where = [host, space]
    return "/".join((*where, f"{model}:{tag}"))


def _kind(layer: _Layer) -> str:
    """`model` of `application/vnd.ollama.image.model`; empty for what is of another form."""
    plain = layer.media_type.partition(";")[0]
    return plain.removeprefix(_LAYER) if plain.startswith(_LAYER) else ""


def _problem(layers: Mapping[str, _Layer], folder: Path) -> str:
    if "model" not in layers:
        tensors = "tensor" in layers
        return "is kept tensor by tensor, not as GGUF" if tensors else "has no file on this disk"
    for kind in _FILES:
        if kind in layers:
            blob = _blob(folder, layers[kind])
            if blob is None:
                return f"its {kind} is not on the disk"
            if layers[kind].size and blob.stat().st_size != layers[kind].size:
                return f"its {kind} is not complete"
    return ""


def _digest(layer: _Layer) -> str:
    found = _DIGEST.fullmatch(layer.digest)
    return found[1] if found else ""


def _blob(folder: Path, layer: _Layer) -> Path | None:
    """The file of a layer. A digest that is none leads nowhere, and so does a link elsewhere: its
    text would be shown, whoever else may not read it."""
    if not (digest := _digest(layer)):
        return None
    root = (folder / "blobs").resolve()
    names = (f"sha256-{digest}", f"sha256:{digest}")  # the second by versions before 0.1.30
    found = (p for n in names if (p := root / n).is_file())
    return next((p for p in found if p.resolve().parent == root), None)


def _text(folder: Path, layers: Mapping[str, _Layer], kind: str) -> str:
    """A layer that is text; empty when there is none."""
    blob = _blob(folder, layers[kind]) if kind in layers else None
    if blob is None:
        return ""
    with blob.open("rb") as file:
        return file.read(_MOST_TEXT).decode(errors="replace")


def _metadata(folder: Path, layers: Mapping[str, _Layer]) -> dict[str, Any]:
    """Its parameters, system prompt and template: kept, and not acted on."""
    found: dict[str, Any] = {
        kind: text for kind in ("system", "template") if (text := _text(folder, layers, kind))
    }
    blob = _blob(folder, layers["params"]) if "params" in layers else None
    if blob is not None and (params := read_object(blob)):
        found["params"] = params
    return found


def _describe(folder: Path, config: _Layer) -> str:
    """Such as `llama 1.2B Q8_0`."""
    blob = _blob(folder, config)
    said = read_object(blob) if blob is not None else {}
    words = (said.get(key) for key in ("model_family", "model_type", "file_type"))
    return " ".join(word for word in words if isinstance(word, str))


PLACE = Place("Ollama", _folders, _find)
