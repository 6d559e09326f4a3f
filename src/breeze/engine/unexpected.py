"""What a runner raises that is no error of ours, as one of ours."""

from __future__ import annotations

from pydantic import SecretStr

from breeze.contracts.errors import ProcessingError
from breeze.contracts.parameters import Parameters
from breeze.contracts.service import Choice


def unexpected(parameters: Parameters | None, choice: Choice, error: Exception) -> ProcessingError:
    """`error` of the runner `choice`, without the secrets among its `parameters`."""
    text = scrub(f"{type(error).__name__}: {error}", parameters)
    ours = ProcessingError(f"{choice.name} failed: {text}", runner=choice.name, model=choice.model)
    ours.__cause__ = error
    return ours


def scrub(text: str, parameters: Parameters | None) -> str:
    """`text` without the values of the secrets among `parameters`."""
    if parameters is not None:
        for name in parameters.facts:
            value = getattr(parameters, name)
            if isinstance(value, SecretStr) and value.get_secret_value():
                text = text.replace(value.get_secret_value(), "***")
    return text
