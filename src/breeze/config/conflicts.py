"""What types cannot say of a configuration: names that mean two things.

Both functions take any JSON, so that these problems are told together with all others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def conflicts(config: Any) -> Iterator[tuple[str, str]]:
    """Path and problem of each instance that has two meanings under several capabilities."""
    seen: dict[str, tuple[str, Any, Any]] = {}
    for capability, entry in _items(_get(config, "capabilities")):
        for name, runner in _items(_get(entry, "runners")):
            meaning = (_get(runner, "class"), _get(runner, "parameters") or {})
            first, *known = seen.setdefault(name, (capability, *meaning))
            if tuple(known) != meaning:
                path = f"capabilities.{capability}.runners.{name}"
                yield path, f"has another class or other parameters than under {first}"


def repeated_names(config: Any) -> Iterator[tuple[str, str]]:
    """Path and problem of each entry whose name an earlier one has, in version 1.0."""
    seen: dict[str, int] = {}
    for place, runner in enumerate(config["runners"]):
        name = runner.get("name") if isinstance(runner, dict) else None
        if isinstance(name, str) and (first := seen.setdefault(name, place)) != place:
            yield f"runners[{place}].name", f"{name!r} is already the name of runners[{first}]"


def _get(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else None


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    yield from value.items() if isinstance(value, Mapping) else ()
