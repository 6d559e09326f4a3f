"""Runners that are a row of data: one that exists, with other defaults, under a name of its own.

Beside a runner's file may lie `<runner>.rows.toml`, one table for each row:

    [whistle_eu]
    vendor = "Whistle"
    about = "Whistle's servers in Europe."
    key = "WHISTLE_EU_KEY"                      # the variable of its key
    base_url = "https://eu.whistle.example/v1"  # and any other parameter's default

`kind` and `automatic` are facts of the runner. Tables below `extra` are further parameters, which a
request may set unless they say `per_request = false`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from pydantic.fields import FieldInfo

from breeze.contracts.capability import RunnerKind
from breeze.contracts.errors import InputError
from breeze.contracts.fields import Choice, Facts, choice, number, switch, text
from breeze.contracts.parameters import Parameters, unknown_name
from breeze.contracts.runner import Runner

ENDING = ".rows.toml"
_FACTS = {"vendor": "", "about": "", "key": "", "kind": "", "automatic": None, "extra": None}
_EXTRA = {"about", "title", "kind", "choices", "low", "high", "step", "unit", "sent", "per_request"}
_MAKERS: dict[str, Any] = {"text": text, "number": number, "choice": choice, "switch": switch}
_UNSET: dict[str, Any] = {"text": "", "number": None, "choice": "", "switch": False}


class Row(NamedTuple):
    """One row: the runner that it is a form of, what it says, and the file that says so."""

    base: str
    values: Mapping[str, Any]
    file: Path


def rows_of(file: Path) -> dict[str, Row]:
    """The rows in `file` by name. Raises InputError when it is no TOML."""
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: {error}.", field="rows") from error
    return {
        name: Row(file.name.removesuffix(ENDING), table, file) for name, table in tables.items()
    }


_made: dict[tuple[str, type[Runner[Any]], bytes], type[Runner[Any]]] = {}
"""Classes of rows: a process that opens many engines makes each once."""


def runner_of(name: str, row: Row, base: type[Runner[Any]]) -> type[Runner[Any]]:
    """The class of a row. Raises InputError that names what is wrong in it."""
    key = name, base, msgspec.json.encode(row.values)
    if key not in _made:
        _made[key] = _class_of(name, row, base)
    return _made[key]


def _class_of(name: str, row: Row, base: type[Runner[Any]]) -> type[Runner[Any]]:
    said = _FACTS | dict(row.values)
    ptype = base.parameters_type
    defaults = {key: value for key, value in row.values.items() if key not in _FACTS}
    if unknown := [key for key in defaults if key not in ptype.facts]:
        known = {**_FACTS, **ptype.facts}
        raise _wrong(name, row, unknown_name(unknown[0], known))
    if not said["vendor"] or not said["about"]:
        raise _wrong(name, row, "vendor and about are needed")
    facts: dict[str, Any] = {"kind": RunnerKind(said["kind"])} if said["kind"] else {}
    if said["automatic"] is not None:
        facts["automatic"] = said["automatic"]
    info = msgspec.structs.replace(
        base.info, name=name, vendor=said["vendor"], description=said["about"], **facts
    )
    facts = {"__doc__": said["about"], "__module__": base.__module__, "info": info}
    made: type[Runner[Any]] = type(base.__name__, (base,), facts)
    made.parameters_type = _parameters(ptype, defaults, said["key"], _extras(name, row))
    return made


def _parameters(
    base: type[Parameters], defaults: Mapping[str, Any], key: str, extras: Mapping[str, Any]
) -> type[Parameters]:
    """`base` with other defaults, and with no variable of the vendor of `base`."""
    fields = {name: (type_of, field) for name, (type_of, field, _) in extras.items()}
    for name, facts in base.facts.items():
        info = base.model_fields[name]
        variable = key if facts.secret else ""
        if name in defaults or facts.env != variable:
            value = defaults.get(name, info.default)
            value = tuple(value) if isinstance(value, list) else value
            fields[name] = info.annotation, _redeclared(info, facts, value, variable)
    namespace: dict[str, Any] = {
        "__module__": base.__module__,
        "__doc__": base.__doc__,
        "__annotations__": {name: type_of for name, (type_of, _) in fields.items()},
        # Most rows are never set up: what validates their values is built when there are some.
        "model_config": {"defer_build": True},
    }
    namespace |= {name: field for name, (_, field) in fields.items()}
    kind: Any = type(base)
    made: type[Parameters] = kind(base.__name__, (base,), namespace)
    if extras:
        made.extra = {name: sent for name, (_, _, sent) in extras.items()}  # type: ignore[attr-defined]
    return made


def _redeclared(info: FieldInfo, facts: Facts, value: Any, variable: str) -> FieldInfo:
    made = copy(info)
    made.default = value
    others = [each for each in info.metadata if not isinstance(each, Facts)]
    made.metadata = [*others, replace(facts, env=variable)]
    return made


def _extras(name: str, row: Row) -> dict[str, tuple[Any, Any, str]]:
    """Further parameters: type, declaration, and where their value is sent."""
    found: dict[str, tuple[Any, Any, str]] = {}
    for field, said in (row.values.get("extra") or {}).items():
        if unknown := said.keys() - _EXTRA:
            known = dict.fromkeys(_EXTRA)
            raise _wrong(name, row, f"extra.{field}: {unknown_name(min(unknown), known)}")
        kind = said.get("kind", "text")
        if kind not in _MAKERS:
            raise _wrong(name, row, f"extra.{field}: kind must be {', '.join(_MAKERS)}")
        found[field] = (*_declared(kind, said), said.get("sent", field))
    return found


def _declared(kind: str, said: Mapping[str, Any]) -> tuple[Any, Any]:
    header = str(said.get("sent", "")).startswith("header:")
    facts: dict[str, Any] = {
        n: said[n] for n in ("title", "low", "high", "step", "unit") if n in said
    }
    free = said.get("per_request", True) and not header
    facts |= {"category": "Requests", "per_request": free, "requires_reload": header}
    if kind == "choice":
        options = [Choice("", "Unset"), *(Choice(key, key) for key in said["choices"])]
        return str, choice("", options, said["about"], **facts)
    types = {"text": str, "number": float | None, "switch": bool}
    return types[kind], _MAKERS[kind](_UNSET[kind], said["about"], **facts)


def _wrong(name: str, row: Row, what: str) -> InputError:
    return InputError(f"{row.file}: [{name}] {what}.", field=f"rows.{name}")
