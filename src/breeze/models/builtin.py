"""What ships with the engine: the embedded model, and a catalogue of models to pull."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from breeze.contracts.model_files import Installed, ModelDefinition
from breeze.models.catalogue import Catalogue

EMBEDDED = "embedded"
"""The source of models that lie inside the package, and the folder there."""


def catalogue(*own: Path) -> Catalogue:
    """The models that can be pulled: ours, then those of the files `own`. Raises InputError.

    Of two with one id that of the later file counts; files that are not there say nothing.
    """
    return Catalogue(m for m in _all(*own).values() if m.source != EMBEDDED)


def embedded() -> tuple[Installed, ...]:
    """The models that came with the engine: always there."""
    folder = Path(str(files("breeze.models"))) / EMBEDDED
    return tuple(
        Installed(m, folder)
        for m in _all().values()
        if m.source == EMBEDDED and all((folder / f.file_name).is_file() for f in m.files)
    )


def _all(*own: Path) -> dict[str, ModelDefinition]:
    ours = Path(str(files("breeze.models"))) / "catalogue.json"
    return dict(Catalogue.read(ours, *own))
