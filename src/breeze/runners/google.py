"""Gemini, at Google's own server or any that speaks as it does."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from breeze.contracts.capability import RunnerKind
from breeze.contracts.events import EmbedEvent, Finish
from breeze.contracts.requests import ChatRequest, EmbedRequest
from breeze.contracts.runner import ModelInfo, runner
from breeze.contracts.values import Usage
from breeze.runners._google_body import prepare
from breeze.runners._google_errors import SAYS
from breeze.runners._google_models import list_models, path_of
from breeze.runners._google_parameters import GoogleParameters
from breeze.runners._google_pictures import with_pictures
from breeze.runners._google_reader import ContentReader
from breeze.runners._google_vectors import LOT, events_of, vectors_body, vectors_of
from breeze.runners._http import HttpClient
from breeze.runners._http_errors import refusal
from breeze.runners._http_json import encoded
from breeze.runners._json_chat import Asked, JsonChatRunner


@runner(
    "google",
    vendor="Google",
    kind=RunnerKind.CLOUD,
    needs=("httptools",),
    extra="remote",
    concurrency=16_384,
    queue=16_384,
)
class GoogleRunner(JsonChatRunner[GoogleParameters]):
    """Chat, vision, hearing and embeddings on Gemini: tools, thinking, answers by schema.

    The model is the one asked for, else the only one of its kind that the server lists.
    """

    vision = True
    says = SAYS

    async def _listed(self, http: HttpClient) -> tuple[ModelInfo, ...]:
        return await list_models(http, self._secrets)

    async def _asked(self, request: ChatRequest, model: str, parameters: GoogleParameters) -> Asked:
        body, notes = prepare(await with_pictures(request, parameters), parameters)
        how = "generateContent" if request.whole else "streamGenerateContent?alt=sse"
        top = request.top_logprobs
        return Asked(path_of(model, how), body, lambda where: ContentReader(where, top), notes)

    async def embed(self, request: EmbedRequest) -> AsyncGenerator[EmbedEvent]:
        http = self._http or self._unloaded()
        self.parameters_for(request)
        model = await self._model(http, request)
        path = path_of(model, "batchEmbedContents")
        name = path.rpartition(":")[0].removeprefix("/")
        tokens: int | None = None
        with self.work.stream() as work:
            for first in range(0, len(request.texts), LOT):
                texts = request.texts[first : first + LOT]
                body = encoded(vectors_body(texts, name, request.dimensions), "texts")
                answer = await http.post(path, body, whole=True)
                if answer.status != 200:
                    raise await refusal(answer, secrets=self._secrets, field="texts", says=SAYS)
                work.steps += 1
                found = vectors_of(answer.body(), len(texts), answer.where)
                if found.tokens is not None:
                    tokens = (tokens or 0) + found.tokens
                for event in events_of(found, first):
                    yield event
        yield Usage(tokens or 0, characters=sum(map(len, request.texts)))
        yield Finish(metadata={"model_name": model})
