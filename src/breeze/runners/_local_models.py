"""Which models a local runner serves: those its parameters name, and those that were pulled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from breeze.contracts.capability import Capability
from breeze.contracts.errors import NotFoundError, NotLoadedError, RunnerError
from breeze.contracts.model_files import MANIFEST, ModelDefinition, installed
from breeze.contracts.request import AUTO
from breeze.contracts.runner import ModelInfo


class Found(NamedTuple):
    """A model on this disk: its id, what a runner opens, and what a catalogue says of it."""

    id: str
    path: Path
    definition: ModelDefinition | None = None

    @property
    def size(self) -> int:
        """Bytes of its files; 0 when they cannot be looked at."""
        try:
            files = [self.path, *self.path.glob("**/*")] if self.path.is_dir() else [self.path]
            return sum(file.stat().st_size for file in files if file.is_file())
        except OSError:
            return 0

    def info(self, *capabilities: Capability, **facts: Any) -> ModelInfo:
        """What a caller is told of it: what the catalogue says, its size, and `facts`."""
        if (known := self.definition) is not None:
            facts = {"description": known.description, "licence": known.licence, **facts}
        return ModelInfo(self.id, capabilities, size=self.size, **facts)


class Shelf(NamedTuple):
    """The models of the runner `runner`.

    `given`: the one that its parameters name; `folder`: one of many; `home`: where pulled ones lie.
    `opens(path)` tells what of a file or folder is opened, None when that is no such model.
    `example`: what could be pulled; empty where nothing can. `source`: where models are then.
    """

    runner: str
    given: Path | None
    folder: Path | None
    home: Path | None
    opens: Callable[[Path], Path | None]
    example: str
    source: str = ""

    def models(self) -> tuple[Found, ...]:
        """What is there, the default first; one of each id."""
        found: dict[str, Found] = {}
        for model in self._all():
            found.setdefault(model.id, model)
        return tuple(found.values())

    def _all(self) -> Iterator[Found]:
        if self.given is not None and (path := self.opens(self.given)) is not None:
            yield Found(_id(self.given), path)
        if self.folder is not None:
            yield from self._inside(self.folder)
        if self.home is not None:
            for model in installed(self.home / "models", self.runner):
                if (path := self.opens(model.entry)) is not None:
                    yield Found(model.id, path, model.definition)

    def _inside(self, folder: Path) -> Iterator[Found]:
        """Whatever lies in the folder itself; a link that leads out of it does not."""
        root = folder.resolve()
        try:
            children = sorted(folder.iterdir())
        except OSError:
            return
        for child in children:
            inside = child.resolve().parent == root and child.name != MANIFEST
            if inside and (path := self.opens(child)) is not None:
                yield Found(_id(child), path)

    def lacking(self) -> str | None:
        """Why there is nothing to serve, with the remedy, or None."""
        if self.given is not None and self.opens(self.given) is None:
            return f"{self.given} is no model of its kind (set model_path to one)"
        if self.models():
            return None
        pull = f"run: breeze pull {self.example}, or " if self.example else ""
        where = f"; models: {self.source}" if self.source else ""
        return f"no model is here ({pull}set model_path or models_dir{where})"

    def find(self, model: str) -> Found:
        """The model with this id; the default for none. Raises NotFoundError, NotLoadedError."""
        known = {found.id: found for found in self.models()}
        if model in ("", AUTO) and known:
            return next(iter(known.values()))
        if model in known:
            return known[model]
        raise self._missing(model, list(known))

    def _missing(self, model: str, known: list[str]) -> RunnerError:
        if model in ("", AUTO):
            text = f"{self.runner}: {self.lacking()}."
            return NotLoadedError(text, runner=self.runner, retryable=False)
        names, pull = ", ".join(known) or "none", f"run breeze pull {model}, or "
        return NotFoundError(
            f"{self.runner} has no model {model!r} here; it has {names}: "
            f"{pull if self.example else ''}set model_path or models_dir.",
            field="model",
            runner=self.runner,
        )


def _id(path: Path) -> str:
    """A folder's name, or a file's without its ending."""
    return path.name if path.is_dir() else path.stem
