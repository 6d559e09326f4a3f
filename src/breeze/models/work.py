"""What a pull does, from the question what there is to fetch to the model in its place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from breeze.contracts.clock import Clock
from breeze.contracts.model_files import Installed, ModelDefinition, ModelFile
from breeze.models.catalogue import Catalogue
from breeze.models.disk import in_thread
from breeze.models.fetching import Fetching
from breeze.models.headers import check_header
from breeze.models.paths import Places
from breeze.models.plan import Plan, load_plan
from breeze.models.planning import make_plan
from breeze.models.publish import publish
from breeze.models.pull import Pull, Work
from breeze.models.recognised import file_type, recognise
from breeze.models.reference import Reference
from breeze.models.settings import StoreSettings
from breeze.models.unpack import Unpacked
from breeze.models.unpacking import Unpacking
from breeze.models.web import Web


def pulled(
    pull: Pull,
    asked: Reference,
    places: Places,
    catalogue: Catalogue,
    settings: StoreSettings,
    clock: Clock,
    old: Installed | None,
    allow_pickle: bool | None,
) -> Work:
    """What `pull` is to do. `old`: the model as it is here, when it is fetched again.

    `allow_pickle` None: as whoever began it said.
    """

    async def work() -> Installed:
        async with Web(settings) as web:
            plan = old_plan = load_plan(pull.folder)
            if plan is None or not _goes_on(plan, asked, allow_pickle):
                plan = await make_plan(asked, catalogue, settings, web, clock, bool(allow_pickle))
                await in_thread(lambda: _begin(plan, old_plan, pull.folder))
            fetching = Fetching(plan, pull.folder, places, settings, clock)
            pull.sample = lambda: _show(pull, fetching, plan)
            await fetching.run(web, old)
            _show(pull, fetching, plan)
        pull.sample = lambda: None
        staged = pull.folder / "files"
        unpacked: Mapping[str, Unpacked] = {}
        if any(file.unpack for file in plan.files):
            unpacking = Unpacking(plan, pull.folder, places.root, settings)
            pull.show(stage="unpack", done=0, total=unpacking.total, speed=0.0, eta=None)
            pull.sample = lambda: pull.show(done=unpacking.done)
            staged, unpacked = await in_thread(unpacking.run, unpacking.stop)
            pull.sample = lambda: None
        pull.show(stage="check", speed=0.0, eta=None)
        definition = await in_thread(lambda: _checked(plan, staged, unpacked))
        pull.show(stage="publish")
        return await in_thread(lambda: publish(places.root, staged, definition))

    return work


def _goes_on(plan: Plan, asked: Reference, allow_pickle: bool | None) -> bool:
    """Whether a plan is of what is asked now: leave to be pickled is asked for each time anew."""
    always = plan.definition.metadata.get("allowPickle") is True
    same = allow_pickle is None or always or plan.allow_pickle == allow_pickle
    return same and plan.reference == asked.text and plan.definition.id == asked.id


def _begin(plan: Plan, old: Plan | None, folder: Path) -> None:
    plan.take_over(old, folder)
    plan.save(folder)


def _show(pull: Pull, fetching: Fetching, plan: Plan) -> None:
    if not fetching.begun:
        return
    fetching.meter.tick(fetching.now())
    speed, left = fetching.meter.speed, fetching.total - fetching.done
    pull.show(
        stage="wait" if fetching.waits else "pull",
        done=fetching.done,
        total=fetching.total,
        speed=round(speed, 1),
        eta=round(left / speed, 1) if speed and left >= 0 else None,
        files=fetching.files,
        files_total=len(plan.files),
    )


def _checked(plan: Plan, folder: Path, unpacked: Mapping[str, Unpacked]) -> ModelDefinition:
    """The model as it is: each file looked at, with its size and digest. Raises InputError."""
    files = tuple(
        ModelFile(
            file.path, file.type, tuple(url.partition("?")[0] for url in file.urls),
            size=(folder / file.path).stat().st_size, sha256=plan.checked.get(file.path, ""),
        )
        for file in plan.files
        if not file.unpack
    )  # fmt: skip
    files += tuple(
        ModelFile(name, file_type(name), size=one.size, sha256=one.sha256)
        for name, one in unpacked.items()
    )
    paths = {file.file_name: folder / file.file_name for file in files}
    for path in paths.values():
        check_header(path, allow_pickle=plan.allow_pickle)
    definition = msgspec.structs.replace(plan.definition, files=files)
    if definition.runner or (found := recognise(paths)) is None:
        return definition
    return msgspec.structs.replace(
        definition,
        runner=found.runner,
        capabilities=definition.capabilities or found.capabilities,
        entry_point=found.entry_point,
    )
