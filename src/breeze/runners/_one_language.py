"""What a model that hears one language, and decodes without chance, does not do as asked."""

from __future__ import annotations

from collections.abc import Iterator

from breeze.contracts.errors import InputError
from breeze.contracts.events import Adjusted
from breeze.contracts.requests import TranscribeRequest


def unmet(
    request: TranscribeRequest, language: str, instead_of_prompt: str = ""
) -> Iterator[Adjusted]:
    """What of `request` is not used as asked. Raises InputError for another language.

    `language`: the model's, empty when unknown. `instead_of_prompt`: what helps in its place.
    """
    asked = request.language.lower()
    if language and asked not in ("", "auto") and asked[:2] != language.lower()[:2]:
        raise InputError(
            f"This model hears {language}, not {request.language}: choose another.",
            field="language",
        )
    if asked not in ("", language.lower(), "en-us"):
        why = "the language is that of the model and is not detected"
        yield Adjusted("language", request.language, language, why)
    if request.prompt:
        hint = f": {instead_of_prompt}" if instead_of_prompt else ""
        yield Adjusted("prompt", request.prompt, "", f"the decoder takes no prompt{hint}")
    if request.temperature is not None:
        yield Adjusted("temperature", request.temperature, None, "decoding has no chance in it")
