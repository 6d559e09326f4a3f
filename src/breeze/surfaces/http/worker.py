"""One process that serves: the engine, the application, the connections, from start to stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import uvicorn

from breeze.engine.engine import Engine
from breeze.service.supply import StoreSupply
from breeze.surfaces.http.access_log import AccessLog
from breeze.surfaces.http.app import App
from breeze.surfaces.http.gate import Gate
from breeze.surfaces.http.plan import Plan
from breeze.surfaces.http.protocol import Protocol
from breeze.surfaces.http.routes import Table
from breeze.surfaces.http.server import Server, Stopped
from breeze.surfaces.http.shared import local, shared
from breeze.surfaces.http.siblings import Siblings
from breeze.surfaces.http.table import TABLE

_KEEP_ALIVE = 75
"""Seconds for which an idle connection is kept: longer than clients keep theirs."""
_GC = (10_000, 20, 50)
"""Requests leave next to no cycles behind, so looking for them often is mostly lost CPU."""
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class Place(msgspec.Struct, frozen=True):
    """A worker's among several: their common folder, its number, the process that started it."""

    folder: Path
    number: int
    parent: int


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """A worker that serves: the port it listens on, runners that can work, keys that open it."""

    port: int
    runners: int
    keys: int


Tell = Callable[[Ready | Stopped], object]


def run(plan: Plan, listener: socket.socket, tell: Tell, place: Place | None = None) -> None:
    """Serve until a signal comes. `tell` hears when it is ready, and how it ended."""
    configure_logging(plan.settings.log_level)
    with asyncio.Runner(loop_factory=_fastest_loop()) as runner:
        runner.run(_serve(plan, listener, tell, place))


async def _serve(plan: Plan, listener: socket.socket, tell: Tell, place: Place | None) -> None:
    # The loop lists all async generators, to close them in the end. Ours are closed by whoever
    # opened them, and being listed costs each of them a microsecond.
    sys.set_asyncgen_hooks(firstiter=None)
    async with application(plan) as app, _among_siblings(app, place):
        config, limit = _config(plan, app), plan.settings.shutdown_limit_seconds
        if place is None:
            server = Server(config, app, limit)
        else:
            # Whoever stops a service may signal all its processes, and then the supervisor does so
            # too: asking twice to stop is no hurry.
            server = Server(
                config, app, limit,
                signals=(signal.SIGTERM,), hurry=signal.SIGUSR1, parent=place.parent,
            )  # fmt: skip
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await asyncio.wait(
            (serving, telling := asyncio.create_task(server.ready())),
            return_when=asyncio.FIRST_COMPLETED,
        )
        if telling.done():
            tell(_ready(app, listener))
            gc.collect()
            gc.freeze()  # what lives as long as the server need not be looked at again
            gc.set_threshold(*_GC)
            gc.enable()
        telling.cancel()
        await serving
    tell(server.stopped)


def _ready(app: App, listener: socket.socket) -> Ready:
    name: object = listener.getsockname()
    able = sum(status.state not in ("unavailable", "disabled") for status in app.engine.runners())
    keys: int = getattr(app.authenticate, "count", 0)
    return Ready(name[1] if isinstance(name, tuple) else 0, able, keys)


@asynccontextmanager
async def application(plan: Plan) -> AsyncIterator[App]:
    """The application of `plan`, with an open engine behind it and the access log beside it."""
    settings = plan.settings
    hosts, origins = settings.allowed_hosts, settings.allowed_origins
    log = _access_log(settings.access_log)
    try:
        async with Engine.open(
            home=plan.home.root, config=plan.config, record=plan.record, supplier=StoreSupply
        ) as engine:
            app = App(
                engine,
                _table(settings.limits.body_mib * 1_048_576),
                gate=Gate.of_bind(plan.host, hosts=hosts, origins=origins),
                authenticate=plan.authentication(),
                record=log,
            )
            await asyncio.to_thread(app.uploads.sweep)  # what a crash may have left
            try:
                yield app
            finally:
                await app.close()
    finally:
        if log is not None:
            await asyncio.to_thread(log.close)


@asynccontextmanager
async def _among_siblings(app: App, place: Place | None) -> AsyncIterator[None]:
    """The application answers for the other workers too, and them."""
    if place is None:
        yield
        return
    siblings = Siblings(app, local(app.table), place.folder, place.number)
    app.table = shared(app.table, siblings)
    async with siblings.listening():
        yield


def _access_log(place: str) -> AccessLog | None:
    if place == "off":
        return None
    return AccessLog(None if place == "-" else Path(place))


def _table(body_limit: int) -> Table:
    """Every route, with the configured limit where a route has none of its own."""
    return Table(
        route if route.limit is not None else route._replace(limit=body_limit)
        for route in TABLE.routes
    )


def _config(plan: Plan, app: App) -> uvicorn.Config:
    limits = plan.settings.limits
    facts = {
        "head_bytes": limits.head_kib * 1024,
        "head_seconds": limits.head_seconds,
        "body_seconds": limits.body_seconds,
    }
    return uvicorn.Config(
        app,
        http=type("Limited", (Protocol,), facts),
        interface="asgi3",
        lifespan="off",
        log_config=None,
        access_log=False,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=1,
        ssl_certfile=plan.settings.tls_cert,
        ssl_keyfile=plan.settings.tls_key,
    )


def _fastest_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        from uvloop import new_event_loop
    except ImportError:  # not on every system; asyncio's own does too
        return None
    return new_event_loop


def configure_logging(level: str) -> None:
    """The server's own log, on standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(_FORMAT))
    own = logging.getLogger("breeze")
    own.handlers[:], own.propagate = [handler], False
    own.setLevel(level.upper())
    # What uvicorn warns of is mostly clients that speak no HTTP: nothing to do about them.
    theirs = logging.getLogger("uvicorn")
    theirs.handlers[:], theirs.propagate = [handler], False
    theirs.setLevel("ERROR" if level == "warning" else level.upper())
