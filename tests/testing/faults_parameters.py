"""Runners whose parameters are declared, checked, used or kept badly."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from pydantic import SecretStr, field_validator

from breeze.contracts.errors import AuthenticationError, InputError
from breeze.contracts.events import Adjusted, ChatEvent
from breeze.contracts.fields import integer, secret, text
from breeze.contracts.request import Request
from breeze.contracts.requests import ChatRequest
from breeze.runners.mock_llm import MockLLMParameters, MockLLMRunner
from tests.testing.faults import AnyRunner, Fault, broken


def having(title: str, kind: type[MockLLMParameters], **body: Any) -> AnyRunner:
    """The mock with parameters of another kind."""
    return broken(MockLLMRunner, title, parameters_type=kind, **body)


class Undescribed(MockLLMParameters):
    """One parameter says nothing of itself."""

    predefined_responses: str = text("", " ")


class BadDefault(MockLLMParameters):
    """One default is out of its own range."""

    seed: int = integer(-1, "Another seed gives other answers", low=0, high=9, per_request=True)


class Clamping(MockLLMParameters):
    """Bends what is out of range, without a word."""

    @field_validator("seed", mode="before")
    @classmethod
    def _bend(cls, value: Any) -> Any:
        return max(0, value) if isinstance(value, int) else value


class Lenient(MockLLMParameters):
    """Takes anything for a text."""

    @field_validator("predefined_responses", mode="before")
    @classmethod
    def _write(cls, value: Any) -> Any:
        return str(value)


class Ignorant(MockLLMParameters, extra="ignore"):
    """Drops names that it does not know."""


class Idle(MockLLMParameters):
    """One parameter does nothing."""

    brightness: int = integer(5, "How bright the answer is", low=0, high=9)


class Keyed(MockLLMParameters):
    """Has a key."""

    api_key: SecretStr = secret("Key of nobody's service")


class UsesKey(MockLLMRunner):
    """Needs the key and keeps it to itself."""

    parameters_type = Keyed

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        assert isinstance(self.parameters, Keyed)
        self.on_key(self.parameters.api_key.get_secret_value(), request)
        async with aclosing(super().chat(request)) as events:
            async for event in events:
                yield event

    def on_key(self, key: str, request: ChatRequest) -> None:
        """What is done with the key; here, nothing that shows."""


class LogsKey(UsesKey):
    """Writes the key to the log."""

    def on_key(self, key: str, request: ChatRequest) -> None:
        logging.getLogger("tests.faults").debug("connecting with %s", key)


class ChainsKey(UsesKey):
    """Raises an error whose cause holds the key."""

    def on_key(self, key: str, request: ChatRequest) -> None:
        if request.model != "auto" and key:
            try:
                raise OSError(f"refused: {key}")
            except OSError as error:
                raise AuthenticationError("Refused: check the key.") from error


class EchoesKey(UsesKey):
    """Sends the key back to whoever asks."""

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        assert isinstance(self.parameters, Keyed)
        if key := self.parameters.api_key.get_secret_value():
            yield Adjusted("model", "any", key, "the key opens only this one")
        async with aclosing(super().chat(request)) as events:
            async for event in events:
                yield event


class PrintsKey(UsesKey):
    """Shows the key in its repr."""

    def __repr__(self) -> str:
        assert isinstance(self.parameters, Keyed)
        return f"PrintsKey({self.parameters.api_key.get_secret_value()})"


def _the_operators(self: Any, request: Request[Any]) -> Any:
    """Checks what the request sets, and then uses the operator's values."""
    self.parameters.for_request(request.params)
    return self.parameters


def _forgiving(self: Any, request: Request[Any]) -> Any:
    """Overlooks what a request may not set."""
    try:
        return self.parameters.for_request(request.params)
    except InputError:
        return self.parameters


FAULTS = [
    Fault("parameters.declared", having("NothingSaid", Undescribed)),
    Fault("parameters.defaults", having("OffByDefault", BadDefault)),
    Fault("parameters.ranges", having("Bending", Clamping)),
    Fault("parameters.types", having("Undemanding", Lenient)),
    Fault(
        "parameters.unknown",
        having("Overlooking", Ignorant),
        frozenset({"parameters.operator-only", "errors.closed"}),  # a request's unknown names, too
    ),
    Fault("parameters.effect", having("Decorated", Idle)),
    Fault(
        "parameters.per-request", broken(MockLLMRunner, "Stubborn", parameters_for=_the_operators)
    ),
    Fault(
        "parameters.operator-only", broken(MockLLMRunner, "Forgiving", parameters_for=_forgiving)
    ),
    Fault("parameters.secret", LogsKey),
    Fault("parameters.secret", ChainsKey),
    Fault("parameters.secret", EchoesKey),
    Fault("parameters.secret", PrintsKey),
]
