"""Gemini, at Google's own server or any that speaks as it does."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import partial

from breeze.contracts.capability import Capability, RunnerKind
from breeze.contracts.errors import InputError, RunnerError
from breeze.contracts.events import ChatEvent, EmbedEvent, Finish
from breeze.contracts.request import Request
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
from breeze.runners._http import JSON, HttpClient
from breeze.runners._http_answer import Answer
from breeze.runners._http_errors import refusal, reported
from breeze.runners._http_json import encoded
from breeze.runners._json_reply import JsonReply
from breeze.runners._only_model import ANY, the_only
from breeze.runners._remote import RemoteRunner


@runner(
    "google",
    vendor="Google",
    kind=RunnerKind.CLOUD,
    needs=("httptools",),
    extra="remote",
    concurrency=16_384,
    queue=16_384,
)
class GoogleRunner(RemoteRunner[GoogleParameters]):
    """Chat, vision, hearing and embeddings on Gemini: tools, thinking, answers by schema.

    The model is the one asked for, else the only one of its kind that the server lists. Answers
    are streamed unless the request is for the whole answer only. What the server refuses comes
    back as our errors; nothing is retried here.
    """

    vision = True

    def __init__(self, parameters: GoogleParameters) -> None:
        super().__init__(parameters)
        self._only_model: dict[Capability, str] = {}

    async def models(self) -> tuple[ModelInfo, ...]:
        async with self._connection() as http:
            return await list_models(http, self._secrets)

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        http = self._http or self._unloaded()
        parameters = self.parameters_for(request)
        if not parameters.prefill and request.messages[-1].role == "assistant":
            raise InputError(
                "messages: the last turn must be the user's. For models that continue an answer, "
                "set prefill.",
                field="messages",
            )
        model = await self._model(http, request)
        body, adjusted = prepare(await with_pictures(request, parameters), parameters)
        for note in adjusted:
            yield note
        how = "generateContent" if request.whole else "streamGenerateContent?alt=sse"
        sent = encoded(body, "messages")
        with (
            self.work.stream() as work,
            await http.post(path_of(model, how), sent, JSON, whole=request.whole) as answer,
        ):
            if answer.status != 200:
                raise await refusal(answer, secrets=self._secrets, field="messages", says=SAYS)
            reader = ContentReader(answer.where, request.top_logprobs)
            reply = JsonReply(answer, reader, partial(self._reported, answer))
            if request.whole:
                work.steps += 1
                reply.take(answer.body())
            else:
                async for data in answer:
                    work.steps += 1
                    for event in reply.take(data):
                        yield event
                    if reply.over:
                        break
            for event in reply.end():
                yield event

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

    def _reported(self, answer: Answer, said: object) -> RunnerError:
        return reported(said, answer, secrets=self._secrets, field="messages", says=SAYS)

    async def _model(self, http: HttpClient, request: Request[object]) -> str:
        """The model asked for, or the only one that can do it."""
        if request.model not in ANY:
            return request.model
        kind = request.needs
        if kind not in self._only_model:
            listed = await list_models(http, self._secrets)
            found = [model for model in listed if kind in model.capabilities]
            self._only_model[kind] = the_only(found, http.target.authority, kind)
        return self._only_model[kind]
