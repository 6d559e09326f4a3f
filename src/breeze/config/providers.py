"""The block `providers:` of the seeds' plans, as instances of a configuration.

providers:
  image:
    NAME:                 # a runner, which is also the name of the instance
      api_key: "…"        # its parameters, and `model` for the model
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from breeze.contracts.capability import Capability
from breeze.contracts.parameters import unknown_name

_KINDS = {
    "image": Capability.IMAGE, "text": Capability.LLM, "llm": Capability.LLM,
    "chat": Capability.LLM, "vision": Capability.VLM, "vlm": Capability.VLM,
    "speech": Capability.TTS, "tts": Capability.TTS, "transcription": Capability.ASR,
    "asr": Capability.ASR, "moderation": Capability.GUARDIAN, "guardian": Capability.GUARDIAN,
    "embedding": Capability.EMBEDDING,
}  # fmt: skip
KEY = "providers"


def has_providers(data: dict[str, Any]) -> bool:
    """Whether a configuration has such a block."""
    return KEY in data


def provider_problems(data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The path of everything that is wrong with the block, and what it is."""
    block = data[KEY]
    if not isinstance(block, dict):
        yield KEY, "must be kinds of work, each with providers by name"
        return
    for kind, named in block.items():
        if kind not in _KINDS:
            yield f"{KEY}.{kind}", unknown_name(str(kind), _KINDS)
        elif not isinstance(named, dict):
            yield f"{KEY}.{kind}", "must be providers by name"
        else:
            for name, values in named.items():
                if not isinstance(values, dict | None):
                    yield f"{KEY}.{kind}.{name}", "must be its settings by name"
                elif values and not isinstance(values.get("model", ""), str):
                    yield f"{KEY}.{kind}.{name}.model", "must be text"
                elif _taken(data, _KINDS[kind], name):
                    yield f"{KEY}.{kind}.{name}", "is configured under capabilities, too"


def without_providers(data: dict[str, Any]) -> dict[str, Any]:
    """The configuration that `data` means, the block being sound."""
    made: dict[str, Any] = {name: value for name, value in data.items() if name != KEY}
    capabilities = dict(made.get("capabilities") or {})
    for kind, named in data[KEY].items():
        entry = dict(capabilities.get(_KINDS[kind]) or {})
        runners = dict(entry.get("runners") or {})
        runners |= {name: _instance(name, values or {}) for name, values in named.items()}
        capabilities[_KINDS[kind]] = {**entry, "runners": runners}
    return {**made, "capabilities": {str(name): value for name, value in capabilities.items()}}


def _instance(name: str, values: dict[str, Any]) -> dict[str, Any]:
    parameters = {key: value for key, value in values.items() if key != "model"}
    model = {"modelId": values["model"]} if values.get("model") else {}
    return {"class": name, **model, "parameters": parameters}


def _taken(data: dict[str, Any], capability: Capability, name: str) -> bool:
    capabilities = data.get("capabilities")
    entry = capabilities.get(capability) if isinstance(capabilities, dict) else None
    runners = entry.get("runners") if isinstance(entry, dict) else None
    return isinstance(runners, dict) and name in runners
