"""The tables that documents show, made from the code that they describe."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import click
import msgspec
from docs_http import fields_table, openai_errors_table, routes_table
from docs_markdown import code, table
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from breeze.config.model import EngineConfig
from breeze.contracts import errors, events
from breeze.contracts.fields import Facts
from breeze.contracts.hardware import AMOUNTS, NAMES
from breeze.contracts.metadata import KEYS
from breeze.contracts.runner import Runner
from breeze.engine.registry import Registry
from breeze.engine.rules import RULES
from breeze.surfaces.cli import breeze as cli
from breeze.surfaces.http.metrics import METRICS
from breeze.testing.standins import FAULTS, names, standin


def first_sentence(text: str | None) -> str:
    """Up to the first full stop of a docstring, on one line."""
    paragraph = " ".join((text or "").split("\n\n")[0].split())
    return re.split(r"(?<=\.) ", paragraph)[0]


def error_table() -> str:
    tree = dict(re.findall(r"── (\w+) +\S+  (.+)", errors.__doc__ or ""))
    rows = (
        (
            code(key),
            code(kind.__name__),
            str(kind.status),
            yes(kind.retryable_by_default),
            tree[kind.__name__],
        )
        for key, kind in errors.CODES.items()
    )
    return table("code | exception | HTTP status | may succeed later | what happened", rows)


def failover_table() -> str:
    tree = dict(re.findall(r"── (\w+) +\S+  (.+)", errors.__doc__ or ""))
    rests = {"": "", "failure": "counts", "barred": "at once"}
    rows = (
        (
            code(kind.code),
            tree[kind.__name__].partition(";")[0],
            ("yes" if kind.retryable_by_default else "if the error says so") if rule.again else "",
            yes(rule.other),
            rests[rule.health],
        )
        for kind, rule in RULES.items()
    )
    return table("code | what happened | again | next | rests", rows)


def requirement_table() -> str:
    rows = ((code(name), meaning) for name, meaning in {**NAMES, **AMOUNTS}.items())
    return table("requirement | what it means", rows)


def yes(flag: bool) -> str:
    return "yes" if flag else ""


def metadata_table() -> str:
    def capabilities(key: Any) -> str:
        return "all" if len(key.capabilities) > 4 else ", ".join(key.capabilities)

    rows = ((code(n), k.unit, k.meaning, capabilities(k)) for n, k in KEYS.items())
    return table("key | unit | what it says | filled for", rows)


STREAMS = {
    "chat": events.ChatEvent, "transcribe": events.TranscribeEvent, "speak": events.SpeakEvent,
    "moderate": events.ModerateEvent, "draw": events.DrawEvent, "embed": events.EmbedEvent,
}  # fmt: skip


def event_table() -> str:
    def carried(kind: type) -> str:
        found = [name for name, union in STREAMS.items() if kind in get_args(union)]
        return "every stream" if len(found) == len(STREAMS) else ", ".join(found)

    def fields(kind: Any) -> str:
        names = (field.name for field in msgspec.structs.fields(kind))
        return ", ".join(code(name) for name in names if name != "metadata")

    kinds: tuple[Any, ...] = get_args(events.AnyEvent)
    rows = (
        (
            code(k.__name__),
            code(k.__struct_config__.tag),
            carried(k),
            fields(k),
            first_sentence(k.__doc__),
        )
        for k in kinds
    )
    return table("event | `type` | in | fields | what it says", rows)


def runners() -> Iterator[type[Runner[Any]]]:
    """Every runner that ships, sorted by name; those that are rows have a table of their own."""
    registry = Registry()
    for name in registry.names:
        if name in registry.rows:
            continue
        if (found := registry.load(name)).__module__.startswith("breeze."):
            yield found


def runner_table() -> str:
    rows = (
        (
            code(r.info.name),
            ", ".join(r.info.capabilities),
            r.info.kind.lower(),
            code(f"breeze-engine[{r.info.extra}]") if r.info.extra else "",
            r.info.description,
        )
        for r in runners()
    )
    return table("runner | does | kind | install | what it is", rows)


def endpoints() -> Iterator[tuple[type[Runner[Any]], Any]]:
    """Every runner that is a row of data, with the facts of its parameters."""
    registry = Registry()
    for name in sorted(registry.rows):
        yield (found := registry.load(name)), found.parameters_type.facts


def endpoint_table() -> str:
    rows = (
        (
            code(r.info.name),
            ", ".join(r.capabilities_of(r.parameters_type.of({}))),
            code(facts["base_url"].default),
            code(key) if (key := facts["api_key"].env) else "",
            r.info.description,
        )
        for r, facts in endpoints()
    )
    return table("class | does | address | variable of its key | what it is", rows)


def endpoint_differences() -> str:
    """What each row sets beside address and key, and the parameters that it adds."""
    base = Registry().load("openai").parameters_type.facts
    usual = {"base_url", "api_key", "capabilities"}
    rows = []
    for r, facts in endpoints():
        for f in facts.values():
            if f.name not in base:
                note = "per request" if f.per_request else "for every request"
                rows.append((code(r.info.name), code(f.name), shown_range(f), note, f.description))
            elif f.name not in usual and f.default != base[f.name].default:
                rows.append((code(r.info.name), code(f.name), shown_default(f), "set", ""))
    return table("class | parameter | value | note | what it does", rows)


def parameter_tables() -> str:
    parts = []
    for found in runners():
        facts = found.parameters_type.facts.values()
        rows = [
            (code(f.name), f.kind, shown_default(f), shown_range(f), marks(f), f.description)
            for f in facts
        ]
        head = f"### {found.info.name}\n\n{found.info.description}\n\n"
        heads = "parameter | kind | default | allowed | note | what it does"
        parts.append(head + (table(heads, rows) if rows else "It has no parameters."))
    return "\n\n".join(parts)


def shown_default(facts: Facts) -> str:
    value = facts.default
    if facts.required:
        return "required"
    if isinstance(value, SecretStr) or value in (None, "", (), PydanticUndefined):
        return ""
    if isinstance(value, bool):
        return code("on" if value else "off")
    return code(", ".join(value) if isinstance(value, tuple) else value)


def shown_range(facts: Facts) -> str:
    unit = f" {facts.unit}" if facts.unit else ""
    if facts.choices:
        return ", ".join(code(choice.key) for choice in facts.choices if choice.key)
    if facts.low is not None and facts.high is not None:
        return f"{plain(facts.low)} to {plain(facts.high)}{unit}"
    if facts.low is not None:
        return f"from {plain(facts.low)}{unit}"
    if facts.high is not None:
        return f"up to {plain(facts.high)}{unit}"
    if facts.extensions:
        return " ".join(facts.extensions)
    return "what the runner lists" if facts.load else unit.strip()


def plain(value: float) -> str:
    """A number without an exponent, and without a fraction when it has none."""
    return str(int(value)) if value == int(value) else f"{value:g}"


def marks(facts: Facts) -> str:
    given = {
        "per request": facts.per_request,
        "reloads": facts.requires_reload,
        "informational": facts.informational,
        f"or {code(facts.env)}": bool(facts.env),
    }
    return ", ".join(text for text, is_so in given.items() if is_so)


def config_table() -> str:
    return table("key | value | default | what it says", config_rows(EngineConfig, ""))


def config_rows(section: type[BaseModel], path: str) -> Iterator[tuple[str, ...]]:
    for name, field in section.model_fields.items():
        key = f"{path}{field.alias or section_alias(section, name)}"
        inner, way = section_inside(field.annotation)
        if inner is None:
            yield (
                code(key),
                shown_type(field.annotation),
                config_default(field),
                field.description or "",
            )
        else:
            yield from config_rows(inner, f"{key}{way}" if way == "[]." else f"{key}.{way}")


def section_alias(section: type[BaseModel], name: str) -> str:
    make: Any = section.model_config.get("alias_generator")
    return str(make(name)) if make else name


def section_inside(annotation: Any) -> tuple[type[BaseModel] | None, str]:
    """The object that a field holds, and the placeholder of its name when it holds many."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, ""
    if get_origin(annotation) is dict:
        key, value = get_args(annotation)
        if isinstance(value, type) and issubclass(value, BaseModel):
            return value, "CAPABILITY." if isinstance(key, type) and issubclass(
                key, Enum
            ) else "NAME."
    if get_origin(annotation) is tuple:
        value = get_args(annotation)[0]
        if isinstance(value, type) and issubclass(value, BaseModel):
            return value, "[]."
    return None, ""


WORDS = {
    str: "text",
    SecretStr: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    dict: "object",
}


def shown_type(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(code(value) for value in arguments)
    if origin in (Union, UnionType):
        return " or ".join(shown_type(a) for a in arguments if a is not NoneType)
    if origin is tuple:
        return f"list of {shown_type(arguments[0])}"
    if hasattr(annotation, "__metadata__"):
        return shown_type(arguments[0])
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(code(member.value) for member in annotation)
    return WORDS.get(origin or annotation, getattr(annotation, "__name__", str(annotation)))


def config_default(field: FieldInfo) -> str:
    value = field.default
    if field.is_required():
        return "required"
    if value is PydanticUndefined or value in (None, ()):
        return ""
    if isinstance(value, bool):
        return code(str(value).lower())
    return code(getattr(value, "value", value))


def cli_tables() -> str:
    root = click.Context(cli, info_name="breeze", terminal_width=96, **cli.context_settings)
    found = list(subcommands(root))
    rows = [(code(c.command_path), first_sentence(c.command.help)) for c in found]
    helps = (f"### {c.command_path}\n\n```text\n{c.get_help()}\n```" for c in found)
    return "\n\n".join([table("command | what it does", rows), *helps])


def subcommands(parent: click.Context) -> Iterator[click.Context]:
    """Every command below `parent`, groups before what they hold."""
    if not isinstance(parent.command, click.Group):
        return
    for name in parent.command.list_commands(parent):
        if (command := parent.command.get_command(parent, name)) is not None:
            context = click.Context(command, parent=parent, info_name=name, terminal_width=96)
            yield context
            yield from subcommands(context)


def metrics_table() -> str:
    ends = {"counter": "_total", "gauge": "", "histogram": ""}
    rows = (
        (code(m.name + ends[m.kind]), m.kind, ", ".join(map(code, m.labels)), m.meaning)
        for m in METRICS
    )
    return table("metric | kind | labels | what it counts", rows)


def standin_table() -> str:
    rows = (
        (
            code(n),
            ", ".join(map(code, standin(n).profiles)),
            " ".join((standin(n).__doc__ or "").split()),
        )
        for n in names()
    )
    return table("stand-in | profiles | what it does", rows)


PHASES = {"before": "before any output", "during": "amid the answer", "shape": "another shape"}


def fault_table() -> str:
    """The faults of all, then those that one dialect has for itself."""
    own = [(f, n) for n in names() for f in standin(n).own_faults]
    every = sorted([*((f, "") for f in FAULTS), *own], key=lambda found: found[0].number or 99)
    rows = (
        (
            str(f.number or ""),
            code(f.name),
            f.looks,
            PHASES[f.phase],
            " ".join(code(f"{key}={value}") for key, value in f.values.items()),
            code(of),
        )
        for f, of in every
    )
    return table("row | fault | how it looks | when | values | only", rows)


TABLES: dict[str, Callable[[], str]] = {
    "errors": error_table,
    "failover": failover_table,
    "metadata-keys": metadata_table,
    "events": event_table,
    "runners": runner_table,
    "parameters": parameter_tables,
    "endpoints": endpoint_table,
    "endpoint-differences": endpoint_differences,
    "config-keys": config_table,
    "requirements": requirement_table,
    "cli": cli_tables,
    "metrics": metrics_table,
    "routes": routes_table,
    "openai-fields": fields_table,
    "openai-errors": openai_errors_table,
    "standins": standin_table,
    "faults": fault_table,
}
