"""`breeze pull`: a model onto this disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import NamedTuple

import click

from breeze.contracts.errors import CancelledError
from breeze.contracts.events import Finish, Progress
from breeze.surfaces.cli._models_shelf import opened_store
from breeze.surfaces.cli._options import Work, looking_options
from breeze.surfaces.cli._pull_view import PullView, shares
from breeze.surfaces.cli._run import run
from breeze.surfaces.cli._stop import interruptible
from breeze.surfaces.cli._terminal import note

Events = AsyncGenerator[Progress | Finish]


@click.command("pull")
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option("--again", is_flag=True, help="Compare what is here, and fetch what differs.")
@click.option("--offline", is_flag=True, help="Ask nobody: fails unless it is here.")
@click.option(
    "--allow-pickle",
    is_flag=True,
    help="Take weights that may run any code when they are read. Only from people you trust.",
)
@looking_options
def command(
    models: tuple[str, ...], again: bool, offline: bool, allow_pickle: bool, work: Work
) -> None:
    """Fetch models onto this disk.

    MODEL is an id of the catalogue, hf:org/name[@revision][:file] or the URL of a file.
    Ctrl-C stops; the same command goes on where it stopped. With --url the server fetches them
    for itself, and goes on by itself.
    """
    if work.url and (offline or allow_pickle):
        raise click.UsageError(
            "--offline and --allow-pickle are not for a server: leave --url out."
        )
    for model in models:
        run(_pull(model, _Wish(work, again, offline, allow_pickle)), json=work.json)


@click.command("resume")
@click.argument("ids", nargs=-1, required=True, metavar="MODEL...")
@looking_options
def resume(ids: tuple[str, ...], work: Work) -> None:
    """Go on with pulls that were paused, stopped or failed.

    With --url the server goes on by itself.
    """
    for id in ids:
        if work.url:
            run(_resumed_there(id, work), json=work.json)
            note(f"goes on at the server: {id}")
        else:
            run(_pull(id, _Wish(work, resume=True)), json=work.json)


async def _resumed_there(id: str, work: Work) -> None:
    from breeze.surfaces.cli._service import client_of

    async with client_of(work) as client:
        await client.resume_pull(id)


class _Wish(NamedTuple):
    """How to pull."""

    work: Work
    again: bool = False
    offline: bool = False
    allow_pickle: bool = False
    resume: bool = False


async def _pull(model: str, wish: _Wish) -> None:
    latest, id = Progress("resolve"), model
    with interruptible(), PullView(wish.work.json) as view:
        try:
            async with _events(model, wish) as events:
                async for event in events:
                    view.show(event)
                    if isinstance(event, Progress):
                        latest = event
                    id = (event.metadata or {}).get("model_name", id)
        except asyncio.CancelledError:
            raise CancelledError(_stopped(model, latest, wish.work)) from None
    if not wish.work.json:
        note(f"installed: {id}")


@asynccontextmanager
async def _events(model: str, wish: _Wish) -> AsyncIterator[Events]:
    """The events of the pull, here or at the server."""
    if wish.work.url:
        from breeze.surfaces.cli._service import client_of

        async with (
            client_of(wish.work) as client,
            aclosing(client.pull(model, again=wish.again)) as events,
        ):
            yield events
        return
    from breeze.service.shelf import pulled, resumed

    async with opened_store(wish.work.config, offline=wish.offline) as store:
        came = (
            resumed(store, model)
            if wish.resume
            else pulled(store, model, again=wish.again, allow_pickle=wish.allow_pickle)
        )
        async with aclosing(came) as events:
            yield events


def _stopped(model: str, latest: Progress, work: Work) -> str:
    if work.url:
        return f"No longer watching, at {shares(latest)}: the server goes on."
    return f"Stopped at {shares(latest)}. What has come is kept; go on with: breeze pull {model}"
