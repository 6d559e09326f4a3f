"""What a runner raises that is no error of ours, as one of ours."""

from __future__ import annotations

from collections.abc import Iterator

from breeze.contracts.errors import ProcessingError
from breeze.contracts.parameters import Parameters
from breeze.contracts.redaction import MASK
from breeze.contracts.service import Choice


def unexpected(parameters: Parameters | None, choice: Choice, error: Exception) -> ProcessingError:
    """`error` of the runner `choice`, without the secrets among its `parameters`."""
    text = f"{type(error).__name__}: {error}"
    for secret in secrets_in(parameters) if parameters is not None else ():
        text = text.replace(secret, MASK)
    ours = ProcessingError(f"{choice.name} failed: {text}", runner=choice.name, model=choice.model)
    ours.__cause__ = error
    return ours


def secrets_in(parameters: Parameters) -> Iterator[str]:
    """The secrets among `parameters` that are set."""
    for name, facts in parameters.facts.items():
        if facts.secret and (value := getattr(parameters, name).get_secret_value().strip()):
            yield value
