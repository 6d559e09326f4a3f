"""The models that the server has, and what each can do."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from breeze.contracts.capability import Capability
from breeze.contracts.errors import RunnerError
from breeze.contracts.runner import ModelInfo
from breeze.contracts.unreadable import UNREADABLE
from breeze.runners._http import HttpClient
from breeze.runners._http_json import encoded
from breeze.runners._ollama_errors import CHAT
from breeze.runners._pages import Listing

_AT_ONCE = 4
_ABILITIES = {
    "completion": Capability.LLM,
    "vision": Capability.VLM,
    "embedding": Capability.EMBEDDING,
}
"""The server's words for what we have. Its other words are told in the metadata."""


class _Details(msgspec.Struct, omit_defaults=True):
    """What a model is made of."""

    family: str | None = None
    parameter_size: str | None = None
    quantization_level: str | None = None
    context_length: int | None = None


class _Model(msgspec.Struct):
    """One model as it is listed."""

    name: str = ""
    model: str = ""
    size: int | None = None
    digest: str | None = None
    details: _Details | None = None
    capabilities: list[str] | None = None
    remote_host: str | None = None


class _Models(msgspec.Struct):
    """The whole list."""

    models: list[_Model] | None = None


class _Shown(msgspec.Struct):
    """What the server tells about one model."""

    capabilities: list[str] | None = None
    model_info: dict[str, Any] | None = None


async def list_models(
    http: HttpClient, secrets: tuple[str, ...], context: int | None = None
) -> tuple[ModelInfo, ...]:
    """What the server has, in its order, loaded with `context` tokens where that is given.

    Raises a RunnerError when it does not say.
    """
    found = (await Listing(http, secrets, CHAT).read("/api/tags", _Models)).models or []
    turns = asyncio.Semaphore(_AT_ONCE)
    named = {model.model or model.name: model for model in found if model.model or model.name}
    told = await asyncio.gather(*(_shown(http, n, m, turns) for n, m in named.items()))
    return tuple(
        _info(n, m, shown, context) for (n, m), shown in zip(named.items(), told, strict=True)
    )


async def _shown(http: HttpClient, name: str, model: _Model, turns: asyncio.Semaphore) -> _Shown:
    """What is asked model by model: only older servers leave it out of their list."""
    if model.capabilities is not None:
        return _Shown(model.capabilities)
    async with turns:
        try:
            answer = await http.post("/api/show", encoded({"model": name}, "model"), whole=True)
            with answer:
                if answer.status != 200:
                    return _Shown()
                return msgspec.json.decode(answer.body(), type=_Shown)
        except (RunnerError, *UNREADABLE):
            return _Shown()  # the list is of use without it


def _info(name: str, model: _Model, shown: _Shown, loaded: int | None) -> ModelInfo:
    details = model.details or _Details()
    able = shown.capabilities or ()
    context = details.context_length or _context(shown.model_info or {})
    told = {
        "family": details.family,
        "parameter_size": details.parameter_size,
        "quantization": details.quantization_level,
        "digest": model.digest,
        "remote_host": model.remote_host,
        "abilities": sorted(able) or None,
    }
    return ModelInfo(
        name,
        tuple(ours for word, ours in _ABILITIES.items() if word in able),
        " ".join(filter(None, (details.family, details.parameter_size))),
        context=min(context, loaded or context) or loaded or 0,
        size=model.size or 0,
        metadata={key: value for key, value in told.items() if value},
    )


def _context(facts: dict[str, Any]) -> int:
    """Tokens of context, which stand under a name of the model's architecture."""
    sizes = (value for key, value in facts.items() if key.endswith(".context_length"))
    return next((size for size in sizes if isinstance(size, int)), 0)
