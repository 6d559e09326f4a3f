"""What to tell a person about the values given for an instance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from breeze.config.destination import remarks_on_secrets
from breeze.config.layers import Given, Source
from breeze.config.names import environment_name, environment_prefix
from breeze.contracts.parameters import Level, Parameters, ValidationResult, unknown_name


def remarks(
    ptype: type[Parameters], given: Given, others: Iterable[str] = ()
) -> Iterator[ValidationResult]:
    """Unknown names in any layer, with the nearest known; secrets that lie or come amiss.

    A wrong name on the command line is invalid, everything else a warning. `others` are the
    names of other instances, whose variables may begin in the same way.
    """
    for name in given.overrides.keys() - ptype.facts.keys():
        yield _unknown(name, Source.COMMAND_LINE, ptype, "invalid")
    for variable in _unknown_variables(ptype, given, others):
        name = variable.removeprefix(environment_prefix(given.instance)).lower()
        yield _unknown(name, f"{Source.ENVIRONMENT} {variable}", ptype)
    for source, place, values in given.written():
        for name in values.keys() - ptype.facts.keys():
            yield _unknown(name, f"{source} {place}", ptype)
    yield from _misplaced_secrets(ptype, given)
    yield from remarks_on_secrets(ptype.facts, given)


def _unknown(
    name: str, place: str, ptype: type[Parameters], level: Level = "warning"
) -> ValidationResult:
    return ValidationResult(name, level, f"{place}: {unknown_name(name, ptype.facts)}")


def _unknown_variables(
    ptype: type[Parameters], given: Given, others: Iterable[str]
) -> Iterator[str]:
    prefix = environment_prefix(given.instance)
    longer = tuple(other for other in map(environment_prefix, others) if len(other) > len(prefix))
    known = {environment_name(given.instance, name) for name in ptype.facts}
    for variable in given.environ:
        ours = variable.startswith(prefix) and not variable.startswith(longer)
        if ours and variable not in known:
            yield variable


def _misplaced_secrets(ptype: type[Parameters], given: Given) -> Iterator[ValidationResult]:
    for source, place, values in given.written():
        for name in values:
            if place != given.files.secrets and name in ptype.facts and ptype.facts[name].secret:
                text = f"a secret in {place} ({source}); move it to `breeze settings set"
                yield ValidationResult(name, "warning", f"{text} {given.instance} {name}`")
