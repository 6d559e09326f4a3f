"""What all mock runners share: delays, simulated errors, and chance that can be repeated.

A mock is a feature of the product: it answers without a model, at once, the same to the same
request, and says so. The original paced its mocks (100 ms, then 50 ms a word); here both delays
are 0 until somebody asks for them.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from breeze.contracts.errors import NotFoundError, NotLoadedError, ProcessingError
from breeze.contracts.events import Adjusted, Finish
from breeze.contracts.fields import integer, number, switch
from breeze.contracts.parameters import Parameters, ValidationResult
from breeze.contracts.request import AUTO, Request
from breeze.contracts.runner import ModelInfo, Runner

_PIECE = re.compile(
    r"\s*(?:[\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]|[^\s\u2e80-\uffef]+|\S)|\s+"
)


class MockParameters(Parameters):
    """What every mock can be told. All of it may be set per request."""

    response_delay_ms: int = integer(
        0,
        "Wait before the first event",
        low=0,
        high=5000,
        step=100,
        unit="ms",
        category="Timing",
        per_request=True,
    )
    stream_chunk_delay_ms: int = integer(
        0,
        "Wait before each further event",
        low=0,
        high=1000,
        step=10,
        unit="ms",
        category="Timing",
        per_request=True,
    )
    simulate_errors: bool = switch(
        False, "Fail some of the requests", category="Errors", per_request=True
    )
    error_rate: float = number(
        10.0,
        "Share of the requests that fail while errors are simulated",
        low=0,
        high=100,
        step=5,
        precision=0,
        unit="%",
        category="Errors",
        per_request=True,
    )
    seed: int = integer(
        0,
        "Another seed gives other answers and other failures; the same gives the same",
        low=0,
        high=2**31 - 1,
        step=1,
        category="Chance",
        per_request=True,
    )

    def cross_check(self) -> Iterator[ValidationResult]:
        if self.simulate_errors and self.error_rate > 50:
            text = "above 50 % with simulated errors on, hardly any test gets through: lower it"
            yield ValidationResult("error_rate", "invalid", text)
        if self.response_delay_ms > 3000:
            text = "above 3000 ms, clients give up before the answer: lower it"
            yield ValidationResult("response_delay_ms", "invalid", text)
        if self.stream_chunk_delay_ms > 500:
            text = "above 500 ms, the stream looks stuck: lower it"
            yield ValidationResult("stream_chunk_delay_ms", "invalid", text)


P = TypeVar("P", bound=MockParameters)


class MockRunner(Runner[P]):
    """Base of the mocks: it loads in no time and knows only its own models."""

    known_models: tuple[str, ...] = ()
    """Further models beside the default one."""

    def __init__(self, parameters: P) -> None:
        super().__init__(parameters)
        self._model = ""

    async def load(self, model: str) -> None:
        self._model = self._known(model or self.info.default_model, "model")

    async def unload(self) -> None:
        self._model = ""

    async def models(self) -> tuple[ModelInfo, ...]:
        names = (self.info.default_model, *self.known_models)
        about = "A mock: it answers by rule, without any model."
        return tuple(ModelInfo(name, self.info.capabilities, about) for name in names)

    def model_for(self, request: Request[Any]) -> str:
        """The model that answers `request`. Raises NotLoadedError and NotFoundError."""
        if not self._model:
            raise NotLoadedError(
                f"{self.info.name} is not loaded: call load() before a request.",
                runner=self.info.name,
            )
        asked = request.model in (AUTO, "")
        return self._model if asked else self._known(request.model, "model")

    def _known(self, model: str, field: str) -> str:
        names = (self.info.default_model, *self.known_models)
        if model not in names:
            raise NotFoundError(
                f"{self.info.name} has no model {model!r}: ask for {' or '.join(names)}.",
                field=field,
                runner=self.info.name,
            )
        return model

    async def begin(self, request: Request[Any], p: P) -> random.Random:
        """Wait as asked and fail as asked. Chance for the rest of the answer."""
        await pause(p.response_delay_ms)
        dice = chance(p.seed, request)
        drawn = dice.random() * 100
        if p.simulate_errors and drawn < p.error_rate:
            raise ProcessingError(
                f"A simulated failure of {self.info.name}: simulate_errors is on and fails "
                f"{p.error_rate:g} % of requests. Turn it off, or choose another seed.",
                runner=self.info.name,
            )
        return dice


async def pause(milliseconds: int) -> None:
    """Wait, when there is something to wait for."""
    if milliseconds:
        await asyncio.sleep(milliseconds / 1000)


def chance(seed: int, request: Request[Any]) -> random.Random:
    """Chance that depends only on the seed and on what was asked, not on who asked when."""
    plain: dict[str, Any] = dict.fromkeys(("id", "session_id", "runner"), "")
    plain |= {"deadline": None, "strict": False, "params": {}, "guardian": None, "whole": False}
    if getattr(request, "live", None) is not None:
        plain["live"] = None
    asked = msgspec.json.encode(msgspec.structs.replace(request, **plain))
    wish = getattr(request, "seed", None) or 0
    return random.Random(hashlib.sha256(b"%d:%d:" % (seed, wish) + asked).digest())


def pieces(text: str) -> list[str]:
    """`text` in tokens: words with the space before them, East Asian text by the character."""
    return _PIECE.findall(text)


def lines_of(value: Any) -> Any:
    """A list of texts as lines of one text, which is how such a parameter is kept."""
    return "\n".join(map(str, value)) if isinstance(value, list | tuple) else value


def unused(request: Request[Any], why: str, *fields: str) -> Iterator[Adjusted]:
    """An `Adjusted` for each of `fields` that was given although it has no effect."""
    kind = type(request)
    defaults = {f.name: f.default for f in msgspec.structs.fields(kind)}
    for field in fields:
        asked = getattr(request, field)
        if asked not in (None, "", (), {}) and asked != defaults[field]:
            yield Adjusted(field, asked, None, why)


def finish(reason: Any = "stop", **metadata: Any) -> Finish:
    """The end of a mock's stream, marked as one."""
    return Finish(reason, metadata={"mock": True, **metadata})
