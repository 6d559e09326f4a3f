"""Finds runners without importing them: our own folder, and entry points of other packages."""

from __future__ import annotations

import pkgutil
import re
import sys
from collections.abc import Iterable
from functools import cached_property, lru_cache
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from breeze.contracts.capability import Capability
from breeze.contracts.errors import NotFoundError
from breeze.contracts.parameters import unknown_name
from breeze.contracts.runner import Runner
from breeze.engine.rows import ENDING, Row, rows_of, runner_of

GROUP = "breeze.runners"
"""The folder that is searched and the entry-point group, which have the same name."""

_FOLDER = Path(__file__).parent.parent / "runners"
_CAPABILITY_TAIL = re.compile(f"({'|'.join(c.lower() for c in Capability)})$")


class Registry:
    """Runner classes by name. Asking for names imports nothing; `load` imports one.

    `extra`: classes to know beside those found; they win over found ones of the same name.
    `rows`: files of rows (`<runner>.rows.toml`) beside those that lie in the folder.
    """

    def __init__(self, extra: Iterable[type[Runner[Any]]] = (), rows: Iterable[Path] = ()) -> None:
        self._loaded: dict[str, type[Runner[Any]]] = {cls.info.name: cls for cls in extra}
        self._rows = tuple(rows)

    @cached_property
    def _found(self) -> dict[str, str]:
        """Runner name to where its class is: a module of ours, or `package.module:Class`."""
        found = {name: f"{GROUP}.{name}" for name in _modules(_FOLDER.stat().st_mtime_ns)}
        for name, value in _entry_points(tuple(sys.path)):
            found.setdefault(name, value)
        return found

    @cached_property
    def rows(self) -> dict[str, Row]:
        """The runners that are rows of data, by name. A class of the same name wins."""
        files = (*sorted(_FOLDER.glob(f"*{ENDING}")), *self._rows)
        found = {name: row for file in files for name, row in rows_of(file).items()}
        return {name: row for name, row in found.items() if name not in self._found}

    @property
    def names(self) -> tuple[str, ...]:
        """Every runner's name, sorted."""
        return tuple(sorted({*self._found, *self.rows, *self._loaded}))

    def load(self, name: str) -> type[Runner[Any]]:
        """The class called `name`. Raises NotFoundError, or whatever its import raises."""
        if name not in self._loaded and name in self.rows:
            row = self.rows[name]
            self._loaded[name] = runner_of(name, row, self.load(row.base))
        if name not in self._loaded:
            where = self._found.get(name)
            if where is None:
                known = dict.fromkeys(self.names)
                raise NotFoundError(f"No such runner: {unknown_name(name, known)}.", field="runner")
            self._loaded[name] = _runner_class(name, where)
        return self._loaded[name]

    def resolve(self, written: str) -> str | None:
        """The runner meant by a configuration's `class`: a name, or a dotted path of the seeds.

        Of a path only the last segment counts: `….whistle.WhistleTTSRunner` is `whistle`, or
        `whistle_tts` where a runner is called that. None when nothing matches.
        """
        plain = {name.replace("_", ""): name for name in self.names}
        wanted = written.rsplit(".", 1)[-1].replace("_", "").lower().removesuffix("runner")
        return plain.get(wanted) or plain.get(_CAPABILITY_TAIL.sub("", wanted))


@lru_cache(1)
def _modules(changed: int) -> tuple[str, ...]:
    """The runners in our own folder, as it was `changed` last."""
    found = pkgutil.iter_modules([str(_FOLDER)])
    return tuple(module.name for module in found if not module.name.startswith("_"))


@lru_cache(8)
def _entry_points(path: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The runners of packages on `path`, which is `sys.path`: reading them takes a while."""
    return tuple((point.name, point.value) for point in metadata.entry_points(group=GROUP))


def _runner_class(name: str, where: str) -> type[Runner[Any]]:
    module_name, _, attribute = where.partition(":")
    module = import_module(module_name)
    if attribute:
        return _checked(name, getattr(module, attribute))
    for value in vars(module).values():
        if isinstance(value, type) and getattr(getattr(value, "info", None), "name", "") == name:
            return _checked(name, value)
    raise NotFoundError(f"{module_name} holds no runner called {name!r}.", field="runner")


def _checked(name: str, found: Any) -> type[Runner[Any]]:
    if not (isinstance(found, type) and issubclass(found, Runner)):
        raise NotFoundError(f"{found!r} is not a Runner.", field="runner")
    if found.info.name != name:
        raise NotFoundError(
            f"The entry point {name!r} leads to a runner called {found.info.name!r}: "
            "give both the same name.",
            field="runner",
        )
    return found
