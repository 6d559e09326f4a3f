"""`my_runner`: letter statistics, until your embedding model moves in."""

from __future__ import annotations

import math
import zlib
from collections.abc import AsyncGenerator

from breeze.contracts.capability import Priority, RunnerKind
from breeze.contracts.errors import NotFoundError, NotLoadedError
from breeze.contracts.events import Embedding, EmbedEvent, Finish
from breeze.contracts.fields import integer
from breeze.contracts.parameters import Parameters
from breeze.contracts.requests import AUTO, EmbedRequest
from breeze.contracts.runner import Runner, runner
from breeze.contracts.values import Usage

MODEL = "letter-groups"


class MyParameters(Parameters):
    """What an operator, or a request, can tell this runner."""

    dimensions: int = integer(
        256, "Numbers of a vector when the request does not say", low=8, high=4096, per_request=True
    )
    letters: int = integer(3, "Letters of a group", low=1, high=8, step=1, requires_reload=True)


@runner(
    "my_runner",
    vendor="My Company",
    kind=RunnerKind.LOCAL,
    priority=Priority.LOW,
    default_model=MODEL,
)
class MyRunner(Runner[MyParameters]):
    """Counts groups of letters, so that texts with like words get like vectors."""

    def __init__(self, parameters: MyParameters) -> None:
        super().__init__(parameters)
        self._letters = 0

    async def load(self, model: str) -> None:
        _check_model(model)
        self._letters = self.parameters.letters

    async def unload(self) -> None:
        self._letters = 0

    async def embed(self, request: EmbedRequest) -> AsyncGenerator[EmbedEvent]:
        if not self._letters:
            raise NotLoadedError("Nothing is loaded: call load() first.")
        _check_model(request.model)
        size = request.dimensions or self.parameters_for(request).dimensions
        with self.work.stream() as work:
            for index, text in enumerate(request.texts):
                work.steps += 1
                yield Embedding.of(index, vector(text, size, self._letters))
        yield Usage(characters=sum(map(len, request.texts)))
        yield Finish()


def vector(text: str, size: int, letters: int) -> list[float]:
    """`size` numbers of length 1, from the groups of `letters` letters in `text`."""
    padded = f" {' '.join(text.casefold().split())} ".ljust(letters)
    counts = [0.0] * size
    for start in range(len(padded) - letters + 1):
        group = padded[start : start + letters].encode(errors="replace")
        counts[zlib.crc32(group) % size] += 1
    length = math.hypot(*counts)
    return [count / length for count in counts]


def _check_model(model: str) -> None:
    if model not in ("", AUTO, MODEL):
        raise NotFoundError(f"There is no model {model!r}: ask for {MODEL}.", field="model")
