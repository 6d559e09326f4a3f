"""The models that Gemini's interface lists, page by page, and what each can do."""

from __future__ import annotations

import msgspec

from breeze.contracts.capability import Capability
from breeze.contracts.runner import ModelInfo
from breeze.runners._google_errors import SAYS
from breeze.runners._http import HttpClient
from breeze.runners._http_target import segment, with_query
from breeze.runners._pages import Listing

_PAGE = 1000
_CAN = {
    "generateContent": (Capability.LLM, Capability.VLM),
    "embedContent": (Capability.EMBEDDING,),
    "batchEmbedContents": (Capability.EMBEDDING,),
}


class _Model(msgspec.Struct, rename="camel"):
    """One model."""

    name: str = ""
    display_name: str | None = None
    input_token_limit: int | str | None = None
    supported_generation_methods: list[str] | None = None

    def info(self) -> ModelInfo:
        methods = self.supported_generation_methods or ()
        can = dict.fromkeys(c for method in methods for c in _CAN.get(method, ()))
        id = self.name.removeprefix("models/")
        said = str(self.input_token_limit or 0)
        limit = int(said) if said.isdecimal() and len(said) <= 12 else 0
        return ModelInfo(id, tuple(can), self.display_name or "", context=limit)


class _Page(msgspec.Struct, rename="camel"):
    """Some models, and where the next are."""

    models: list[_Model] = []
    next_page_token: str | None = None

    @property
    def following(self) -> str | None:
        return self.next_page_token


def path_of(model: str, method: str) -> str:
    """The path of a model's method. Names may be written with the kind before them."""
    kind, slash, name = model.rpartition("/")
    kind = kind if slash and kind in ("models", "tunedModels") else "models"
    name = name if slash and model.startswith(f"{kind}/") else model
    return f"/{kind}/{segment(name)}:{method}"


def _path(token: str | None) -> str:
    return with_query("/models", {"pageSize": _PAGE, "pageToken": token})


async def list_models(http: HttpClient, secrets: tuple[str, ...]) -> tuple[ModelInfo, ...]:
    """What the server says it serves and we can use. Raises a RunnerError when it does not say."""
    found: dict[str, ModelInfo] = {}
    async for page in Listing(http, secrets, SAYS).pages(_path, _Page):
        for info in (model.info() for model in page.models):
            if info.id and info.capabilities:
                found.setdefault(info.id, info)
    return tuple(found.values())
