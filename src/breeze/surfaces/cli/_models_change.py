"""The commands of `breeze models` that do something to what is on the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from breeze.surfaces.cli._exit import FAILED
from breeze.surfaces.cli._models_shelf import opened_store
from breeze.surfaces.cli._options import Work, json_option, server_options
from breeze.surfaces.cli._run import run
from breeze.surfaces.cli._table import show_lines
from breeze.surfaces.cli._terminal import note
from breeze.surfaces.cli._units import size

if TYPE_CHECKING:
    from breeze.models import Verified

_ids = click.argument("ids", nargs=-1, required=True, metavar="MODEL...")


@click.command("remove")
@_ids
@server_options
def remove(ids: tuple[str, ...], work: Work) -> None:
    """Delete models. Of an imported one only the links go, never the other program's files."""
    for id in ids:
        freed = run(_remove(id, work))
        note(f"removed: {id} ({size(freed) or '0 B'} free)")


async def _remove(id: str, work: Work) -> int:
    from breeze.service.shelf import removed
    from breeze.surfaces.cli._service import client_of

    if work.url:
        async with client_of(work) as client:
            return await client.remove_model(id)
    async with opened_store(work.config) as store:
        return await removed(store, id)


@click.command("verify")
@click.argument("ids", nargs=-1, metavar="[MODEL]...")
@json_option
def verify(ids: tuple[str, ...], json: bool) -> None:
    """Compare models with their digests, all of them when none is named.

    Exit code 5 when a file is not what it was. `breeze pull MODEL --again` fetches such files.
    """
    found = run(_verify(ids), json=json)
    if json:
        show_lines([one._asdict() for one in found])
    else:
        for one in found:
            note(_verdict(one))
    if any(one.bad for one in found):
        raise click.exceptions.Exit(FAILED)


async def _verify(ids: tuple[str, ...]) -> list[Verified]:
    async with opened_store() as store:
        asked = ids or tuple(model.id for model in store.models())
        return [await store.verify(id) for id in asked]


def _verdict(found: Verified) -> str:
    if found.bad:
        return f"{found.id}: altered: {', '.join(found.bad)}; run: breeze pull {found.id} --again"
    unknown = f", {len(found.unknown)} without a digest" if found.unknown else ""
    return f"{found.id}: {len(found.good)} files as they should be{unknown}"


@click.command("gc")
@click.option(
    "--older-than",
    type=click.FloatRange(0),
    default=0.0,
    metavar="HOURS",
    help="Keep pulls that rest for less than this.",
)
def collect(older_than: float) -> None:
    """Delete what no model needs: pulls that rest, and what crashes left."""

    async def collected() -> tuple[int, int]:
        async with opened_store() as store:
            found = await store.collect(older_than * 3600)
            return found.bytes, len(found.what)

    freed, things = run(collected())
    note(f"{things} things deleted, {size(freed) or '0 B'} free")


@click.command("pause")
@_ids
@server_options
def pause(ids: tuple[str, ...], work: Work) -> None:
    """Stop pulls that another process does; what has come stays."""
    for id in ids:
        done = run(_pause(id, work))
        note(f"paused: {id} at {size(done) or '0 B'}; go on with: breeze models resume {id}")


async def _pause(id: str, work: Work) -> int:
    from breeze.surfaces.cli._service import client_of

    if work.url:
        async with client_of(work) as client:
            return (await client.pause_pull(id)).done
    async with opened_store(work.config) as store:
        return (await store.pause(id)).done


@click.command("cancel")
@_ids
@server_options
def cancel(ids: tuple[str, ...], work: Work) -> None:
    """Stop pulls and delete what has come of them."""
    for id in ids:
        run(_cancel(id, work))
        note(f"cancelled: {id}")


async def _cancel(id: str, work: Work) -> None:
    from breeze.surfaces.cli._service import client_of

    if work.url:
        async with client_of(work) as client:
            return await client.cancel_pull(id)
    async with opened_store(work.config) as store:
        await store.cancel(id)


COMMANDS = (remove, verify, collect, pause, cancel)
