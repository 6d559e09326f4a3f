"""JSON that obeys a schema of ours, as strategies. It knows the keywords that we write."""

from __future__ import annotations

import base64
from functools import partial
from typing import Any

from hypothesis import strategies as st

Schema = dict[str, Any]
KNOWN = {
    "$ref", "anyOf", "enum", "const", "type", "properties", "required", "additionalProperties",
    "items", "prefixItems", "minItems", "maxItems", "contentEncoding", "title", "description",
    "default", "discriminator", "format", "minimum", "maximum", "minLength", "maxLength",
    "pattern",
}  # fmt: skip
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    | st.sampled_from([2**63, -(2**63) - 1, 10**400, 1e308, "", "\0", "\ud83d", "a" * 5000]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
_TEXTS = st.text(max_size=30) | st.sampled_from(["auto", "mock_llm", "mock_llm/x", "wav", "Hello"])
_NUMBERS = st.integers(-3, 40) | st.floats(allow_nan=False, allow_infinity=False)


class Components(dict[str, Schema]):
    """Schemas by name. Its text is short, for the sake of whoever reads a failure."""

    def __repr__(self) -> str:
        return "components"


def json_of(schema: Schema, components: Components) -> st.SearchStrategy[Any]:
    """Values that obey `schema`; its references are names in `components`."""
    assert schema.keys() <= KNOWN, f"teach {__name__} {schema.keys() - KNOWN}"
    of = partial(json_of, components=components)
    if "$ref" in schema:
        return st.deferred(lambda: of(components[schema["$ref"].rpartition("/")[2]]))
    if "anyOf" in schema:
        return st.one_of([of(part) for part in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if isinstance(kind := schema.get("type"), list):
        return st.one_of([of({**schema, "type": part}) for part in kind])
    if kind == "object":
        return _object(schema, components)
    if kind == "array":
        return _array(schema, components)
    return _plain(schema)


def _plain(schema: Schema) -> st.SearchStrategy[Any]:
    if "contentEncoding" in schema:
        return st.binary(max_size=100).map(lambda data: base64.b64encode(data).decode())
    if "pattern" in schema:
        return st.from_regex(schema["pattern"])
    if "minLength" in schema or "maxLength" in schema:
        return st.text(min_size=schema.get("minLength", 0), max_size=schema.get("maxLength"))
    plain: dict[str | None, st.SearchStrategy[Any]] = {
        "string": _TEXTS, "integer": st.integers(-3, 40), "number": _NUMBERS,
        "boolean": st.booleans(), "null": st.none(), None: ANYTHING,
    }  # fmt: skip
    return plain[schema.get("type")]


def _array(schema: Schema, components: Components) -> st.SearchStrategy[Any]:
    if "prefixItems" in schema:
        return st.tuples(*(json_of(s, components) for s in schema["prefixItems"])).map(list)
    items = schema.get("items") or {}
    return st.lists(json_of(items, components), min_size=schema.get("minItems", 0), max_size=3)


@st.composite
def _object(draw: st.DrawFn, schema: Schema, components: Components) -> Any:
    found = {}
    required = schema.get("required", ())
    for name, part in schema.get("properties", {}).items():
        if name in required or draw(st.integers(0, 4)) == 0:
            found[name] = draw(json_of(part, components))
    more = schema.get("additionalProperties")
    if isinstance(more, dict):
        found |= draw(st.dictionaries(_TEXTS, json_of(more, components), max_size=2))
    return found
