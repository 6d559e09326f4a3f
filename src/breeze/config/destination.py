"""Where the secrets of an instance would travel: to the host that its address names.

A vendor's usual variable speaks to every instance of a runner, and its key is meant for the
vendor's own host. It must not travel to another one because an instance points there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from breeze.config.layers import Given, Source, Value
from breeze.config.names import environment_name
from breeze.contracts.fields import Facts
from breeze.contracts.parameters import ValidationResult
from breeze.contracts.redaction import redacted

ADDRESSES = ("base_url", "endpoint")
"""What the parameter that names a host may be called, where a runner has one."""
_RANK = {source: rank for rank, source in enumerate(Source)}


def address_in(facts: Mapping[str, Facts]) -> str:
    """The name of the parameter that names a host; "" where there is none."""
    return next((name for name in ADDRESSES if name in facts), "")


def chosen(facts: Mapping[str, Facts], given: Given) -> dict[str, Value]:
    """The value that counts for each parameter, with where it comes from."""
    away = led_away(facts, given)
    return {name: next(_candidates(fact, given, away)) for name, fact in facts.items()}


def led_away(facts: Mapping[str, Facts], given: Given) -> Value | None:
    """The address that leads away from the vendor's own host; None while nothing does.

    What the vendor's own variable says counts as the vendor's own.
    """
    if not (address := address_in(facts)):
        return None
    found = next(_candidates(facts[address], given, None))
    own = found.origin == facts[address].env or _same(found.value, facts[address].default)
    return None if own else found


def remarks_on_secrets(facts: Mapping[str, Facts], given: Given) -> Iterator[ValidationResult]:
    """Vendors' keys that are not used, and keys that travel elsewhere than they were saved for."""
    away, address = led_away(facts, given), address_in(facts)
    for name, fact in facts.items():
        if not fact.secret:
            continue
        if away and fact.env and any(value.origin == fact.env for value in given.values(fact)):
            own = environment_name(given.instance, name)
            there = redacted(str(away.value))
            text = (
                f"{fact.env} is not used: it is for {facts[address].default}, and {address} is "
                f"{there} ({away}). If that server needs a key, set {own} or run: "
                f"breeze settings set {given.instance} {name}"
            )
            yield ValidationResult(name, "warning", text)
        elif address:
            yield from _moved(name, fact, facts[address], given, away)


def _moved(
    name: str, secret: Facts, address: Facts, given: Given, away: Value | None
) -> Iterator[ValidationResult]:
    """A key that stands in one layer while a higher one changes the address."""
    key = next(_candidates(secret, given, away))
    addresses = list(_candidates(address, given, None))
    home = next(a for a in addresses if _RANK[a.source] <= _RANK[key.source])
    used = addresses[0]
    if key.source is not Source.DEFAULT and not _same(used.value, home.value):
        there, meant = redacted(str(used.value)), redacted(str(home.value))
        text = (
            f"the one from the {key} goes to {there} ({used}), not to {meant}; give it "
            f"beside that {address.name} if it is meant for it"
        )
        yield ValidationResult(name, "warning", text)


def _candidates(fact: Facts, given: Given, away: Value | None) -> Iterator[Value]:
    """The values of a parameter, the one that counts first, the default last."""
    for value in given.values(fact):
        if not (away and fact.secret and fact.env and value.origin == fact.env):
            yield value
    yield Value(fact.default, Source.DEFAULT)


def _same(one: object, other: object) -> bool:
    return str(one).strip().rstrip("/") == str(other).strip().rstrip("/")
