"""`sherpa` behind the engine: one folder of models, of which each request finds one that fits."""

from __future__ import annotations

from pathlib import Path

import msgspec

from breeze.config import parse_config
from breeze.contracts.answers import Speech, Transcription
from breeze.contracts.capability import Capability
from breeze.contracts.model_files import ModelDefinition
from breeze.contracts.requests import SpeakRequest, TranscribeRequest
from breeze.engine.engine import Engine
from breeze.testing.media import pcm
from tests.runners.tiny_ears import TONES, tiny_ears
from tests.runners.tiny_mouths import tiny_mouth

SOUND = pcm(1.0, tone=0) + pcm(0.5, tone=TONES[0]) + pcm(1.5, tone=0)


def pulled(home: Path, id: str, capability: Capability) -> Path:
    """The folder of a model as the store leaves it."""
    folder = home / "models" / id
    folder.mkdir(parents=True)
    made = ModelDefinition(id, "sherpa", capabilities=(capability,))
    (folder / "model.json").write_bytes(msgspec.json.encode(made))
    return folder


async def test_who_names_no_model_gets_one_that_can_do_it(tmp_path: Path) -> None:
    tiny_ears(pulled(tmp_path, "ears-nemo", Capability.ASR), streaming=False)
    tiny_mouth(pulled(tmp_path, "tones", Capability.TTS))
    entry = {"runners": {"sherpa": {"class": "sherpa", "isolation": "none"}}}
    given = parse_config({"version": "2.0", "capabilities": {"ASR": entry, "TTS": entry}})
    async with Engine.open(config=given.config, home=tmp_path, environ={}) as engine:
        heard = await engine.run(TranscribeRequest(audio=SOUND, sample_rate=16_000))
        said = await engine.run(SpeakRequest("Hello there.", strict=True))
    assert isinstance(heard, Transcription)
    assert (heard.runner, heard.text) == ("sherpa", "hello")
    assert isinstance(said, Speech)
    assert said.runner == "sherpa"
    assert said.duration > 0.3
