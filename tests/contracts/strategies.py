"""Hypothesis strategies for our wire types, derived from their fields.

Every field of every type is drawn, so a field that is added is covered without a change here.
"""

from __future__ import annotations

import types
from collections.abc import AsyncIterable
from typing import Any, Literal, Union, cast, get_args, get_origin

import msgspec
from hypothesis import strategies as st

INT64 = st.integers(-(2**63), 2**63 - 1)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | INT64 | FINITE | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
_SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    Any: JSON,
    str: TEXT,
    int: INT64,
    float: FINITE,
    bool: st.booleans(),
    bytes: st.binary(max_size=40),
    type(None): st.none(),
    AsyncIterable[bytes]: st.nothing(),  # a live source never travels
}


def of(kind: Any) -> st.SearchStrategy[Any]:
    """Any value that fits the annotation `kind`."""
    if kind in _SCALARS:
        return _SCALARS[kind]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, types.UnionType):
        return st.one_of([of(argument) for argument in arguments])
    if origin is dict:
        return st.dictionaries(of(arguments[0]), of(arguments[1]), max_size=3)
    if origin is tuple:
        return _tuples(arguments)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return st.deferred(lambda: structs(kind))
    raise TypeError(f"no strategy for {kind!r}")


def _tuples(arguments: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return st.lists(of(arguments[0]), max_size=2).map(tuple)
    return st.tuples(*(of(argument) for argument in arguments))


def structs(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Instances of `kind`; a field that may be left out sometimes is."""
    needed: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for field in msgspec.structs.fields(kind):
        (needed if field.required else optional)[field.name] = of(field.type)
    made = st.fixed_dictionaries(needed, optional=optional)
    return made.map(lambda fields: kind(**fields))


def members(union: Any) -> tuple[type[msgspec.Struct], ...]:
    """The types of a union, in order."""
    return cast(tuple[type[msgspec.Struct], ...], get_args(union))
