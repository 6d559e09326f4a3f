"""Which model is meant when a request names none: the only one that there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from breeze.contracts.errors import NotFoundError
from breeze.contracts.request import AUTO

ANY = (AUTO, "")
"""What stands in a request that leaves the model to us."""
_IN_CONFIG = "modelId in config.json"


class Listed(Protocol):
    """A model as a server lists it."""

    @property
    def id(self) -> str: ...


def the_only(found: Sequence[Listed], where: str, kind: str = "", setting: str = _IN_CONFIG) -> str:
    """The only model of those that `where` lists, for a `kind` of work.

    Raises NotFoundError, which says that `setting` names one of several.
    """
    if len(found) == 1:
        return found[0].id
    names = ", ".join(model.id for model in found[:3]) or "none"
    told = f"{len(found)} for {kind}" if kind else str(len(found))
    raise NotFoundError(
        f"Which model? {where} lists {told} ({names}). Set {setting}, or ask for "
        "<instance>/<model>.",
        field="model",
    )
