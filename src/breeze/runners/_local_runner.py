"""What runners with models as files share: finding one, loading it, telling how far that is."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from pathlib import Path
from typing import ClassVar, Generic, Protocol, TypeVar

from breeze.contracts.errors import NotLoadedError, RunnerError
from breeze.contracts.events import Progress
from breeze.contracts.parameters import Parameters
from breeze.contracts.runner import ModelInfo, Runner
from breeze.runners._local_models import Found, Shelf
from breeze.runners._memory import give_back, loaded


class _Files(Protocol):
    """Parameters that say where models lie."""

    @property
    def model_path(self) -> Path | None: ...

    @property
    def models_dir(self) -> Path | None: ...


P = TypeVar("P", bound=Parameters)
T = TypeVar("T")


class Loaded(Generic[T]):
    """A model and what its runtime made of it."""

    def __init__(self, found: Found, native: T) -> None:
        self.found, self.native = found, native

    @property
    def id(self) -> str:
        return self.found.id


class LocalModelRunner(Runner[P], Generic[P, T]):
    """Base of runners that each serve one model, of files on this disk.

    `example`: what to pull where there is no model, empty where nothing can be; `source`: the page
    where models are to be had then. A subclass says
    which files are its models (`_opens`), how one is loaded (`_open`, which blocks), and what is
    told of it (`_about`).
    """

    example: ClassVar[str]
    source: ClassVar[str] = ""

    def __init__(self, parameters: P) -> None:
        super().__init__(parameters)
        self._now: Loaded[T] | None = None

    @staticmethod
    @abstractmethod
    def _opens(path: Path) -> Path | None:
        """What of a file or folder is opened; None when that is no model. Never raises."""

    @abstractmethod
    def _open(self, path: Path) -> T:
        """Load it. What it raises becomes a NotLoadedError."""

    @abstractmethod
    def _about(self, found: Found) -> ModelInfo:
        """What is known of a model without loading it. Blocks."""

    @property
    def _shelf(self) -> Shelf:
        p = _files(self.parameters)
        return Shelf(
            self.info.name,
            p.model_path,
            p.models_dir,
            self.home,
            self._opens,
            self.example,
            self.source,
        )

    def check(self) -> str | None:
        return super().check() or self._shelf.lacking()

    def memory(self, model: str) -> int:
        try:
            return self._shelf.find(model).size + super().memory(model)
        except RunnerError:
            return super().memory(model)

    async def load(self, model: str) -> None:
        found = await asyncio.to_thread(self._shelf.find, model)
        if self._now is not None and self._now.id == found.id:
            return
        await self.unload()
        self.progress(Progress("load", 0, found.size))
        self._now = Loaded(found, await loaded(lambda: self._opened(found)))
        self.progress(Progress("load", found.size, found.size))

    def _opened(self, found: Found) -> T:
        try:
            return self._open(found.path)
        except RunnerError:
            raise
        except ImportError as error:
            raise NotLoadedError(
                f"{self.info.name} is not installed ({error}): run pip install "
                f"'breeze-engine[{self.info.extra}]'.",
                runner=self.info.name,
            ) from error
        except Exception as error:  # a native loader raises anything for a file that is not sound
            raise NotLoadedError(
                f"{found.id} cannot be loaded ({type(error).__name__}: {_first_line(error)}): "
                "pull it again, or set model_path to another.",
                runner=self.info.name,
                model=found.id,
                retryable=False,
            ) from error

    async def unload(self) -> None:
        if self._now is not None:
            self._now = None
            await asyncio.to_thread(give_back)

    async def models(self) -> tuple[ModelInfo, ...]:
        return await asyncio.to_thread(lambda: tuple(map(self._about, self._shelf.models())))

    def _loaded(self) -> Loaded[T]:
        """What is loaded. Raises NotLoadedError."""
        if self._now is None:
            name = self.info.name
            raise NotLoadedError(f"{name} is not loaded: call load first.", runner=name)
        return self._now


def _files(parameters: Parameters) -> _Files:
    """Every subclass has both; a type variable cannot say so."""
    return parameters  # type: ignore[return-value]


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), "")[:300]
