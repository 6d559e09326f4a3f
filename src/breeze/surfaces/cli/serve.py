"""`breeze serve`: the engine for other programs, over HTTP."""

from __future__ import annotations

import gc
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from breeze.contracts.errors import UnavailableError
from breeze.surfaces.cli._options import config_option, record_option
from breeze.surfaces.cli._terminal import note

if TYPE_CHECKING:
    from breeze.surfaces.http.plan import Plan
    from breeze.surfaces.http.server import Stopped
    from breeze.surfaces.http.worker import Ready

_NEEDED = ("uvicorn", "httptools", "starlette", "websockets", "prometheus_client")
_LEVELS = click.Choice(("critical", "error", "warning", "info", "debug"))


@click.command("serve")
@click.option("--host", metavar="ADDRESS", help="Where to listen.  [default: 127.0.0.1]")
@click.option("--port", type=int, help="Which port; 0 takes a free one.  [default: 8765]")
@click.option("--uds", metavar="PATH", help="Listen on a Unix socket instead.")
@click.option("--workers", type=int, metavar="N", help="Processes that share the port.")
@click.option("--tls-cert", metavar="FILE", help="Certificate chain, PEM; then it is https.")
@click.option("--tls-key", metavar="FILE", help="Its private key, PEM.")
@click.option("--shutdown-limit", type=float, metavar="SECONDS", help="For requests to finish.")
@click.option("--allow-host", multiple=True, metavar="NAME", help="Further name in Host headers.")
@click.option("--allow-origin", multiple=True, metavar="ORIGIN", help="Web page that may call.")
@click.option("--access-log", metavar="FILE|-|off", help="One line of JSON for each request.")
@click.option("--log-level", type=_LEVELS, help="Least weight of what is logged.")
@record_option
@config_option
def command(
    config: Path | None,
    record: Path | None,
    tls_cert: str | None,
    tls_key: str | None,
    shutdown_limit: float | None,
    allow_host: tuple[str, ...],
    allow_origin: tuple[str, ...],
    access_log: str | None,
    log_level: str | None,
    **listening: Any,
) -> None:
    """Serve the engine over HTTP, as OpenAI's interface and its own.

    Ctrl-C stops it: live requests may finish within the shutdown limit; a second one stops it at
    once. Others than this machine are let in only with a key: see `breeze keys`. What is not given
    here comes from `globalSettings.server` of the configuration.
    """
    gc.disable()  # nothing of what is set up now is garbage; once ready, the worker enables it
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        raise UnavailableError(
            f"Serving needs {', '.join(missing)}: run: pip install 'breeze-engine[serve]'"
        )
    options = {
        **listening,
        "tlsCert": tls_cert,
        "tlsKey": tls_key,
        "shutdownLimitSeconds": shutdown_limit,
        "allowedHosts": allow_host,
        "allowedOrigins": allow_origin,
        "accessLog": access_log,
        "logLevel": log_level,
    }
    _serve(replace(_planned(config, options), record=record and record.absolute()))


def _planned(config: Path | None, options: dict[str, Any]) -> Plan:
    import os

    from breeze.config.home import Home
    from breeze.config.reader import read_config
    from breeze.surfaces.http.plan import plan

    home = Home.find(os.environ)
    file = read_config(config or home.config)
    for notice in file.notices:
        note(f"{file.path}: {notice}")
    return plan(home, file, options)


def _serve(made: Plan) -> None:
    from breeze.surfaces.http.listening import listening
    from breeze.surfaces.http.worker import Ready, run

    def tell(news: Ready | Stopped) -> None:
        note(_ready(made, news) if isinstance(news, Ready) else _stopped(news))

    with listening(made.address) as listener:
        if made.settings.workers > 1:
            from breeze.surfaces.http.supervisor import supervise

            supervise(made, listener, tell)
        else:
            run(made, listener, tell)


def _ready(made: Plan, news: Ready) -> str:
    keys = str(news.keys) if news.keys else "none"
    runners = f"{news.runners} runner{'' if news.runners == 1 else 's'}"
    return f"Breeze is ready on {made.url(news.port)} (keys: {keys}; {runners} ready)"


def _stopped(news: Stopped) -> str:
    if not news.finished + news.cancelled:
        return "Breeze has stopped; no request was under way"
    finished = f"{news.finished} request{'' if news.finished == 1 else 's'}"
    return f"Breeze has stopped: {finished} finished, {news.cancelled} cancelled"
