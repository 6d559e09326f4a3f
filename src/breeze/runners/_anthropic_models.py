"""The models that Anthropic lists, page by page."""

from __future__ import annotations

from typing import Any

import msgspec

from breeze.contracts.capability import Capability
from breeze.contracts.errors import ProcessingError
from breeze.contracts.runner import ModelInfo
from breeze.runners._anthropic_errors import SAYS
from breeze.runners._http import HttpClient
from breeze.runners._http_errors import refusal
from breeze.runners._http_json import listed
from breeze.runners._http_target import with_query

_MOST = 16 * 1024 * 1024
_MOST_PAGES = 100
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


async def list_models(http: HttpClient, secrets: tuple[str, ...]) -> tuple[ModelInfo, ...]:
    """What the server says it serves, in its order. Raises a RunnerError when it does not say."""
    found: dict[str, ModelInfo] = {}
    after: str | None = None
    for _ in range(_MOST_PAGES):
        page = await _page(http, after, secrets)
        fresh = {m.id: m.info() for m in page.data if m.id and m.lifecycle != "retired"}
        found |= {id: info for id, info in fresh.items() if id not in found}
        if not page.has_more or not page.last_id or page.last_id == after:
            return tuple(found.values())
        after = page.last_id
    raise ProcessingError(
        f"{http.target.authority} lists models without end: {_MOST_PAGES} pages were read. "
        "Set modelId in config.json.",
        detail="malformed",
        retryable=False,
    )


async def _page(http: HttpClient, after: str | None, secrets: tuple[str, ...]) -> _Page:
    path = with_query("/v1/models", {"limit": _PAGE, "after_id": after})
    answer = await http.get(path, limit=_MOST, whole=True)
    if answer.status != 200:
        raise await refusal(answer, secrets=secrets, field="base_url", says=SAYS)
    return listed(answer.body(), _Page, answer.where)
