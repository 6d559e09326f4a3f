"""The names of OpenAI's voices, for runners that have voices of their own.

`voices.json` lists for each name the local voices that come near it, the nearest first.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import msgspec

from breeze.contracts.answers import Adjustment
from breeze.contracts.errors import RunnerError
from breeze.contracts.requests import SpeakRequest

if TYPE_CHECKING:
    from breeze.contracts.fields import Choice
    from breeze.engine.engine import Engine
    from breeze.engine.instances import Instance

VOICES: dict[str, tuple[str, ...]] = msgspec.json.decode(
    Path(__file__).with_suffix(".json").read_bytes(), type=dict[str, tuple[str, ...]]
)
"""Name -> local voices that come near it."""
_listed: WeakKeyDictionary[Instance, frozenset[str]] = WeakKeyDictionary()


async def with_voice(
    engine: Engine, request: SpeakRequest
) -> tuple[SpeakRequest, tuple[Adjustment, ...]]:
    """`request` with a voice that the runner has, and what that changed.

    Only OpenAI's names are looked at, and only when the runner that will answer lists its voices
    and that name is not among them. Where nothing comes near, it is the runner's own voice.
    """
    if request.voice not in VOICES:
        return request, ()
    order = (await engine.explain(request)).order
    known = await _voices(engine.instances[order[0].name]) if order else None
    if known is None or request.voice in known:
        return request, ()
    voice = next((near for near in VOICES[request.voice] if near in known), "")
    why = f"{order[0].name} has voices of its own"
    told = Adjustment("voice", request.voice, voice or None, why)
    return msgspec.structs.replace(request, voice=voice), (told,)


async def _voices(instance: Instance) -> frozenset[str] | None:
    """The voices that `instance` lists, None when it lists none: it may have any."""
    if (known := _listed.get(instance)) is not None:
        return known
    if instance.runner_type is None or instance.parameters is None:
        return None
    facts = instance.parameters.facts.get("voice")
    if facts is None:
        return None
    choices: tuple[Choice, ...] = facts.choices
    if facts.load:
        try:
            choices = await getattr(instance.make(), facts.load)()
        except RunnerError:
            return None
    if choices:
        _listed[instance] = frozenset(choice.key for choice in choices)
    return _listed.get(instance)
