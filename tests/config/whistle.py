"""A runner's parameters, and the layers that may set them for the instance `tin`."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr

from breeze.config import Layers, SettingsStore, parse_config
from breeze.contracts.fields import choice, number, secret, switch, text
from breeze.contracts.parameters import Parameters


class Whistle(Parameters):
    api_key: SecretStr = secret("Key", env="WHISTLE_API_KEY", required=True)
    base_url: str = text("https://whistle.example/v1", "Where", env="WHISTLE_URL")
    pitch: float = number(1.0, "Pitch", low=0.5, high=2)
    loud: bool = switch(False, "Loud")
    tunes: tuple[str, ...] = choice((), ["jig", "reel"], "Tunes", multiple=True)


def layers(
    store: SettingsStore,
    environ: dict[str, str] | None = None,
    overrides: dict[str, Any] | None = None,
    others: tuple[str, ...] = (),
) -> Layers:
    names = ("tin", *others)
    config = {"LLM": {"runners": {name: {"class": "whistle"} for name in names}}}
    return Layers(
        parse_config({"capabilities": config}), store, environ or {}, {"tin": overrides or {}}
    )
