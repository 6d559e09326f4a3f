"""`breeze embed`: turn texts into vectors."""

from __future__ import annotations

import json
from itertools import combinations

import click

from breeze.contracts.answers import Embeddings, Result
from breeze.contracts.events import Embedding
from breeze.contracts.ranking import cosine
from breeze.contracts.requests import EmbedRequest
from breeze.surfaces.cli._json import JsonView
from breeze.surfaces.cli._options import Work, text_of, work_options
from breeze.surfaces.cli._run import answer
from breeze.surfaces.cli._view import PersonView

_SHOWN = 4
"""Numbers of a vector that a summary shows."""


@click.command("embed")
@click.argument("texts", nargs=-1, required=True)
@click.option("--dimensions", type=int, help="Shorter vectors, where the model can.")
@click.option("--numbers", is_flag=True, help="Every number: one JSON array a line.")
@work_options
def command(texts: tuple[str, ...], dimensions: int | None, numbers: bool, work: Work) -> int:
    """Turn TEXTS into vectors; with several, say how alike they are.

    A single - reads standard input, one text a line.
    """
    if texts == ("-",):
        texts = tuple(line for line in text_of("-").splitlines() if line.strip())
    request = EmbedRequest(texts, dimensions=dimensions, **work.route)
    view = JsonView() if work.json else EmbedView(texts, numbers=numbers)
    return answer(work, request, view)


class EmbedView(PersonView):
    """A line for each text, then the cosine of each pair; or just the numbers."""

    def __init__(self, texts: tuple[str, ...], *, numbers: bool) -> None:
        super().__init__()
        self._texts = texts
        self._numbers = numbers

    def whole(self, result: Result) -> None:
        if not isinstance(result, Embeddings):
            return
        vectors = [Embedding(0, packed).values for packed in result.vectors]
        if self._numbers:
            for vector in vectors:
                self.text(json.dumps([round(number, 7) for number in vector]) + "\n")
            return
        for text, vector in zip(self._texts, vectors, strict=False):
            start = ", ".join(f"{number:+.4f}" for number in vector[:_SHOWN])
            self.text(f"{len(vector)} dimensions [{start}, …] {text}\n")
        for one, other in combinations(range(len(vectors)), 2):
            likeness = cosine(vectors[one], vectors[other])
            self.text(f"{likeness:+.4f} {self._texts[one]!r} and {self._texts[other]!r}\n")
