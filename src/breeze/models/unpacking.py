"""The archives of a pull taken apart, and all of its files brought together in one folder."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from breeze.contracts.errors import DownloadError, InputError
from breeze.models.paths import safe_path
from breeze.models.plan import Plan
from breeze.models.settings import MIB, StoreSettings
from breeze.models.space import check_room
from breeze.models.unpack import Unpacked, common_folder, unpack

_AHEAD = 16 * MIB


class Unpacking:
    """`done` of `total` bytes of the archives are read. `stop` ends it from another thread."""

    def __init__(self, plan: Plan, folder: Path, root: Path, settings: StoreSettings) -> None:
        self._plan = plan
        self._fetched = folder / "files"
        self._place = folder / "unpacked"
        self._root = root
        self._settings = settings
        self._stopped = threading.Event()
        self._before = self._granted = 0
        self._names = set[str]()
        self._archives = [file.path for file in plan.files if file.unpack]
        self.total = sum((self._fetched / path).stat().st_size for path in self._archives)
        self.done = 0

    def stop(self) -> None:
        """`run` ends soon, with InterruptedError."""
        self._stopped.set()

    def run(self) -> tuple[Path, Mapping[str, Unpacked]]:
        """A folder with all files of the model, and what of them was unpacked by its name.

        What was fetched stays where it is; nothing of the folder stays when this fails. Raises
        InputError, DownloadError where there is no room, OSError.
        """
        shutil.rmtree(self._place, ignore_errors=True)  # of a process that was killed
        try:
            return self._all()
        except BaseException:
            shutil.rmtree(self._place, ignore_errors=True)
            raise

    def _all(self) -> tuple[Path, Mapping[str, Unpacked]]:
        model, found = self._place / "model", dict[str, Unpacked]()
        for number, path in enumerate(self._archives):
            inside, self._granted = self._place / str(number), 0
            files = unpack(self._fetched / path, inside, room=self._room, at=self._at)
            self._before += (self._fetched / path).stat().st_size
            top = common_folder([file.path for file in files])
            for file in files:
                name = file.path.removeprefix(top)
                self._put(inside / file.path, model, name)
                found[name] = file
            shutil.rmtree(inside)
        for wanted in self._plan.files:
            if not wanted.unpack:
                self._put(self._fetched / wanted.path, model, wanted.path)
        return model, found

    def _put(self, path: Path, folder: Path, name: str) -> None:
        """A second name for the file, as `name` below `folder`."""
        if name.lower() in self._names:
            raise InputError(f"{name[:120]!r} is there twice, or in another case.", field="model")
        self._names.add(name.lower())
        target = folder / safe_path(name, "model")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, target)
        except OSError:  # a disk without hard links
            shutil.copyfile(path, target)

    def _room(self, told: int, written: int) -> None:
        """Not asked of the disk for each small file."""
        if told <= self._granted:
            return
        self._check(told - written)
        with suppress(DownloadError):
            self._check(told - written + _AHEAD)
            self._granted = told + _AHEAD

    def _check(self, needed: int) -> None:
        check_room(self._root, needed, self._settings, leaving=self.total, how="unpacked")

    def _at(self, position: int) -> bool:
        self.done = self._before + position
        return self._stopped.is_set()
