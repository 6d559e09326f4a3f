"""The models that a server lists, in the form of the older and of the newer servers."""

from __future__ import annotations

from typing import Any, NamedTuple

from breeze.contracts.capability import Capability
from breeze.contracts.errors import ProcessingError
from breeze.contracts.runner import ModelInfo

_CHAT = (Capability.LLM, Capability.VLM)


class Model(NamedTuple):
    """One model: its id, what it is called at its provider, `llm` or `embedding`."""

    id: str
    resource: str
    kind: str
    dimension: int
    context: int

    def info(self, vision: bool) -> ModelInfo:
        """This model as others see it."""
        chat = _CHAT if vision else _CHAT[:1]
        able = chat if self.kind == "llm" else (Capability.EMBEDDING,)
        return ModelInfo(self.id, able, context=self.context)


def models_of(said: Any, where: str) -> tuple[Model, ...]:
    """The models of a list. Raises ProcessingError when it is none."""
    listed = said.get("data") if isinstance(said, dict) else None
    if not isinstance(listed, list):
        raise ProcessingError(
            f"{where} lists its models in another form. Check endpoint.",
            detail="malformed",
            retryable=False,
        )
    found = [_model(one) for one in listed if isinstance(one, dict)]
    return tuple({model.id: model for model in found if model.id}.values())


def _model(one: dict[str, Any]) -> Model:
    facts = one.get("custom_metadata")
    facts = facts if isinstance(facts, dict) else {}
    more = one.get("metadata")
    facts = {**(more if isinstance(more, dict) else {}), **facts}
    return Model(
        id=str(one.get("identifier") or one.get("id") or ""),
        resource=str(one.get("provider_resource_id") or facts.get("provider_resource_id") or ""),
        kind=str(one.get("model_type") or facts.get("model_type") or "llm"),
        dimension=_number(facts.get("embedding_dimension")),
        context=_number(facts.get("context_length")),
    )


def _number(value: Any) -> int:
    try:
        return int(value or 0)
    except (TypeError, ValueError):
        return 0
