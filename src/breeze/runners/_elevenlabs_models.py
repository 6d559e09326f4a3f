"""The vendor's models, and how long a text each takes."""

from __future__ import annotations

import msgspec

from breeze.contracts.capability import Capability
from breeze.contracts.errors import RunnerError, TooLargeError
from breeze.contracts.runner import ModelInfo
from breeze.runners._elevenlabs_errors import SAYS
from breeze.runners._http import HttpClient
from breeze.runners._pages import Listing

_SHORT = 1000
"""Characters that every model takes: for these nobody is asked."""


class _Language(msgspec.Struct):
    """A language that a model speaks."""

    language_id: str = ""


class _Rates(msgspec.Struct):
    """What a character costs, relative to the usual."""

    character_cost_multiplier: float | None = None


class _Model(msgspec.Struct):
    """One model as it is listed."""

    model_id: str
    name: str | None = None
    description: str | None = None
    can_do_text_to_speech: bool | None = None
    maximum_text_length_per_request: int | None = None
    languages: list[_Language] | None = None
    model_rates: _Rates | None = None

    def info(self) -> ModelInfo:
        rates = self.model_rates or _Rates()
        told = {
            "max_characters": self.maximum_text_length_per_request,
            "character_cost": rates.character_cost_multiplier,
        }
        return ModelInfo(
            self.model_id,
            (Capability.TTS,) if self.can_do_text_to_speech else (),
            self.description or self.name or "",
            languages=tuple(each.language_id for each in self.languages or ()),
            metadata={name: value for name, value in told.items() if value is not None},
        )


async def list_models(http: HttpClient, secrets: tuple[str, ...]) -> tuple[ModelInfo, ...]:
    """The models that speak, in the vendor's order. Raises a RunnerError."""
    found = await Listing(http, secrets, SAYS).read("/v1/models", list[_Model])
    return tuple(info for info in map(_Model.info, found) if info.capabilities)


class Lengths:
    """How long a text each model takes, asked once when it may matter."""

    def __init__(self) -> None:
        self._known: dict[str, int] | None = None

    def learn(self, models: tuple[ModelInfo, ...]) -> None:
        """Take it over from a list of models."""
        limits = {model.id: model.metadata.get("max_characters") for model in models}
        self._known = {name: limit for name, limit in limits.items() if isinstance(limit, int)}

    async def check(
        self, text: str, model: str, http: HttpClient, secrets: tuple[str, ...]
    ) -> None:
        """Raises TooLargeError for a text that `model` does not take."""
        if not model or len(text) <= _SHORT:
            return
        if self._known is None:
            try:
                self.learn(await list_models(http, secrets))
            except RunnerError:
                return  # the vendor judges the text itself
        limit = (self._known or {}).get(model)
        if limit is not None and len(text) > limit:
            raise TooLargeError(
                f"{model} speaks {limit} characters at once, these are {len(text)}: speak them in "
                "parts, or choose a model that takes more.",
                field="text",
                data={"limit": limit, "asked": len(text)},
            )
