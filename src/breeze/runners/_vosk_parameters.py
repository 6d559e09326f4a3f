"""What the runner `vosk` can be told."""

from __future__ import annotations

from pathlib import Path

from breeze.contracts.fields import text
from breeze.contracts.parameters import Parameters
from breeze.runners._local_fields import longest_sound, model_folder, models_folder


class VoskParameters(Parameters):
    """Which models are served, and what may be heard."""

    model_path: Path | None = model_folder("with am/final.mdl or final.mdl")
    models_dir: Path | None = models_folder()
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
    max_seconds: int = longest_sound()
