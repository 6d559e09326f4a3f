"""YAML as people write it: plain data, each key once, every refusal with line and column."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from breeze.config.source_text import broken, read_text
from breeze.contracts.errors import InputError

_LARGEST = 1024 * 1024
_DEPTH = 100
ENDINGS = (".yaml", ".yml")


def read_yaml(path: Path) -> object:
    """The value in the file. Raises FileNotFoundError, or InputError with line and column.

    It takes what JSON can say as well: no anchors, no tags, no dates, no key twice.
    """
    try:
        import yaml
    except ImportError:
        raise InputError(
            f"{path} is YAML, and no reader of YAML is installed. Run: "
            "pip install 'breeze-engine[remote]', or write it as JSON.",
            data={"file": str(path)},
        ) from None
    text = read_text(path, most=_LARGEST)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        return {} if node is None else _Reader(path, yaml).value(node, 0)
    except yaml.MarkedYAMLError as error:  # its text is dropped: it may show a secret
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        raise broken(path, line, column, str(error.problem or "is not YAML")) from None
    except RecursionError:
        raise broken(path, 1, 1, f"is nested deeper than {_DEPTH} levels") from None
    except yaml.YAMLError:
        raise broken(path, 1, 1, "holds characters that no text has") from None


class _Reader:
    """Turns nodes into plain values."""

    def __init__(self, path: Path, yaml: Any) -> None:
        self._path = path
        self._yaml = yaml
        self._plain = yaml.SafeLoader("")
        self._seen: set[int] = set()

    def value(self, node: Any, depth: int) -> object:
        if id(node) in self._seen:
            raise self._wrong(node, "an alias is not taken: write it out")
        self._seen.add(id(node))
        if depth > _DEPTH:
            raise self._wrong(node, f"is nested deeper than {_DEPTH} levels")
        if isinstance(node, self._yaml.MappingNode):
            return self._mapping(node, depth)
        if isinstance(node, self._yaml.SequenceNode):
            return [self.value(inner, depth + 1) for inner in node.value]
        return self._scalar(node)

    def _mapping(self, node: Any, depth: int) -> dict[str, object]:
        found: dict[str, object] = {}
        for key, inner in node.value:
            name = key.value
            if not isinstance(name, str) or key.tag.endswith(":merge"):
                raise self._wrong(key, "this is no key")
            if name in found:
                raise self._wrong(key, f"the key {name!r} is given twice")
            found[name] = self.value(inner, depth + 1)
        return found

    def _scalar(self, node: Any) -> object:
        kind = node.tag.rpartition(":")[2]
        if kind in ("null", "bool", "int", "float"):
            try:
                value: object = self._plain.construct_object(node)
            except ValueError:  # such as the number 0x
                return str(node.value)
            if isinstance(value, float) and not math.isfinite(value):
                raise self._wrong(node, "this is no number that can be used")
            return value
        if kind in ("str", "timestamp"):
            return str(node.value)
        raise self._wrong(node, "a tag is not taken")

    def _wrong(self, node: Any, what: str) -> InputError:
        mark = node.start_mark
        return broken(self._path, mark.line + 1, mark.column + 1, what)
