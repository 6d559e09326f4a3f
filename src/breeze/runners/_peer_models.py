"""What another Breeze server lists."""

from __future__ import annotations

from typing import Any

import msgspec

from breeze.contracts import hops
from breeze.contracts.capability import Capability
from breeze.contracts.runner import ModelInfo
from breeze.runners._http import HttpClient
from breeze.runners._http_json import listed
from breeze.runners._peer_wire import refused

_MOST = 16 * 1024 * 1024


class _Facts(msgspec.Struct):
    """Ours about an entry."""

    capabilities: list[str] = []
    runner: str = ""
    instance: str = ""
    mock: bool = False
    available: bool = True
    description: str = ""


class _Entry(msgspec.Struct):
    """One name that a request may use as its model."""

    id: str
    breeze: _Facts | None = None
    context_length: int = 0

    def info(self, facts: _Facts) -> ModelInfo:
        metadata: dict[str, Any] = {"mock": True} if facts.mock else {}
        return ModelInfo(
            self.id,
            tuple(Capability(name) for name in facts.capabilities if name in set(Capability)),
            facts.description,
            context=self.context_length,
            metadata=metadata,
        )


class _List(msgspec.Struct):
    """All of them."""

    data: list[_Entry]


async def list_models(
    http: HttpClient, secrets: tuple[str, ...], own: str
) -> tuple[ModelInfo, ...]:
    """Their names: `auto`, each instance, and its models; none of runners called `own`."""
    headers = {hops.HEADER: str(hops.passed() + 1)}
    answer = await http.ask("GET", "/v1/models", headers=headers, limit=_MOST, whole=True)
    if answer.status != 200:
        raise await refused(answer, secrets)
    found = listed(answer.body(), _List, answer.where).data
    return tuple(
        entry.info(facts)
        for entry in found
        if (facts := entry.breeze) is not None and facts.available and facts.runner != own
        if _is_theirs(entry.id, facts.instance)
    )


def _is_theirs(name: str, instance: str) -> bool:
    """Not a bare model: that name may mean another one here."""
    return not instance or name == instance or name.startswith(f"{instance}/")
