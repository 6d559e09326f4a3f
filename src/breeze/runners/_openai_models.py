"""The models that a server lists."""

from __future__ import annotations

import msgspec

from breeze.contracts.errors import ProcessingError
from breeze.contracts.runner import ModelInfo
from breeze.runners._http import HttpClient
from breeze.runners._http_errors import refusal

_MOST = 16 * 1024 * 1024


class _Meta(msgspec.Struct):
    """What some servers add."""

    n_ctx_train: int | None = None
    size: int | None = None


class _Model(msgspec.Struct):
    """One model; servers call its context differently."""

    id: str = ""
    max_model_len: int | None = None
    context_length: int | None = None
    context_window: int | None = None
    meta: _Meta | None = None

    def info(self) -> ModelInfo:
        meta = self.meta or _Meta()
        context = self.max_model_len or self.context_length or self.context_window
        return ModelInfo(self.id, context=context or meta.n_ctx_train or 0, size=meta.size or 0)


class _List(msgspec.Struct):
    """The whole list."""

    data: list[_Model]


async def list_models(http: HttpClient, secrets: tuple[str, ...]) -> tuple[ModelInfo, ...]:
    """What the server says it serves, in its order. Raises a RunnerError when it does not say."""
    answer = await http.get("/models", limit=_MOST, whole=True)
    if answer.status != 200:
        raise await refusal(answer, secrets=secrets, field="base_url")
    try:
        found = msgspec.json.decode(answer.body(), type=_List).data
    except msgspec.DecodeError as error:
        raise ProcessingError(
            f"{http.target.authority} lists its models in another form: {error}. Check base_url.",
            detail="malformed",
            retryable=False,
        ) from error
    return tuple({model.id: model.info() for model in found if model.id}.values())
