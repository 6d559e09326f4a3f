"""WebSockets: the router's, with the same checks as every other route."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from breeze.contracts.errors import NotFoundError, RunnerError
from breeze.service.access import ANYBODY, Principal
from breeze.surfaces.http.asked import Asked
from breeze.surfaces.http.credentials import key_of, refused

if TYPE_CHECKING:
    from breeze.service.router import RouterService
    from breeze.surfaces.http.app import App

PATH = "/v2/router"
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Sockets:
    """Lets callers in to the router service, which is made when the first one comes."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._router: RouterService | None = None

    async def serve(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """One WebSocket, from its handshake to its close."""
        from breeze.surfaces.http.native import router

        try:
            caller = self._caller(scope)
        except RunnerError as error:
            await router.refuse_socket(receive, send, error)
        else:
            await router.router_socket(self.router, scope, receive, send, caller)

    @property
    def router(self) -> RouterService:
        """The one service of this server."""
        if self._router is None:
            from breeze.service.router import RouterService

            app = self._app
            self._router = RouterService(app.engine, uploads=app.uploads.get, owners=app.owners)
        return self._router

    async def close(self) -> None:
        """Stop what the router's clients have under way, parked ones too."""
        if self._router is not None:
            await self._router.close()

    def _caller(self, scope: dict[str, Any]) -> Principal:
        from breeze.surfaces.http.native.router import ROLE

        asked = Asked.of_socket(scope)
        self._app.gate.check(asked)
        if scope["path"] != PATH:
            raise NotFoundError(f"There is no socket {scope['path']}.", detail="route")
        if self._app.authenticate is None:
            return ANYBODY
        caller = self._app.authenticate(key_of(asked.headers))
        if caller.role < ROLE:
            raise refused(caller, ROLE)
        return caller
