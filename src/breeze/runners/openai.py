"""Any server that speaks OpenAI's protocol: its own, those that serve open models, gateways."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from breeze.contracts.capability import Capability, RunnerKind
from breeze.contracts.errors import RunnerError
from breeze.contracts.events import (
    ChatEvent,
    DrawEvent,
    EmbedEvent,
    ModerateEvent,
    SpeakEvent,
    TranscribeEvent,
)
from breeze.contracts.request import Request
from breeze.contracts.requests import (
    ChatRequest,
    DrawRequest,
    EmbedRequest,
    ModerateRequest,
    SpeakRequest,
    TranscribeRequest,
)
from breeze.contracts.runner import ModelInfo, runner
from breeze.runners._http import HttpClient
from breeze.runners._http_answer import Answer
from breeze.runners._http_errors import refusal
from breeze.runners._only_model import ANY, the_only
from breeze.runners._openai_body import prepare
from breeze.runners._openai_hearing import heard
from breeze.runners._openai_models import list_models
from breeze.runners._openai_parameters import OpenAIParameters
from breeze.runners._openai_pictures import drawn
from breeze.runners._openai_reply import Reply
from breeze.runners._openai_says import SAYS
from breeze.runners._openai_server import Server
from breeze.runners._openai_shape import Shape, ShapedReply
from breeze.runners._openai_speech import spoken
from breeze.runners._openai_vectors import vectors
from breeze.runners._openai_verdict import judged
from breeze.runners._openai_whole import whole_events
from breeze.runners._openai_wire import Wire
from breeze.runners._openai_wishes import MODELS
from breeze.runners._remote import RemoteRunner

_CHAT = "/chat/completions"


@runner(
    "openai",
    vendor="OpenAI",
    kind=RunnerKind.CLOUD,
    needs=("httptools",),
    extra="remote",
    concurrency=16_384,
    queue=16_384,
)
class OpenAIRunner(RemoteRunner[OpenAIParameters]):
    """Any server that speaks OpenAI's protocol: chat, sight, speech, hearing, pictures and more.

    The model is the one asked for, else the one that the parameters name for the kind of work,
    else the only one that the server lists. Answers are streamed unless the request is for the
    whole answer only. What the server refuses comes back as our errors; nothing is retried here.
    """

    vision = True

    def __init__(self, parameters: OpenAIParameters) -> None:
        super().__init__(parameters)
        self._only_model = ""
        self._wire: Wire = None  # type: ignore[assignment]  # until it is loaded

    @classmethod
    def capabilities_of(cls, parameters: OpenAIParameters) -> tuple[Capability, ...]:
        return parameters.does()

    @classmethod
    def model_of(cls, parameters: OpenAIParameters, capability: Capability) -> str:
        return parameters.model_for(capability)

    async def load(self, model: str) -> None:
        self._wire = Wire(self.parameters)
        await super().load(model)

    async def models(self) -> tuple[ModelInfo, ...]:
        async with self._connection() as http:
            return await list_models(http, self._secrets)

    async def chat(  # noqa: C901  # every helper would cost each request a frame
        self, request: ChatRequest
    ) -> AsyncGenerator[ChatEvent]:
        http = self._http or self._unloaded()
        wire = self._wire if not request.params else Wire(self.parameters_for(request))
        model = request.model
        if model in ANY:
            model = await self._model(http, self.parameters, request)
        body, adjusted, shape = prepare(request, model, wire)
        for note in adjusted:
            yield note
        work = self.work
        work.active += 1  # by hand: a context manager costs a tenth of all that is done here
        try:
            if request.whole:
                for event in await self._whole(http, body, request.top_logprobs, shape):
                    yield event
                return
            with await http.post(_CHAT, body) as answer:
                if answer.status == 200 and shape is None:
                    reply = Reply(answer, request.top_logprobs, self._secrets)
                else:
                    reply = await self._odd(answer, request.top_logprobs, shape)
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

    async def _odd(self, answer: Answer, top: int, shape: Shape | None) -> Reply:
        """The reply to read when it is no ordinary one. Raises what a refusal stands for."""
        if answer.status != 200:
            raise await self._refused(answer)
        assert shape is not None
        return ShapedReply(answer, top, self._secrets, shape)

    async def _whole(
        self, http: HttpClient, body: bytes, top: int, shape: Shape | None
    ) -> list[ChatEvent]:
        """All events of an answer that is asked for as a whole."""
        answer = await http.post(_CHAT, body, whole=True)
        if answer.status != 200:
            raise await self._refused(answer)
        self.work.steps += 1
        events = whole_events(answer, top, self._secrets)
        return events if shape is None else shape.events(events)

    async def _refused(self, answer: Answer) -> RunnerError:
        return await refusal(answer, secrets=self._secrets, field="messages", says=SAYS)

    async def embed(self, request: EmbedRequest) -> AsyncGenerator[EmbedEvent]:
        async with aclosing(self._asked(request, vectors)) as events:
            async for event in events:
                yield event

    async def transcribe(self, request: TranscribeRequest) -> AsyncGenerator[TranscribeEvent]:
        async with aclosing(self._asked(request, heard)) as events:
            async for event in events:
                yield event

    async def speak(self, request: SpeakRequest) -> AsyncGenerator[SpeakEvent]:
        async with aclosing(self._asked(request, spoken)) as events:
            async for event in events:
                yield event

    async def draw(self, request: DrawRequest) -> AsyncGenerator[DrawEvent]:
        async with aclosing(self._asked(request, drawn)) as events:
            async for event in events:
                yield event

    async def moderate(self, request: ModerateRequest) -> AsyncGenerator[ModerateEvent]:
        async with aclosing(self._asked(request, judged)) as events:
            async for event in events:
                yield event

    async def _asked(
        self, request: Request[Any], work_of: Callable[..., AsyncGenerator[Any]]
    ) -> AsyncGenerator[Any]:
        """The events of `work_of`, which is told the model and the server."""
        http = self._http or self._unloaded()
        parameters = self.parameters_for(request)
        model = request.model
        if model in ANY:
            model = await self._model(http, parameters, request)
        server = Server(http, parameters, self._secrets)
        with self.work.stream() as work:
            async with aclosing(work_of(request, model, server)) as events:
                async for event in events:
                    work.steps += 1
                    yield event

    async def _model(
        self, http: HttpClient, parameters: OpenAIParameters, request: Request[Any]
    ) -> str:
        """The model when none is asked for. A judge may be left to the server."""
        named = parameters.model_for(request.needs)
        if named or request.needs is Capability.GUARDIAN:
            return named
        return await self._only(http, MODELS.get(request.needs, "modelId in config.json"))

    async def _only(self, http: HttpClient, setting: str) -> str:
        """The only model that there is; `setting` names one of several."""
        if self._only_model:
            return self._only_model
        found = await list_models(http, self._secrets)
        self._only_model = the_only(found, http.target.authority, setting=setting)
        return self._only_model
