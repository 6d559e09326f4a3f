"""Vectors from spelling alone: feature hashing, which needs no model and no other package."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from hashlib import blake2b
from itertools import pairwise
from math import fsum, sqrt

from breeze.contracts.capability import Capability, Priority, RunnerKind
from breeze.contracts.errors import InputError, NotFoundError, NotLoadedError
from breeze.contracts.events import Embedding, EmbedEvent, Finish
from breeze.contracts.fields import integer
from breeze.contracts.parameters import Parameters
from breeze.contracts.requests import EmbedRequest
from breeze.contracts.runner import ModelInfo, Runner, runner
from breeze.contracts.threads import Outlet, from_thread
from breeze.contracts.values import Usage

MODEL = "feature-hashing-v1"
LOW, HIGH = 64, 4096
_TOKENS = re.compile(r"\w+|[^\w\s]+")
_LETTERS = (3, 4, 5)
_PAIR_WEIGHT, _LETTERS_WEIGHT = 0.5, 0.3
_LOOK = 256
"""Features between two looks at whether anybody still waits."""


class HashingParameters(Parameters):
    """How long the vectors are."""

    dimensions: int = integer(
        256,
        "Numbers in a vector; more of them, fewer features that share one",
        category="Vectors",
        low=LOW,
        high=HIGH,
        step=64,
        per_request=True,
    )


@runner(
    "hashing",
    vendor="Breeze",
    kind=RunnerKind.LOCAL,
    priority=Priority.LOW,
    default_model=MODEL,
    ram_gb=0.001,
)
class HashingRunner(Runner[HashingParameters]):
    """Vectors by feature hashing: texts with the same words are near; meaning is not known.

    Words, pairs of words and runs of 3 to 5 letters are hashed into signed counts, damped, and
    scaled to length 1. The same text gives the same vector in every process and on every machine.
    """

    loaded = False

    async def load(self, model: str) -> None:
        if model not in ("", MODEL):
            raise NotFoundError(f"hashing has one model, {MODEL}, not {model!r}.", field="model")
        self.loaded = True

    async def unload(self) -> None:
        self.loaded = False

    async def models(self) -> tuple[ModelInfo, ...]:
        what = "feature hashing of words and letters: lexical, not semantic"
        return (ModelInfo(MODEL, (Capability.EMBEDDING,), what),)

    async def embed(self, request: EmbedRequest) -> AsyncGenerator[EmbedEvent]:
        if not self.loaded:
            raise NotLoadedError("hashing is not loaded: call load() first.", runner="hashing")
        size = request.dimensions or self.parameters_for(request).dimensions
        if not LOW <= size <= HIGH:
            raise InputError(f"dimensions is {size}, must be {LOW} to {HIGH}.", field="dimensions")
        for index, text in enumerate(request.texts):
            if not text.strip():
                raise InputError(f"texts[{index}] is empty.", field=f"texts[{index}]")

        def embed_all(outlet: Outlet[EmbedEvent]) -> None:
            self._embed(request.texts, size, outlet)

        with self.work.stream():
            async with aclosing(from_thread(embed_all)) as events:
                async for event in events:
                    yield event

    def _embed(self, texts: tuple[str, ...], size: int, outlet: Outlet[EmbedEvent]) -> None:
        words = 0
        for index, text in enumerate(texts):
            counts: Counter[str] = Counter()
            for done, feature in enumerate(features(text)):
                counts[feature] += 1
                if not done % _LOOK and outlet.closed:
                    return
            words += sum(n for feature, n in counts.items() if feature[0] == "w")
            self.work.steps += 1
            if not outlet.send(Embedding.of(index, vector(counts, size))):
                return
        outlet.send(Usage(prompt_tokens=words, characters=sum(map(len, texts))))
        outlet.send(Finish(metadata={"model_name": MODEL}))


def features(text: str) -> Iterator[str]:
    """What is counted in `text`: `w` words, `p` pairs of words, `l` runs of letters."""
    words = _TOKENS.findall(unicodedata.normalize("NFKC", text).casefold())
    for word in words:
        yield f"w{word}"
        edged = f" {word} "
        for length in _LETTERS:
            for begin in range(len(edged) - length + 1):
                yield f"l{edged[begin : begin + length]}"
    for first, second in pairwise(words):
        yield f"p{first} {second}"


def vector(counts: Counter[str], size: int) -> list[float]:
    """Signed, damped counts in `size` places, scaled to length 1."""
    weights = {"w": 1.0, "p": _PAIR_WEIGHT, "l": _LETTERS_WEIGHT}
    places = [0.0] * size
    for feature, count in counts.items():
        hashed = int.from_bytes(
            blake2b(feature.encode(errors="surrogatepass"), digest_size=8).digest(), "little"
        )
        weight = weights[feature[0]] * sqrt(count)
        places[(hashed >> 1) % size] += weight if hashed & 1 else -weight
    length = sqrt(fsum(place * place for place in places)) or 1.0  # exact on every platform
    return [place / length for place in places]
