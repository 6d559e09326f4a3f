"""What is installed and what could be, as tables."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from breeze.surfaces.cli._options import Work
from breeze.surfaces.cli._run import run
from breeze.surfaces.cli._table import show_lines, show_table
from breeze.surfaces.cli._terminal import note
from breeze.surfaces.cli._units import size

if TYPE_CHECKING:
    from breeze.contracts.shelf import OfferedModel, PullStatus, Shelf, StoredModel
    from breeze.models import ModelStore

_INSTALLED = ("model", "runner", "does", "size", "source", "licence", "description")
_MOST_HERE = 12
_OFFERED = ("model", "runner", "does", "memory", "here", "licence", "description")


@asynccontextmanager
async def opened_store(
    config: Path | None = None, *, offline: bool = False
) -> AsyncIterator[ModelStore]:
    """The store of this machine's user. Raises InputError for files that cannot be read."""
    from breeze.config.home import Home
    from breeze.config.reader import read_config
    from breeze.service.shelf import open_store

    home = Home.find(os.environ)
    asked = read_config(config or home.config).config.global_settings.models
    if offline:
        asked = asked.model_copy(update={"offline": True})
    async with open_store(home, os.environ, asked) as store:
        yield store


def show_installed(work: Work) -> None:
    """The models on the disk, the total, and the pulls that are not done."""
    found = run(_shelf(work), json=work.json)
    if work.json:
        show_lines(found.installed)
        return
    show_table(_INSTALLED, [_installed(model) for model in found.installed])
    total = sum(model.size for model in found.installed)
    note(f"{len(found.installed)} models, {size(total) or '0 B'}")
    for pull in found.pulls:
        note(_coming(pull))


def show_here(work: Work) -> None:
    """What is on the disk, in a line each, below what runners serve."""
    found = run(_shelf(work))
    for model in found.installed[:_MOST_HERE]:
        note(f"on this disk: {model.id} for {model.runner or 'no runner'} ({_where(model)})")
    if (more := len(found.installed) - _MOST_HERE) > 0:
        note(f"and {more} more: breeze models --installed")
    for pull in found.pulls:
        note(_coming(pull))


def show_catalogue(work: Work) -> None:
    """The models that can be pulled by name."""
    found = run(_shelf(work), json=work.json)
    if work.json:
        show_lines(found.catalogue)
    else:
        show_table(_OFFERED, [_offered(model) for model in found.catalogue])
        note("fetch one with: breeze pull MODEL")


async def _shelf(work: Work) -> Shelf:
    if work.url:
        from breeze.surfaces.cli._service import client_of

        async with client_of(work) as client:
            return await client.shelf()
    from breeze.service.shelf import shelf

    async with opened_store(work.config) as store:
        return shelf(store)


def _where(model: StoredModel) -> str:
    return "links" if model.links else "built in" if model.built_in else size(model.size)


def _installed(model: StoredModel) -> tuple[object, ...]:
    return (
        model.id, model.runner, ", ".join(model.capabilities), _where(model),
        "" if model.built_in else model.source, model.licence, model.description,
    )  # fmt: skip


def _offered(model: OfferedModel) -> tuple[object, ...]:
    memory = f"{model.ram_gb:g} GB" if model.ram_gb else ""
    return (
        model.id, model.runner, ", ".join(model.capabilities), memory,
        "yes" if model.installed else "", model.licence, model.description,
    )  # fmt: skip


def _coming(pull: PullStatus) -> str:
    share = f"{pull.done / pull.total:.0%} of {size(pull.total)}" if pull.total else size(pull.done)
    why = f" ({pull.problem})" if pull.problem else ""
    rest = f"; go on with: breeze models resume {pull.id}" if pull.stage in _AT_REST else ""
    return f"{pull.id}: {pull.stage}, {share or 'nothing yet'}{why}{rest}"


_AT_REST = ("paused", "stopped", "failed")
