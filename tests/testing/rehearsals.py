"""What the kit needs for runners that work only where something was set up for them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from breeze.config import parse_config
from breeze.contracts.capability import Capability
from breeze.engine.engine import Engine
from breeze.testing.samples import Samples, renewed
from breeze.testing.standins import standin
from tests.http.conftest import serving
from tests.runners import runtime_models, stacking
from tests.runners.programs import TONE, program
from tests.runners.tiny_ears import tiny_ears
from tests.runners.tiny_models import tiny_llama
from tests.runners.tiny_whisper import tiny_whisper
from tests.runners.voices import tone_voice

Rehearsal = Callable[[AsyncExitStack, Path], Awaitable[tuple[dict[str, Any], Samples]]]
"""Sets up what is needed until the stack is closed; the parameters, and requests that suit."""
MOCKS = {
    Capability.LLM: "mock_llm",
    Capability.VLM: "mock_vlm",
    Capability.ASR: "mock_asr",
    Capability.TTS: "mock_tts",
    Capability.GUARDIAN: "mock_guardian",
    Capability.IMAGE: "mock_image",
    Capability.EMBEDDING: "mock_embedding",
}
_MODELS = {
    Capability.ASR: "openai/whisper-large-v3",
    Capability.TTS: "org/tts-1",
    Capability.IMAGE: "org/painter",
    Capability.EMBEDDING: "org/e5-small",
}


async def _huggingface(stack: AsyncExitStack, folder: Path) -> tuple[dict[str, Any], Samples]:
    kind = standin("huggingface")
    vendor = await stack.enter_async_context(kind.serving(strict=False))
    usual = Samples()
    samples = Samples(
        {c: renewed(usual.short(c), model=m) for c, m in _MODELS.items()},
        {c: renewed(usual.long(c), model=m) for c, m in _MODELS.items()},
    )
    return {"base_url": vendor.url, "api_key": vendor.key}, samples


async def _peer(stack: AsyncExitStack, folder: Path) -> tuple[dict[str, Any], Samples]:
    """Another server, which answers with mocks."""
    config = parse_config({"version": "2.0", "defaultStrategy": "MOCK_FIRST"}).config
    server = await stack.enter_async_context(serving(folder, config=config, ledger=False))
    return {"base_url": server.url}, Samples()


async def _replay(stack: AsyncExitStack, folder: Path) -> tuple[dict[str, Any], Samples]:
    """The kit's own samples, answered by mocks and recorded."""
    samples, tapes = Samples(), folder / "tapes"
    async with Engine.open(home=folder, environ={}, ledger=False, record=tapes) as engine:
        for capability, mock in MOCKS.items():
            for sample in (samples.short, samples.long, samples.bare):
                request = renewed(sample(capability), runner=mock, strict=True)
                async with engine.stream(request) as events:
                    async for _ in events:
                        pass
    return {"folder": tapes}, samples


async def _selfhosted_asr(stack: AsyncExitStack, folder: Path) -> tuple[dict[str, Any], Samples]:
    kind = standin("selfhosted_asr")
    vendor = await stack.enter_async_context(kind.serving(strict=False))
    return {"base_url": vendor.url}, Samples()


async def _piper(stack: AsyncExitStack, folder: Path) -> tuple[dict[str, Any], Samples]:
    """A voice that is made here."""
    return {"model_path": tone_voice(folder)}, Samples()


async def _system(stack: AsyncExitStack, folder: Path) -> tuple[dict[str, Any], Samples]:
    """This machine's own programs; where none speaks, one that does."""
    if not any(map(shutil.which, ("say", "espeak-ng", "flite"))):
        program(folder, "espeak-ng", TONE)
        path = os.environ["PATH"]
        stack.callback(os.environ.update, {"PATH": path})
        os.environ["PATH"] = f"{folder}{os.pathsep}{path}"
    return {}, Samples()


async def _transformers(stack: AsyncExitStack, folder: Path) -> tuple[dict[str, Any], Samples]:
    """A model that is made here."""
    return {"model_path": tiny_llama(folder / "tiny")}, Samples()


async def _sherpa(stack: AsyncExitStack, folder: Path) -> tuple[dict[str, Any], Samples]:
    """A model that is made here."""
    return {"model_path": tiny_ears(folder / "streaming-nemo", streaming=True)}, Samples()


async def _whisper(stack: AsyncExitStack, folder: Path) -> tuple[dict[str, Any], Samples]:
    """A model that is made here. It babbles, so it is kept short."""
    model = tiny_whisper(folder / "tiny")
    return {"model_path": model, "most_tokens": 8, "beam_size": 1, "retries": False}, Samples()


async def _llama_stack(stack: AsyncExitStack, folder: Path) -> tuple[dict[str, Any], Samples]:
    return await stacking.rehearsal(stack)


async def _executorch(stack: AsyncExitStack, folder: Path) -> tuple[dict[str, Any], Samples]:
    """The embedded model as a program."""
    return {"model_path": runtime_models.made("executorch") / "model.pte"}, Samples()


async def _mtk_apu(stack: AsyncExitStack, folder: Path) -> tuple[dict[str, Any], Samples]:
    """The same program, on the processor."""
    settings, samples = await _executorch(stack, folder)
    return {**settings, "backend": "portable"}, samples


async def _onnx(stack: AsyncExitStack, folder: Path) -> tuple[dict[str, Any], Samples]:
    """The embedded model in that runtime's form."""
    return {"model_path": runtime_models.made("onnx")}, Samples()


REHEARSALS: dict[str, Rehearsal] = {
    "executorch": _executorch,
    "huggingface": _huggingface,
    "llama_stack": _llama_stack,
    "mtk_apu": _mtk_apu,
    "onnx": _onnx,
    "peer": _peer,
    "piper": _piper,
    "replay": _replay,
    "selfhosted_asr": _selfhosted_asr,
    "sherpa": _sherpa,
    "system": _system,
    "transformers": _transformers,
    "whisper": _whisper,
}
