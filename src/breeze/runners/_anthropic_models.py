"""The models that Anthropic lists, page by page."""

from __future__ import annotations

from typing import Any

import msgspec

from breeze.contracts.capability import Capability
from breeze.contracts.runner import ModelInfo
from breeze.runners._anthropic_errors import SAYS
from breeze.runners._http import HttpClient
from breeze.runners._http_target import with_query
from breeze.runners._pages import Listing

_PAGE = 1000


class _Model(msgspec.Struct):
    """One model."""

    id: str = ""
    display_name: str | None = None
    max_input_tokens: int | None = None
    lifecycle: str | None = None
    capabilities: dict[str, Any] | None = None

    def info(self) -> ModelInfo:
        seeing = (self.capabilities or {}).get("image_input")
        blind = isinstance(seeing, dict) and seeing.get("supported") is False
        can = (Capability.LLM,) if blind else (Capability.LLM, Capability.VLM)
        context = self.max_input_tokens or 0
        return ModelInfo(self.id, can, self.display_name or "", context=context)


class _Page(msgspec.Struct):
    """Some models, and whether there are more."""

    data: list[_Model]
    has_more: bool | None = False
    last_id: str | None = None

    @property
    def following(self) -> str | None:
        return self.last_id if self.has_more else None


def _path(after: str | None) -> str:
    return with_query("/v1/models", {"limit": _PAGE, "after_id": after})


async def list_models(http: HttpClient, secrets: tuple[str, ...]) -> tuple[ModelInfo, ...]:
    """What the server says it serves, in its order. Raises a RunnerError when it does not say."""
    found: dict[str, ModelInfo] = {}
    async for page in Listing(http, secrets, SAYS).pages(_path, _Page):
        for model in page.data:
            if model.id and model.lifecycle != "retired":
                found.setdefault(model.id, model.info())
    return tuple(found.values())
