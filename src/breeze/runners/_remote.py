"""What runners have in common whose work another server does: one connection, and its key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NoReturn, TypeVar

from breeze.contracts.errors import NotLoadedError
from breeze.contracts.runner import Runner
from breeze.runners._http import HttpClient
from breeze.runners._server_parameters import ServerParameters

S = TypeVar("S", bound=ServerParameters)


class RemoteRunner(Runner[S]):
    """Base of runners that speak HTTP. Loaded means that there is a client; it asks nothing."""

    def __init__(self, parameters: S) -> None:
        super().__init__(parameters)
        self._http: HttpClient | None = None
        self._secrets = parameters.secrets()

    async def load(self, model: str) -> None:
        if self._http is None:
            self._http = self._client()

    async def unload(self) -> None:
        http, self._http = self._http, None
        if http is not None:
            await http.close()

    def check(self) -> str | None:
        if missing := super().check():
            return missing
        if variable := self.parameters.missing_key:
            name = self.info.name
            return f"no API key: set {variable} or run `breeze settings set {name} api_key`"
        return None

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[HttpClient]:
        """The open client, or one for the time of the block."""
        if self._http is not None:
            yield self._http
            return
        http = self._client()
        try:
            yield http
        finally:
            await http.close()

    def _unloaded(self) -> NoReturn:
        raise NotLoadedError("No connection is open: call load first.", runner=self.info.name)

    def _client(self) -> HttpClient:
        p = self.parameters
        return HttpClient(p.root, p.sent_headers(), timeout=p.timeout)
