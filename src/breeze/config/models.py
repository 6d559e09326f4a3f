"""What config.json may say of models as files."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, StrictBool

from breeze.config.section import Seconds, Section


class ModelsSettings(Section):
    """How models come onto this disk."""

    pull: Literal["ask", "auto"] = Field(
        "ask",
        description="what to do for a model that is not here: say what to pull, or pull it",
    )
    offline: StrictBool = Field(False, description="nothing is fetched")
    quota_gb: Seconds = Field(0.0, description="disk that all models may take; 0 is any")
