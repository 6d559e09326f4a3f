"""Texts to vectors, or to how well they answer a query, several in one step."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from breeze.contracts.dialects.openai import UpstreamError
from breeze.contracts.errors import InputError
from breeze.contracts.events import Adjusted, Embedding, EmbedEvent, Finish
from breeze.contracts.requests import EmbedRequest
from breeze.contracts.threads import Outlet
from breeze.contracts.values import Usage
from breeze.contracts.work import Work
from breeze.runners._llamacpp_errors import reported
from breeze.runners._llamacpp_server import LlamaServer


class Vectors:
    """The vectors of one request. `run` blocks and belongs in a thread of its own.

    Raises InputError for what the model cannot do.
    """

    def __init__(self, server: LlamaServer, request: EmbedRequest, query: str, work: Work) -> None:
        model = server.model
        if model.ranks and not query:
            raise InputError(
                f"{model.id} ranks texts: set the parameter query to what they are compared with.",
                field="params.query",
            )
        if request.dimensions not in (None, model.dimensions):
            raise InputError(
                f"{model.id} makes vectors of {model.dimensions} dimensions, "
                f"not {request.dimensions}: leave dimensions out.",
                field="dimensions",
            )
        self.server = server
        self.texts = request.texts
        self.query = query if model.ranks else ""
        self.unused = "" if model.ranks else query
        self.work = work

    def run(self, outlet: Outlet[EmbedEvent]) -> None:
        """Send every vector in order. Between two steps, requests at the same time take turns."""
        if self.unused:
            why = "this model makes vectors and compares nothing; choose one that ranks"
            outlet.send(Adjusted("params.query", self.unused, "", why))
        tokens = 0
        for first in range(0, len(self.texts), self.server.width):
            with self.server.slots.take(outlet) as slot:
                if slot is None:
                    return
                vectors, used = self._step(first)
            tokens += used
            for index, vector in enumerate(vectors, first):
                self.work.steps += 1
                if not outlet.send(Embedding(index, vector)):
                    return
        outlet.send(Usage(prompt_tokens=tokens))
        outlet.send(Finish(metadata={"model_name": self.server.model.id}))

    def _step(self, first: int) -> tuple[list[bytes], int]:
        """As many vectors as go through at once, from that of text `first` on, and their tokens."""
        texts = self.texts[first : first + self.server.width]
        try:
            return self._made(texts)
        except UpstreamError as error:
            if len(texts) == 1:
                raise reported(error, self.server.model.id, f"texts[{first}]") from error
        vectors, tokens = list[bytes](), 0
        for index, text in enumerate(texts, first):  # one by one, to name the one that is wrong
            try:
                made, used = self._made((text,))
            except UpstreamError as error:
                raise reported(error, self.server.model.id, f"texts[{index}]") from error
            vectors, tokens = vectors + made, tokens + used
        return vectors, tokens

    def _made(self, texts: Sequence[str]) -> tuple[list[bytes], int]:
        if not self.query:
            return self.server.embed(texts)
        scores, tokens = self.server.rank(self.query, texts)
        return [struct.pack("<f", score) for score in scores], tokens
