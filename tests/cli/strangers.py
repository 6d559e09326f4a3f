"""Runners as somebody else would bring them. The tests install this file as a package."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from pydantic import SecretStr

from breeze.contracts.capability import Priority, RunnerKind
from breeze.contracts.errors import BlockedError, ProcessingError
from breeze.contracts.events import ChatEvent, Finish, Progress, ReasoningDelta, TextDelta
from breeze.contracts.fields import integer, secret
from breeze.contracts.parameters import Parameters
from breeze.contracts.requests import ChatRequest
from breeze.contracts.runner import Runner, runner
from breeze.contracts.values import Usage

_FACTS = {"vendor": "Strangers", "kind": RunnerKind.LOCAL, "priority": Priority.LOW}


@runner("fragile", **_FACTS)  # type: ignore[arg-type]
class FragileRunner(Runner[Parameters]):
    """Breaks in the middle of every answer."""

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        yield TextDelta("Half an")
        raise ProcessingError("The wire broke.", retryable=False)


@runner("steady", **_FACTS)  # type: ignore[arg-type]
class SteadyRunner(Runner[Parameters]):
    """Answers, and tries to clear the screen on the way."""

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        yield Progress("warming up", 1, 2)
        yield ReasoningDelta("hmm")
        for word in ("A", " steady", " \x1b[2Janswer"):
            yield TextDelta(word)
        yield Usage(1, 3)
        yield Finish()


class Keyed(Parameters):
    """A key and a number."""

    api_key: SecretStr = secret("Key to the door", env="KEYED_API_KEY", required=True)
    turns: int = integer(2, "Turns of the key", low=1, high=9, unit="turns")


@runner("keyed", **_FACTS)  # type: ignore[arg-type]
class KeyedRunner(Runner[Keyed]):
    """Answers how often the key turned and how long it is."""

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        key = self.parameters.api_key.get_secret_value()
        yield TextDelta(f"{self.parameters.turns} turns of {len(key)} letters")
        yield Usage()
        yield Finish()


@runner("strict", **_FACTS)  # type: ignore[arg-type]
class StrictRunner(Runner[Parameters]):
    """Refuses everything."""

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        if request.messages:
            raise BlockedError("This cannot be answered here.")
        yield Finish()
