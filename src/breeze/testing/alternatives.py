"""Values for parameters: another valid one, ones beyond the limits, ones of the wrong type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from breeze.contracts.fields import Facts
from breeze.contracts.parameters import Parameters

_LONG_SECRET = "x" * 48


def another(kind: type[Parameters], name: str, values: Mapping[str, Any]) -> Any:
    """A valid value for `name` that is neither given nor the default. Raises LookupError."""
    facts = kind.facts[name]
    current = values.get(name, facts.default)
    for candidate in _candidates(facts, current):
        found = kind.validate_parameters({**values, name: candidate}).parameters
        if found is not None and (made := getattr(found, name)) != current:
            return made
    raise LookupError(name)


def _candidates(facts: Facts, current: Any) -> Iterator[Any]:
    if facts.kind == "switch":
        yield not current
    elif facts.kind == "choice":
        for choice in facts.choices:
            yield (choice.key,) if facts.multiple else choice.key
    elif facts.kind in ("number", "integer"):
        yield from _numbers(facts, current)
    elif facts.kind in ("text", "secret"):
        yield "x" * max(4, facts.min_length or 0)
        yield f"{current}x"


def _numbers(facts: Facts, current: float | None) -> Iterator[float]:
    step: float = facts.step or 1
    if current is not None:
        yield from (current + step, current - step)
    for bound in (facts.low, facts.high):
        if bound is not None:
            yield int(bound) if facts.kind == "integer" else bound


def beyond(facts: Facts) -> Iterator[Any]:
    """Values that break the declared limits."""
    if facts.kind in ("number", "integer"):
        if facts.low is not None:
            yield facts.low - 1
        if facts.high is not None:
            yield facts.high + 1
    elif facts.kind == "choice" and not facts.load:
        yield ("no such choice",) if facts.multiple else "no such choice"
    elif facts.kind == "text" and facts.max_length is not None:
        yield "x" * (facts.max_length + 1)
    elif facts.kind == "path" and facts.must_exist:
        yield "/no/such/place/at/all"


def misfits(facts: Facts) -> Iterator[Any]:
    """Values that are of another type."""
    yield {"unexpected": True}
    if facts.kind in ("number", "integer"):
        yield "1.5x"
    if facts.kind == "integer":
        yield 1.5
    if facts.kind == "switch":
        yield "perhaps"


def variants(kind: type[Parameters], values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Settings in which other parameters may come into play: each switch and choice turned."""
    for name, facts in kind.facts.items():
        if facts.kind == "switch":
            yield {name: not values.get(name, facts.default)}
        elif facts.kind == "choice" and not facts.multiple:
            yield from ({name: choice.key} for choice in facts.choices)


def filler(facts: Facts, values: Mapping[str, Any]) -> Any:
    """Something to give for a parameter that must not be given at all."""
    if facts.kind == "secret":
        return _LONG_SECRET
    value = values.get(facts.name, facts.default)
    return str(value) if facts.kind == "path" else value
