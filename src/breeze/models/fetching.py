"""All files of a model, several at once, with what they are together."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path

from breeze.contracts.clock import Clock
from breeze.contracts.model_files import Installed
from breeze.models.disk import digests_of, in_thread
from breeze.models.download import Download
from breeze.models.part import Part
from breeze.models.paths import Places
from breeze.models.plan import Plan, Wanted
from breeze.models.pulling import Meter
from breeze.models.settings import StoreSettings
from breeze.models.space import check_room
from breeze.models.web import Web


class Fetching:
    """The files of `plan` into `folder`. `done`, `total`, `files` and `meter` tell how far it is;
    `begun` that there is room for all of it.

    `old`: the model as it is installed, whose good files are taken over.
    """

    def __init__(
        self, plan: Plan, folder: Path, places: Places, settings: StoreSettings, clock: Clock
    ) -> None:
        self._plan = plan
        self._folder = folder
        self._places = places
        self._settings = settings
        self._clock = clock
        self._saving = asyncio.Lock()
        self._active = self._waiting = 0
        self.done = 0
        self.total = plan.total
        self.files = 0
        self.begun = False
        self.meter = Meter(clock.now())

    def now(self) -> float:
        """The time by which it measures its speed."""
        return self._clock.now()

    async def run(self, web: Web, old: Installed | None) -> None:
        """Fetch what is missing. Raises RunnerError of the first file that fails for good."""
        self.begun = old is not None  # comparing takes its time
        missing = [f for f in self._plan.files if not self._is_here(f)]
        if old is not None:
            missing = [f for f in missing if not await self._taken_over(f, old.folder)]
        have = {file.path: Part(self._folder, file.path).have for file in missing}
        self.done += sum(have.values())
        needed = sum(max(0, file.size - have[file.path]) for file in missing)
        await in_thread(lambda: check_room(self._places.root, needed, self._settings))
        self.begun = True
        queue = sorted(missing, key=lambda file: -file.size)
        async with _first_error() as group:
            for _ in range(min(len(queue), self._settings.parallel)):
                group.create_task(self._some(web, queue))

    async def _some(self, web: Web, queue: list[Wanted]) -> None:
        while queue:
            await self._one(web, queue.pop(0))

    async def _one(self, web: Web, wanted: Wanted) -> None:
        part = Part(self._folder, wanted.path)
        download = Download(
            web, wanted, part, self._settings, self._clock,
            came=self._came, back=self._back, room=self._room, waits=self._waits,
        )  # fmt: skip
        self._active += 1
        try:
            digest = await download.run()
        finally:
            self._active -= 1
        self.files += 1
        await self._note(wanted, digest)

    @property
    def waits(self) -> bool:
        """True while all that is left must be asked for again later."""
        return 0 < self._active == self._waiting

    def _waits(self, change: int) -> None:
        self._waiting += change

    def _came(self, count: int) -> None:
        self.done += count
        self.total = max(self.total, self.done)
        self.meter.add(count)

    def _back(self, count: int) -> None:
        self.done -= count

    def _room(self, count: int) -> None:
        """A size that nobody knew before."""
        self.total = max(self.total, self.done + count)
        check_room(self._places.root, count, self._settings)

    def _is_here(self, wanted: Wanted) -> bool:
        """Whether an earlier process fetched and checked it."""
        file = self._folder / "files" / wanted.path
        if wanted.path not in self._plan.checked or not file.is_file():
            return False
        size = file.stat().st_size
        if wanted.size and size != wanted.size:
            return False
        self.done += size
        self.total = max(self.total, self.done)
        self.files += 1
        return True

    async def _taken_over(self, wanted: Wanted, installed: Path) -> bool:
        """Take a file that is installed, where its digest says that it is the same."""
        old, new = installed / wanted.path, self._folder / "files" / wanted.path
        if not (wanted.sha256 or wanted.blob) or not old.is_file() or old.is_symlink():
            return False
        found = await digests_of(old)
        if (wanted.sha256 or found.sha256) != found.sha256 or (
            (wanted.blob or found.blob) != found.blob
        ):
            return False
        try:
            await in_thread(lambda: _link(old, new))
        except OSError:  # a disk without hard links
            return False
        self.done += wanted.size
        self.files += 1
        await self._note(wanted, found.sha256)
        return True

    async def _note(self, wanted: Wanted, digest: str) -> None:
        self._plan.checked[wanted.path] = digest
        async with self._saving:  # what is written last must know most
            await in_thread(lambda: self._plan.save(self._folder))


def _link(old: Path, new: Path) -> None:
    new.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        new.unlink()
    os.link(old, new)


class _first_error:  # reads as a word of the language
    """A group of tasks that raises the first error itself, not a group of errors."""

    def __init__(self) -> None:
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> asyncio.TaskGroup:
        return await self._group.__aenter__()

    async def __aexit__(self, *error: object) -> None:
        try:
            await self._group.__aexit__(*error)  # type: ignore[arg-type]
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None
