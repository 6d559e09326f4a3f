"""Which files of a repository make up a model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch

from breeze.contracts.errors import InputError, RunnerError
from breeze.models.hub import HubFile

_PICKLED = re.compile(
    r"(.*\.(pkl|pickle|pt|pth|ckpt|joblib|dill|t7)|pytorch_model.*\.bin|training_args\.bin|"
    r"(optimizer|scheduler|rng_state.*)\.(bin|pt|pth))",
    re.IGNORECASE,
)
_NEEDLESS = re.compile(
    r"(^|/)(\.git.*|.*\.(md|png|jpe?g|gif|mp4|pdf|msgpack|h5|ot|tflite"
    r"|py|so|dll|dylib|exe|sh|bat))$",
    re.IGNORECASE,
)
_SHARD = re.compile(r"-\d{5}-of-\d{5}(?=\.gguf$)", re.IGNORECASE)


def is_pickled(name: str) -> bool:
    """True for a file that runs code when it is read, by its name."""
    return bool(_PICKLED.fullmatch(name.rpartition("/")[2]))


def chosen(files: Sequence[HubFile], wish: str, allow_pickle: bool) -> tuple[HubFile, ...]:
    """The files of a repository to take: those that `wish` names, else all that a model needs.

    Raises InputError when there are several models to choose from, nothing fits, or all that fits
    runs code when it is read.
    """
    found = [f for f in files if _fits(f.path, wish)] if wish else _needed(files)
    if wish and not found:
        found = [f for f in files if _is_whole(f) and wish.lower() in f.path.lower()]
        if len({_SHARD.sub("", f.path) for f in found}) > 1:
            raise _wrong(f"{wish!r} fits several files", found)
    if not found:
        raise _wrong(f"there is no file {wish!r}" if wish else "there is no model", files)
    if not wish and len({_SHARD.sub("", f.path) for f in found if _is_whole(f)}) > 1:
        raise _wrong("there are several models: name one behind a colon", files)
    safe = [f for f in found if allow_pickle or not is_pickled(f.path)]
    if not safe or (not wish and len(safe) < len(found) and not _has_weights(safe)):
        raise InputError(
            "The weights of this model are pickled: reading them may run any code. Choose one with "
            "safetensors or GGUF files, or allow it for this model if you trust who made it.",
            field="model",
            detail="pickle",
        )
    return (*safe, *_projector(files, safe))


def _fits(path: str, wish: str) -> bool:
    return path == wish or fnmatch(path, wish)


def _needed(files: Sequence[HubFile]) -> list[HubFile]:
    """All but pictures, papers and other programs' forms of the same weights."""
    useful = [f for f in files if not _NEEDLESS.search(f.path) and "mmproj" not in f.path.lower()]
    whole = [f for f in useful if _is_whole(f)]
    return whole or useful


def _is_whole(file: HubFile) -> bool:
    """A file that is a model by itself: the others beside it are for other programs."""
    return file.path.endswith(".gguf") and "mmproj" not in file.path.lower()


def _has_weights(files: Iterable[HubFile]) -> bool:
    ends = (".safetensors", ".gguf", ".onnx", ".pte", ".bin")
    return any(f.path.endswith(ends) for f in files)


def _projector(files: Sequence[HubFile], taken: Sequence[HubFile]) -> tuple[HubFile, ...]:
    """What lets a model see, when it lies beside it: the one of half precision, else the first."""
    found = sorted(
        (f for f in files if f.path.endswith(".gguf") and "mmproj" in f.path.lower()),
        key=lambda f: ("f16" not in f.path.lower().replace("bf16", ""), f.path),
    )
    if not found or any(f in found for f in taken) or not any(map(_is_whole, taken)):
        return ()
    return (found[0],)


def _wrong(what: str, files: Sequence[HubFile]) -> RunnerError:
    names = [f"{f.path} ({f.size / 1e6:.0f} MB)" for f in files if f.path.endswith(".gguf")]
    names = names or [f.path for f in files]
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return InputError(
        f"In this repository {what}. It has: {', '.join(names[:20])}{more}.",
        field="model",
        detail="choice",
        data={"files": names[:100]},
    )
