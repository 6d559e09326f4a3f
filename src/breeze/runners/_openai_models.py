"""The models that a server lists, and what it says of them."""

from __future__ import annotations

from typing import Any

import msgspec

from breeze.contracts.capability import Capability
from breeze.contracts.runner import ModelInfo
from breeze.runners._http import HttpClient
from breeze.runners._http_errors import refusal
from breeze.runners._http_json import listed
from breeze.runners._openai_says import SAYS

_MOST = 16 * 1024 * 1024
_OUT = {
    "text": Capability.LLM, "image": Capability.IMAGE, "embeddings": Capability.EMBEDDING,
    "speech": Capability.TTS, "transcription": Capability.ASR,
}  # fmt: skip
"""What comes out of a model, as gateways name it."""
_KEPT = ("pricing", "supported_parameters", "providers", "status")
"""What is passed on as the server says it: prices are decimal text, dollars for a single token."""


class _Meta(msgspec.Struct):
    """What some servers add."""

    n_ctx: int | None = None
    n_ctx_train: int | None = None
    size: int | None = None


class _Architecture(msgspec.Struct):
    """What goes in and what comes out."""

    input_modalities: list[str] | None = None
    output_modalities: list[str] | None = None

    def capabilities(self) -> tuple[Capability, ...]:
        """What the model does, nothing when that is not told."""
        found = {_OUT[out] for out in self.output_modalities or () if out in _OUT}
        if Capability.LLM in found and "image" in (self.input_modalities or ()):
            found.add(Capability.VLM)
        return tuple(capability for capability in Capability if capability in found)


class _Model(msgspec.Struct):
    """One model; servers call its context differently."""

    id: str = ""
    name: str | None = None
    max_model_len: int | None = None
    context_length: int | None = None
    context_window: int | None = None
    max_context_length: int | None = None
    meta: _Meta | None = None
    architecture: _Architecture | None = None
    pricing: Any = None
    supported_parameters: Any = None
    providers: Any = None
    status: Any = None

    def info(self) -> ModelInfo:
        meta, kind = self.meta or _Meta(), self.architecture or _Architecture()
        context = self.max_model_len or self.context_length or self.context_window
        context = context or self.max_context_length or meta.n_ctx or meta.n_ctx_train
        kept = {name: value for name in _KEPT if (value := getattr(self, name))}
        return ModelInfo(
            self.id,
            kind.capabilities(),
            description=self.name or "",
            context=context or 0,
            size=meta.size or 0,
            metadata=kept,
        )


class _List(msgspec.Struct):
    """The whole list."""

    data: list[_Model]


async def list_models(http: HttpClient, secrets: tuple[str, ...]) -> tuple[ModelInfo, ...]:
    """What the server says it serves, in its order. Raises a RunnerError when it does not say."""
    answer = await http.get("/models", limit=_MOST, whole=True)
    if answer.status != 200:
        raise await refusal(answer, secrets=secrets, field="base_url", says=SAYS)
    body = answer.body()
    if body.lstrip()[:1] == b"[":  # some leave out what is round the list
        found = listed(body, list[_Model], answer.where)
    else:
        found = listed(body, _List, answer.where).data
    return tuple({model.id: model.info() for model in found if model.id}.values())
