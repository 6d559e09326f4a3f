"""A value that obeys a JSON Schema, for answers that must be JSON and for tool calls."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]
_DEEPEST = 24
"""Levels after which a schema that refers to itself is taken to be endless."""
_OPTIONAL_TO = 4
"""Levels down to which properties that are not required are filled as well."""
_FORMATS = {
    "date-time": "2000-01-01T00:00:00Z",
    "date": "2000-01-01",
    "time": "00:00:00Z",
    "email": "mock@example.com",
    "uri": "https://example.com/mock",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def sample(schema: Schema, root: Schema | None = None, depth: int = 0) -> Any:
    """The plainest value that `schema` allows; every text in it is "mock" where it may be.

    Knows references inside the schema, const, enum, default, anyOf, oneOf, allOf, types, and the
    bounds of numbers, texts and lists. A `pattern` is not followed.
    """
    root = schema if root is None else root
    schema = _plain(schema, root)
    for given in ("const", "default"):
        if given in schema:
            return schema[given]
    if schema.get("enum"):
        return schema["enum"][0]
    if depth > _DEEPEST:
        return None
    make = _MAKE.get(_type(schema))
    return make(schema, root, depth) if make is not None else None


def _plain(schema: Schema, root: Schema) -> Schema:
    """`schema` without references and alternatives."""
    for _ in range(_DEEPEST):
        if "$ref" in schema:
            schema = _lookup(schema["$ref"], root)
        elif choices := schema.get("anyOf") or schema.get("oneOf"):
            rest = {k: v for k, v in schema.items() if k not in ("anyOf", "oneOf")}
            schema = {**rest, **choices[0]}
        elif parts := schema.get("allOf"):
            rest = {k: v for k, v in schema.items() if k != "allOf"}
            schema = _merged([rest, *(_plain(part, root) for part in parts)])
        else:
            break
    return schema


def _merged(parts: list[Schema]) -> Schema:
    whole: Schema = {}
    for part in parts:
        properties = {**whole.get("properties", {}), **part.get("properties", {})}
        required = [*whole.get("required", ()), *part.get("required", ())]
        whole = {**whole, **part}
        if properties:
            whole |= {"properties": properties, "required": required}
    return whole


def _lookup(reference: str, root: Schema) -> Schema:
    found: Any = root
    for key in reference.removeprefix("#").strip("/").split("/"):
        key = key.replace("~1", "/").replace("~0", "~")
        found = found.get(key, {}) if isinstance(found, dict) else {}
    return found if isinstance(found, dict) else {}


def _type(schema: Schema) -> str:
    named = schema.get("type")
    if isinstance(named, list):
        named = next((kind for kind in named if kind != "null"), "null")
    if named is None:
        named = "object" if "properties" in schema else "array" if "items" in schema else "string"
    return str(named)


def _text(schema: Schema, root: Schema, depth: int) -> str:
    text = _FORMATS.get(schema.get("format", ""), "mock")
    text = text.ljust(schema.get("minLength", 0), ".")
    return text[: schema.get("maxLength", len(text))]


def _number(schema: Schema, root: Schema, depth: int) -> float:
    step = schema.get("multipleOf") or 1
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    value: float = 0
    if low is not None and low > 0:
        value = -(-low // step) * step
    elif high is not None and high < 0:
        value = high // step * step
    if value == schema.get("exclusiveMinimum"):
        value += step
    elif value == schema.get("exclusiveMaximum"):
        value -= step
    return value


def _integer(schema: Schema, root: Schema, depth: int) -> int:
    return int(_number(schema, root, depth))


def _array(schema: Schema, root: Schema, depth: int) -> list[Any]:
    first = [sample(part, root, depth + 1) for part in schema.get("prefixItems", ())]
    items = schema.get("items")
    wanted = max(schema.get("minItems", 0), 1 if depth < _OPTIONAL_TO else 0)
    wanted = min(wanted, schema.get("maxItems", wanted))
    more = max(0, wanted - len(first)) if isinstance(items, dict) else 0
    return [*first, *(sample(items or {}, root, depth + 1) for _ in range(more))]


def _object(schema: Schema, root: Schema, depth: int) -> dict[str, Any]:
    required = schema.get("required", ())
    return {
        name: sample(part, root, depth + 1)
        for name, part in schema.get("properties", {}).items()
        if name in required or depth < _OPTIONAL_TO
    }


_MAKE: dict[str, Any] = {
    "string": _text,
    "number": _number,
    "integer": _integer,
    "boolean": lambda schema, root, depth: True,
    "array": _array,
    "object": _object,
}
