"""Which model is meant when a request names none: the only one that there is."""

from __future__ import annotations

from collections.abc import Sequence

from breeze.contracts.errors import NotFoundError
from breeze.contracts.runner import ModelInfo


def the_only(found: Sequence[ModelInfo], where: str, kind: str = "") -> str:
    """The only model of those that `where` lists, for a `kind` of work. Raises NotFoundError."""
    if len(found) == 1:
        return found[0].id
    names = ", ".join(model.id for model in found[:3]) or "none"
    told = f"{len(found)} for {kind}" if kind else str(len(found))
    raise NotFoundError(
        f"Which model? {where} lists {told} ({names}). Set modelId in config.json, or ask for "
        "<instance>/<model>.",
        field="model",
    )
