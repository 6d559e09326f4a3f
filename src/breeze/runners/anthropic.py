"""Claude, by Anthropic's Messages, at the vendor's own server or any that speaks as it does."""

from __future__ import annotations

from breeze.contracts.capability import RunnerKind
from breeze.contracts.dialects.anthropic import MessageReader, messages_body
from breeze.contracts.requests import ChatRequest
from breeze.contracts.runner import ModelInfo, runner
from breeze.runners._anthropic_errors import SAYS
from breeze.runners._anthropic_models import list_models
from breeze.runners._anthropic_parameters import AnthropicParameters
from breeze.runners._anthropic_prefill import Continued, trimmed
from breeze.runners._http import HttpClient
from breeze.runners._json_chat import Asked, JsonChatRunner

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
class AnthropicRunner(JsonChatRunner[AnthropicParameters]):
    """Chat and vision on Anthropic's Messages: documents, tools, thinking, answers by schema.

    The model is the one asked for, else the only one of its kind that the server lists.
    """

    vision = True
    says = SAYS

    async def _listed(self, http: HttpClient) -> tuple[ModelInfo, ...]:
        return await list_models(http, self._secrets)

    async def _asked(
        self, request: ChatRequest, model: str, parameters: AnthropicParameters
    ) -> Asked:
        request, cut_off = trimmed(request)
        body, notes = messages_body(request, model, parameters.dialect())
        if not request.whole:
            body["stream"] = True
        reader = MessageReader()
        begun = Continued(reader, cut_off) if cut_off else reader
        return Asked(_MESSAGES, body, lambda _: begun, notes)
