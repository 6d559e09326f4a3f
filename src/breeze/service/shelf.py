"""The store of models as an operator sees it: what is installed, what is offered, what comes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from breeze.config.home import Home
from breeze.config.models import ModelsSettings
from breeze.contracts.errors import InputError
from breeze.contracts.events import Finish, Progress
from breeze.contracts.model_files import Installed
from breeze.contracts.shelf import OfferedModel, PullStatus, Shelf, StoredModel
from breeze.models import ModelStore, StoreSettings
from breeze.models.builtin import catalogue, embedded
from breeze.models.pulling import Pulling


def open_store(
    home: Home, environ: Mapping[str, str], asked: ModelsSettings | None = None
) -> ModelStore:
    """The store below `home`, with its catalogue. Nothing is touched yet. Raises InputError."""
    settings, asked = StoreSettings.from_environ(environ), asked or ModelsSettings()
    settings = settings._replace(
        offline=settings.offline or asked.offline, quota=int(asked.quota_gb * 1e9)
    )
    return ModelStore(home.models, catalogue=catalogue(home.catalogue), settings=settings)


def shelf(store: ModelStore) -> Shelf:
    """Everything of `store`, the embedded model included. Reads folders; asks nobody."""
    built_in = embedded()
    here = (*built_in, *store.models())
    known = {model.id for model in here}
    return Shelf(
        tuple(stored(store, m, built_in=m in built_in) for m in here),
        tuple(
            OfferedModel(
                id=m.id, runner=m.runner, capabilities=m.capabilities, ram_gb=m.ram_gb,
                source=m.source, licence=m.licence, description=m.description,
                installed=m.id in known,
            )
            for m in store.catalogue.values()
        ),
        tuple(status(pull) for pull in store.pulls()),
    )  # fmt: skip


def stored(store: ModelStore, model: Installed, *, built_in: bool = False) -> StoredModel:
    """A model on the disk, with what it takes there."""
    told = model.definition
    size = sum(file.size for file in told.files) if built_in else store.size(model.id)
    size = 0 if told.links else size
    return StoredModel(
        id=model.id, runner=told.runner, capabilities=told.capabilities, size=size,
        context=told.context, source=told.source, licence=told.licence,
        description=told.description, links=told.links, built_in=built_in,
    )  # fmt: skip


def status(pull: Pulling) -> PullStatus:
    """How far a pull is."""
    return PullStatus(
        id=pull.id, stage=pull.stage, done=pull.done, total=pull.total, speed=pull.speed,
        eta=pull.eta, problem=pull.problem,
    )  # fmt: skip


async def pulled(
    store: ModelStore,
    reference: str,
    *,
    id: str = "",
    again: bool = False,
    allow_pickle: bool = False,
) -> AsyncGenerator[Progress | Finish]:
    """Fetch a model, to be called `id`: Progress in bytes, then one Finish. Raises RunnerError.

    Closing this ends the watching; the download goes on until it is paused or cancelled.
    """
    if any(model.id == reference.strip() for model in embedded()):
        yield Finish(metadata={"model_name": reference.strip()})
        return
    events = store.pull(reference, id=id, again=again, allow_pickle=allow_pickle)
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Installed):
                yield Finish(metadata={"model_name": event.id})
            else:
                yield Progress(
                    event.stage, float(event.done), float(event.total), event.eta,
                    metadata={"model_name": event.id, "bytes_per_second": round(event.speed)},
                )  # fmt: skip


async def resumed(store: ModelStore, id: str) -> AsyncGenerator[Progress | Finish]:
    """Go on with a pull that rests, as `pulled` does. Raises NotFoundError when there is none."""
    again = any(model.id == id for model in store.models())
    pull = await store.resume(id)
    async with aclosing(pulled(store, pull.source, id=id, again=again)) as events:
        async for event in events:
            yield event


async def removed(store: ModelStore, id: str) -> int:
    """Remove a model; bytes that are free now. Raises InputError for one that is built in."""
    if any(model.id == id for model in embedded()):
        raise InputError(f"{id} came with the engine and stays with it.", field="model", model=id)
    return await store.remove(id)
