"""The table of every key of config.json, made from the types."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from breeze.config.model import EngineConfig, Section
from breeze.contracts.capability import Capability


def config_keys_table() -> str:
    """Markdown: one row for each key, with its type, default and meaning."""
    rows = ["| key | type | default | meaning |", "|---|---|---|---|"]
    rows += [f"| `{key}` | {kind} | {default} | {text} |" for key, kind, default, text in _rows()]
    return "\n".join(rows) + "\n"


def _rows(section: type[Section] = EngineConfig, path: str = "") -> Iterator[tuple[str, ...]]:
    for name, field in section.model_fields.items():
        key = f"{path}{field.alias or name}"
        inner, inside = _below(field.annotation)
        if inner is not None:
            yield from _rows(inner, f"{key}{inside}.")
        else:
            yield key, _kind(field.annotation), _default(field), field.description or ""


def _below(annotation: Any) -> tuple[type[Section] | None, str]:
    """The section that a key holds, if any, and what stands between: `.INSTANCE`, `[]`, ''."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation, ""
    if get_origin(annotation) is dict:
        key, value = get_args(annotation)
        if isinstance(value, type) and issubclass(value, Section):
            return value, ".CAPABILITY" if key is Capability else ".INSTANCE"
    if get_origin(annotation) is tuple:
        value = get_args(annotation)[0]
        if isinstance(value, type) and issubclass(value, Section):
            return value, "[]"
    return None, ""


def _kind(annotation: Any) -> str:
    """A type in the words of JSON."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return " or ".join(_kind(a) for a in arguments if a is not NoneType)
    if origin is Literal:
        return ", ".join(f"`{a}`" for a in arguments)
    if origin is tuple:
        return f"list of {_kind(arguments[0])}"
    if hasattr(annotation, "__metadata__"):
        return _kind(annotation.__origin__)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(f"`{member.value}`" for member in annotation)
    names = {
        str: "text",
        SecretStr: "text",
        bool: "true or false",
        int: "whole number",
        float: "number",
    }
    return names.get(annotation, "object")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value in (None, {}, ()):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"`{value}`"
