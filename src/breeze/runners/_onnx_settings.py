"""What a model's genai_config.json may tell the runtime: it comes with the model, from anybody.

The runtime would load libraries and write files that it names. What is not known to be harmless
is refused; so is what two parsers may read differently.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from breeze.contracts.errors import InputError

_MOST = 4 * 1024 * 1024
_OPTIONS = ("session_options", "run_options")
_HARMLESS = re.compile(
    r"log_id|log_(severity|verbosity)_level|(intra|inter)_op_num_threads|enable_cpu_mem_arena"
    r"|enable_mem_pattern|graph_optimization_level|use_env_allocators|disable_cpu_ep_fallback"
    r"|disable_quant_qdq|enable_quant_qdq_cleanup|provider_options"
    r"|(session|optimization|memory|mlas)\.[\w.]+"
)
_OUTSIDE = re.compile(r"librar|lib_|path|file|dir(?!ect)|cache|profil|dump", re.IGNORECASE)
"""In the name of an option: it leads to something outside of the model."""


def check_settings(file: Path) -> None:
    """Raises InputError (field model) for settings that a model may not have."""
    try:
        if file.stat().st_size > _MOST:
            raise ValueError(f"it has more than {_MOST} bytes")
        said = json.loads(file.read_bytes(), object_pairs_hook=_once)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"{file.parent.name}/{file.name} cannot be read: {error}.", field="model"
        ) from error
    for name in _options(said, asked=False):
        if _OUTSIDE.search(name) or not _HARMLESS.fullmatch(name):
            raise InputError(
                f"{file.parent.name}/{file.name} sets {name[:80]!r}, which a model may not: it "
                "could run or write anything. Take it out if you trust the model, or choose "
                "another.",
                field="model",
                detail="settings",
            )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; one whose names are not all different has no one meaning."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("it says the same thing twice")
    return found


def _options(value: Any, *, asked: bool) -> Iterator[str]:
    """The names of all options for the runtime itself; below a provider only the suspicious."""
    if isinstance(value, list):
        for inner in value:
            yield from _options(inner, asked=asked)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name == "provider_options":
                yield from _provided(inner)
                continue
            if asked or name == "custom_ops_library":
                yield name
            yield from _options(inner, asked=asked or name in _OPTIONS)


def _provided(value: Any) -> Iterator[str]:
    """Options of providers that lead elsewhere; the others are the providers' own affair."""
    if isinstance(value, list):
        for inner in value:
            yield from _provided(inner)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if _OUTSIDE.search(name):
                yield name
            yield from _provided(inner)
