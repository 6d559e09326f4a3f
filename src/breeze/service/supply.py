"""The store as the place where the engine gets models that a request names."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing, suppress
from functools import cached_property

from breeze.config.resolve import Layers
from breeze.contracts.errors import InputError
from breeze.contracts.events import Progress
from breeze.models import ModelStore, read_reference
from breeze.service.shelf import open_store, pulled


class StoreSupply:
    """The store of an engine's home, opened when it is needed first."""

    def __init__(self, layers: Layers) -> None:
        self._layers = layers
        self._settings = layers.config.config.global_settings.models

    @cached_property
    def store(self) -> ModelStore:
        """The models on this disk. Raises InputError for a catalogue that cannot be read."""
        return open_store(self._layers.store.home, self._layers.environ, self._settings)

    @property
    def automatic(self) -> bool:
        """As `globalSettings.models.pull` says."""
        return self._settings.pull == "auto"

    def known(self, names: Iterable[str]) -> str:
        """The first of `names` that the catalogue has and the disk has not.

        Only the catalogue counts: who may use a server does not choose what it downloads.
        """
        offered = {name for name in names if name in self.store.catalogue}
        here = {model.id for model in self.store.models()} if offered else set()
        return min(offered - here, default="")

    def hint(self, name: str) -> str:
        """The command that gets it, for a model of the catalogue or of the hub."""
        if name not in self.store.catalogue:
            with suppress(InputError):
                if read_reference(name).kind != "catalogue":
                    return f"Run: breeze pull {name}"
            return ""
        runner = self.store.catalogue[name].runner
        if any(model.id == name for model in self.store.models()):
            return f"It is installed, but {runner} cannot serve it now. See: breeze runners"
        return f"Run: breeze pull {name}"

    async def pull(self, name: str) -> AsyncGenerator[Progress]:
        """Fetch it; what is fetched goes on when nobody watches. Raises RunnerError."""
        async with aclosing(pulled(self.store, name)) as events:
            async for event in events:
                if isinstance(event, Progress):
                    yield event

    async def close(self) -> None:
        """Stop what is being pulled; it stays on the disk."""
        if "store" in self.__dict__:
            await self.store.close()
