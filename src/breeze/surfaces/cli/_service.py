"""Who does the work of a command: the engine in this process, or a server elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from breeze.contracts.errors import InputError, NotFoundError
from breeze.contracts.request import Request
from breeze.surfaces.cli._options import Work
from breeze.surfaces.cli._stop import Stoppable

if TYPE_CHECKING:
    from breeze.client import Client
    from breeze.contracts.runner import ModelInfo
    from breeze.contracts.service import Decision, RunnerStatus
    from breeze.engine.engine import Engine


class Service(Protocol):
    """What a command needs of whoever does its work."""

    def stream(self, request: Request[Any]) -> Events:
        """The events of `request`."""

    async def explain(self, request: Request[Any]) -> Decision:
        """Who would answer."""

    async def runners(self) -> Sequence[RunnerStatus]:
        """Who is there."""

    async def models(self) -> Mapping[str, tuple[ModelInfo, ...]]:
        """What each of them serves."""

    async def remarks(self, request: Request[Any]) -> list[str]:
        """What was noticed in the settings of the runner that is tried first."""


class Events(Stoppable, Protocol):
    """The events of one request, of an engine or of a client."""

    async def __aenter__(self) -> Any:
        """The events themselves."""

    async def __aexit__(self, *error: Any) -> None:
        """Stops the work."""

    def __aiter__(self) -> Any:
        """The events themselves."""


class Embedded:
    """The engine in this process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.stream = engine.stream
        self.explain = engine.explain
        self.models = engine.models

    async def runners(self) -> Sequence[RunnerStatus]:
        return self._engine.runners()

    async def remarks(self, request: Request[Any]) -> list[str]:
        try:
            order = (await self._engine.explain(request)).order
        except NotFoundError:
            order = ()
        if not order:
            return []  # the stream itself will say that nobody can answer, or get the model
        first = self._engine.instances[order[0].name]
        if first.runner_type is None:
            return []
        found = self._engine.layers.findings(
            first.name, first.runner_type.parameters_type, first.entry.parameters
        )
        return [f"{first.name}.{one.field}: {one.message}" for one in found]


class Remote:
    """A server elsewhere."""

    def __init__(self, client: Client) -> None:
        self.stream = client.stream
        self.explain = client.explain
        self.runners = client.runners
        self.models = client.models

    async def remarks(self, request: Request[Any]) -> list[str]:
        return []  # its settings are its operator's business


def client_of(work: Work) -> Client:
    """The client of the server that `work` names. Raises InputError for options of the engine."""
    from breeze.client import Client

    options = ((work.params, "--param"), (work.config, "--config"), (work.record, "--record"))
    for given, option in options:
        if given:
            raise refusal(option)
    return Client(work.url, work.key)


def refusal(option: str) -> InputError:
    """What to say to an option that a server knows nothing of."""
    return InputError(
        f"{option} is for the engine in this process, and --url (or BREEZE_URL) asks a server: "
        "leave one of them out.",
        field=option.lstrip("-"),
    )
