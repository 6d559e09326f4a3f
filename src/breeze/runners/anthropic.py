"""Claude, by Anthropic's Messages, at the vendor's own server or any that speaks as it does."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import partial

from breeze.contracts.capability import RunnerKind
from breeze.contracts.dialects.anthropic import MessageReader, messages_body
from breeze.contracts.errors import InputError, RunnerError
from breeze.contracts.events import ChatEvent
from breeze.contracts.requests import ChatRequest
from breeze.contracts.runner import ModelInfo, runner
from breeze.runners._anthropic_errors import SAYS
from breeze.runners._anthropic_models import list_models
from breeze.runners._anthropic_parameters import AnthropicParameters
from breeze.runners._anthropic_prefill import Continued, trimmed
from breeze.runners._http import HttpClient
from breeze.runners._http_answer import Answer
from breeze.runners._http_errors import refusal, reported
from breeze.runners._http_json import encoded
from breeze.runners._json_reply import JsonReply
from breeze.runners._only_model import ANY, the_only
from breeze.runners._remote import RemoteRunner

_MESSAGES = "/v1/messages"


@runner(
    "anthropic",
    vendor="Anthropic",
    kind=RunnerKind.CLOUD,
    needs=("httptools",),
    extra="remote",
    concurrency=16_384,
    queue=16_384,
)
class AnthropicRunner(RemoteRunner[AnthropicParameters]):
    """Chat and vision on Anthropic's Messages: documents, tools, thinking, answers by schema.

    The model is the one asked for, else the only one that the server lists. Answers are streamed
    unless the request is for the whole answer only. What the server refuses comes back as our
    errors; nothing is retried here.
    """

    vision = True

    def __init__(self, parameters: AnthropicParameters) -> None:
        super().__init__(parameters)
        self._only_model = ""

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
        model = await self._only(http) if request.model in ANY else request.model
        request, cut_off = trimmed(request)
        body, adjusted = messages_body(request, model, parameters.dialect())
        for note in adjusted:
            yield note
        if not request.whole:
            body["stream"] = True
        sent = encoded(body, "messages")
        continued = Continued(cut_off)
        with (
            self.work.stream() as work,
            await http.post(_MESSAGES, sent, whole=request.whole) as answer,
        ):
            if answer.status != 200:
                raise await refusal(answer, secrets=self._secrets, field="messages", says=SAYS)
            reply = JsonReply(answer, MessageReader(), partial(self._reported, answer))
            if request.whole:
                work.steps += 1
                reply.take(answer.body())
            else:
                async for data in answer:
                    work.steps += 1
                    for event in continued.rest(reply.take(data)):
                        yield event
                    if reply.over:
                        answer.release()
                        break
            for event in continued.rest(reply.end()):
                yield event

    def _reported(self, answer: Answer, said: object) -> RunnerError:
        return reported(said, answer, secrets=self._secrets, field="messages", says=SAYS)

    async def _only(self, http: HttpClient) -> str:
        """The only model that there is."""
        if self._only_model:
            return self._only_model
        found = await list_models(http, self._secrets)
        self._only_model = the_only(found, http.target.authority)
        return self._only_model
