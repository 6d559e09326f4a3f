"""What the runner `vosk` can be told."""

from __future__ import annotations

from pathlib import Path

from breeze.contracts.fields import integer, path, text
from breeze.contracts.parameters import Parameters


class VoskParameters(Parameters):
    """Which models are served, and what may be heard."""

    model_path: Path | None = path(
        None,
        "Folder of a model (with am/final.mdl or final.mdl); it becomes the default",
        title="Model folder",
        category="Model",
        directory=True,
        requires_reload=True,
    )
    models_dir: Path | None = path(
        None,
        "Folder of such folders, each served under its name",
        title="Models folder",
        category="Model",
        directory=True,
        requires_reload=True,
    )
    language: str = text(
        "",
        "Language of the model (BCP 47); empty: told by its name, if at all",
        pattern=r"^([A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*)?$",
        category="Model",
        requires_reload=True,
    )
    phrases: str = text(
        "",
        "Phrases to choose from, one a line or with | between; nothing else is heard then. Models "
        "with a fixed graph hear everything all the same",
        max_length=20_000,
        category="Vocabulary",
        per_request=True,
    )
    max_seconds: int = integer(
        7200,
        "Longest sound of a request",
        low=1,
        high=86_400,
        step=60,
        unit="s",
        title="Longest sound",
        category="Limits",
    )
