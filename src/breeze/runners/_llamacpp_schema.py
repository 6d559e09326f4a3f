"""JSON schemas as llama.cpp can obey them: bounded, and without what it would quietly ignore.

Its grammars take time that grows much faster than the schema, and nothing can stop it while it
builds one. So large schemas are refused, and what it cannot enforce is taken out and reported.
"""

from __future__ import annotations

import re
from typing import Any

from breeze.contracts.errors import InputError

MAX_DEPTH, MAX_NODES, MAX_VALUES, MAX_PROPERTIES, MAX_REPEATS = 32, 1000, 1000, 200, 1000
MAX_PATTERN, MAX_QUANTIFIERS = 200, 20
_MAPS = ("properties", "$defs", "definitions")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_REPEATS = ("minItems", "maxItems", "minLength", "maxLength")
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_PLAIN = {
    "type", "required", "enum", "const", "$ref", "items", "additionalProperties", "title",
    "description", "default", "examples", "$schema", "$id", "$comment", "deprecated",
    *_MAPS, *_LISTS, *_REPEATS,
}  # fmt: skip
_VALUES = ("enum", "const", "default", "examples", "type", "required")
_FORMATS = {"date", "time", "date-time", "uuid"}


def obeyable(schema: dict[str, Any], field: str) -> tuple[dict[str, Any], list[str]]:
    """What llama.cpp can enforce of `schema`, and the paths of what was taken out.

    Raises InputError, with a path that begins with `field`, for a schema that is too large or
    is none.
    """
    cleaner = _Cleaner(field)
    return cleaner.clean(schema, "", 0), cleaner.lost


def nesting(value: Any) -> int:
    """How deep lists and objects lie in each other in `value`, counted without recursion.

    llama.cpp writes JSON recursively: some ten thousand levels end the whole process.
    """
    depth, level = 0, [value]
    while level:
        inner = [
            v.values() if isinstance(v, dict) else v for v in level if isinstance(v, dict | list)
        ]
        depth += bool(inner)
        level = [item for items in inner for item in items]
    return depth


class _Cleaner:
    def __init__(self, field: str) -> None:
        self.field = field
        self.nodes = 0
        self.values = 0
        self.lost: list[str] = []

    def clean(self, node: Any, path: str, depth: int) -> dict[str, Any]:
        if not isinstance(node, dict):
            raise self.wrong(path, "must be an object")
        self.nodes += 1
        values = node.get("enum", ())
        self.values += len(values) if isinstance(values, list) else 0
        if depth > MAX_DEPTH or self.nodes > MAX_NODES or self.values > MAX_VALUES:
            raise self.wrong(path, "makes the schema too large")
        return {
            key: self.value(key, value, f"{path}.{key}", depth + 1)
            for key, value in node.items()
            if self.kept(node, key, value, f"{path}.{key}")
        }

    def kept(self, node: dict[str, Any], key: str, value: Any, path: str) -> bool:
        """Whether llama.cpp enforces this keyword (or need not, because it only describes)."""
        fine = key in _PLAIN
        if key == "pattern":
            fine = _is_simple(value)
        elif key == "format":
            fine = value in _FORMATS
        elif key in _BOUNDS:
            fine = node.get("type") == "integer"
        if not fine:
            self.lost.append(path.lstrip("."))
        return fine

    def value(self, key: str, value: Any, path: str, depth: int) -> Any:
        if key in _REPEATS and not (type(value) is int and 0 <= value <= MAX_REPEATS):
            raise self.wrong(path, f"must be 0 to {MAX_REPEATS}")
        if key in _MAPS:
            if not isinstance(value, dict) or len(value) > MAX_PROPERTIES:
                raise self.wrong(path, f"must be an object of at most {MAX_PROPERTIES}")
            return {name: self.clean(v, f"{path}.{name}", depth) for name, v in value.items()}
        if key in _LISTS or (key == "items" and isinstance(value, list)):
            if not isinstance(value, list):
                raise self.wrong(path, "must be a list")
            return [self.clean(v, f"{path}[{i}]", depth) for i, v in enumerate(value)]
        if key in _VALUES and nesting(value) > MAX_DEPTH:
            raise self.wrong(path, f"is nested deeper than {MAX_DEPTH}")
        if key == "items" or (key == "additionalProperties" and not isinstance(value, bool)):
            return self.clean(value, path, depth)
        return value

    def wrong(self, path: str, what: str) -> InputError:
        return InputError(f"{self.field}{path} {what}.", field=f"{self.field}{path}")


def _is_simple(pattern: Any) -> bool:
    """A whole-text pattern whose grammar is built in no time."""
    if not isinstance(pattern, str) or not re.fullmatch(r"\^.*\$", pattern[: MAX_PATTERN + 1]):
        return False
    if len(pattern) > MAX_PATTERN or sum(map(pattern.count, "?*+{|")) > MAX_QUANTIFIERS:
        return False
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True
