"""Disks on which other programs keep models, made by the tests."""

from __future__ import annotations

import json
import struct
from hashlib import sha256
from pathlib import Path
from typing import Any

LAYER = "application/vnd.ollama.image."


def gguf(**metadata: str | int) -> bytes:
    """A GGUF file without a tensor: `architecture`, `context_length` and what else is given."""
    said: dict[str, str | int] = {
        "general.architecture": "llama",
        "llama.context_length": 2048,
    }
    said |= {key.replace("__", "."): value for key, value in metadata.items()}
    pairs = b"".join(_pair(key, value) for key, value in said.items())
    return b"GGUF" + struct.pack("<Iqq", 3, 0, len(said)) + pairs + bytes(64)


def _pair(key: str, value: str | int) -> bytes:
    name = struct.pack("<Q", len(key)) + key.encode()
    if isinstance(value, int):
        return name + struct.pack("<II", 4, value)
    return name + struct.pack("<IQ", 8, len(value)) + value.encode()


class OllamaDisk:
    """The folder of a server that is not running."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def blob(self, data: bytes) -> str:
        digest = sha256(data).hexdigest()
        path = self.folder / "blobs" / f"sha256-{digest}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return f"sha256:{digest}"

    def model(self, name: str, **layers: bytes | str) -> Path:
        """A model with these layers; `name` is its whole path under `manifests`."""
        manifest: dict[str, Any] = {"schemaVersion": 2, "layers": []}
        for kind, data in layers.items():
            raw = data if isinstance(data, bytes) else data.encode()
            layer = {"mediaType": LAYER + kind, "digest": self.blob(raw), "size": len(raw)}
            if kind == "config":
                manifest["config"] = layer
            else:
                manifest["layers"].append(layer)
        path = self.folder / "manifests" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(manifest))
        return path


class CacheDisk:
    """The cache of the hub's library: snapshots of links to files that are called by digest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def model(self, name: str, files: dict[str, bytes], commit: str = "a" * 40) -> Path:
        repository = self.folder / f"models--{name.replace('/', '--')}"
        snapshot = repository / "snapshots" / commit
        for file, data in files.items():
            blob = repository / "blobs" / sha256(data).hexdigest()
            blob.parent.mkdir(parents=True, exist_ok=True)
            blob.write_bytes(data)
            path = snapshot / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(blob)
        main = repository / "refs" / "main"
        main.parent.mkdir(parents=True, exist_ok=True)
        main.write_text(commit)
        return snapshot
