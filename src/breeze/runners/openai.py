"""Any server that speaks OpenAI's protocol: its own, those that serve open models, gateways."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import NoReturn

from breeze.contracts.capability import RunnerKind
from breeze.contracts.errors import NotFoundError, NotLoadedError
from breeze.contracts.events import ChatEvent, EmbedEvent
from breeze.contracts.request import AUTO
from breeze.contracts.requests import ChatRequest, EmbedRequest
from breeze.contracts.runner import ModelInfo, Runner, runner
from breeze.runners._http import HttpClient
from breeze.runners._http_errors import refusal
from breeze.runners._http_json import encoded
from breeze.runners._openai_body import prepare
from breeze.runners._openai_models import list_models
from breeze.runners._openai_parameters import OpenAIParameters
from breeze.runners._openai_reply import Reply
from breeze.runners._openai_vectors import vectors_body, vectors_of
from breeze.runners._openai_whole import whole_events

_CHAT = "/chat/completions"
_ANY = (AUTO, "")


@runner(
    "openai",
    vendor="OpenAI",
    kind=RunnerKind.CLOUD,
    needs=("httptools",),
    extra="remote",
    concurrency=16_384,
    queue=16_384,
)
class OpenAIRunner(Runner[OpenAIParameters]):
    """Chat, vision and embeddings on any server that speaks OpenAI's protocol.

    The model is the one asked for, else the only one that the server lists. Answers are streamed
    unless the request is for the whole answer only. What the server refuses comes back as our
    errors; nothing is retried here.
    """

    vision = True

    def __init__(self, parameters: OpenAIParameters) -> None:
        super().__init__(parameters)
        self._http: HttpClient | None = None
        self._only_model = ""
        self._at_home = parameters.at_home
        self._secrets = parameters.secrets()

    async def load(self, model: str) -> None:
        if self._http is None:
            self._http = self._client()

    async def unload(self) -> None:
        http, self._http = self._http, None
        if http is not None:
            await http.close()

    def check(self) -> str | None:
        if missing := super().check():
            return missing
        if self._at_home and not self.parameters.key:
            return "no API key: set OPENAI_API_KEY or run `breeze settings set openai api_key`"
        return None

    async def models(self) -> tuple[ModelInfo, ...]:
        if self._http is not None:
            return await list_models(self._http, self._secrets)
        http = self._client()
        try:
            return await list_models(http, self._secrets)
        finally:
            await http.close()

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        http = self._http or self._unloaded()
        parameters = self.parameters_for(request)
        model = await self._only(http) if request.model in _ANY else request.model
        body, adjusted = prepare(request, model, parameters, self._at_home)
        for note in adjusted:
            yield note
        work = self.work
        work.active += 1  # by hand: a context manager costs a tenth of all that is done here
        try:
            if request.whole:
                for event in await self._whole(http, body, request.top_logprobs):
                    yield event
                return
            with await http.post(_CHAT, body) as answer:
                if answer.status != 200:
                    raise await refusal(answer, secrets=self._secrets, field="messages")
                reply = Reply(answer, request.top_logprobs, self._secrets)
                text_of = reply.text
                async for data in answer:
                    work.steps += 1
                    text = text_of(data)
                    if text is not None:
                        yield text
                        continue
                    for event in reply.take(data):
                        yield event
                    if reply.over:
                        break
                for event in reply.end():
                    yield event
        finally:
            work.active -= 1

    async def _whole(self, http: HttpClient, body: bytes, top: int) -> list[ChatEvent]:
        """All events of an answer that is asked for as a whole."""
        answer = await http.post(_CHAT, body, whole=True)
        if answer.status != 200:
            raise await refusal(answer, secrets=self._secrets, field="messages")
        self.work.steps += 1
        return whole_events(answer, top, self._secrets)

    async def embed(self, request: EmbedRequest) -> AsyncGenerator[EmbedEvent]:
        http = self._http or self._unloaded()
        self.parameters_for(request)
        model = await self._only(http) if request.model in _ANY else request.model
        body = encoded(vectors_body(request, model), "texts")
        with self.work.stream() as work:
            answer = await http.post("/embeddings", body, whole=True)
            if answer.status != 200:
                raise await refusal(answer, secrets=self._secrets, field="texts")
            work.steps += 1
            for event in vectors_of(answer.body(), len(request.texts), answer.where):
                yield event

    def _unloaded(self) -> NoReturn:
        raise NotLoadedError("No connection is open: call load first.", runner=self.info.name)

    def _client(self) -> HttpClient:
        p = self.parameters
        return HttpClient(p.base_url, p.sent_headers(), timeout=p.timeout)

    async def _only(self, http: HttpClient) -> str:
        """The only model that there is."""
        if self._only_model:
            return self._only_model
        found = await list_models(http, self._secrets)
        if len(found) != 1:
            names = ", ".join(model.id for model in found[:3]) or "none"
            raise NotFoundError(
                f"Which model? {http.target.authority} lists {len(found)} ({names}). Set modelId "
                "in config.json, or ask for <instance>/<model>.",
                field="model",
            )
        self._only_model = found[0].id
        return self._only_model
