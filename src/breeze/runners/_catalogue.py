"""What runners have in common whose server lists its models: one need not be named."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from breeze.contracts.capability import Capability
from breeze.contracts.request import Request
from breeze.contracts.runner import ModelInfo
from breeze.runners._http import HttpClient
from breeze.runners._only_model import ANY, the_only
from breeze.runners._remote import RemoteRunner, S


class CatalogueRunner(RemoteRunner[S], ABC):
    """Base of such runners. The only model for a kind of work is asked for once."""

    def __init__(self, parameters: S) -> None:
        super().__init__(parameters)
        self._only: dict[Capability, str] = {}

    async def unload(self) -> None:
        self._only.clear()
        await super().unload()

    async def models(self) -> tuple[ModelInfo, ...]:
        async with self._connection() as http:
            return await self._listed(http)

    @abstractmethod
    async def _listed(self, http: HttpClient) -> tuple[ModelInfo, ...]:
        """What the server lists. Raises a RunnerError when it does not say."""

    async def _model(self, http: HttpClient, request: Request[Any]) -> str:
        """The model asked for, or the only one that can do the work.

        One of which nothing is said may. Raises NotFoundError when there are several or none.
        """
        if request.model not in ANY:
            return request.model
        kind = request.needs
        if kind not in self._only:
            found = await self._listed(http)
            able = [m for m in found if kind in m.capabilities or not m.capabilities]
            self._only[kind] = the_only(able, http.target.authority, kind)
        return self._only[kind]
