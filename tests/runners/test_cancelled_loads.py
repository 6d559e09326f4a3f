"""A load that is cancelled in its middle: it ends first, and leaves nothing of its model behind."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from breeze.config.model import EngineConfig
from breeze.contracts.requests import ChatRequest
from breeze.contracts.runner import Runner
from breeze.engine.engine import Engine
from breeze.runners._executorch_engine import ProgramEngine
from breeze.runners._llamacpp_server import LlamaServer
from breeze.runners._onnx_chat import OnnxWriter
from breeze.runners._piper_voice import Voice
from breeze.runners._pocketsphinx_ear import Ear as PocketsphinxEar
from breeze.runners._sherpa_model import Recogniser
from breeze.runners._transformers_model import LanguageModel
from breeze.runners._vision_text import TextReader
from breeze.runners._whisper_model import Ear as WhisperEar
from breeze.runners.executorch import ExecutorchRunner
from breeze.runners.llamacpp import LlamaCppRunner
from breeze.runners.mtk_apu import MtkApuRunner
from breeze.runners.onnx import OnnxRunner
from breeze.runners.piper import PiperRunner
from breeze.runners.pocketsphinx import PocketsphinxRunner
from breeze.runners.sherpa import SherpaRunner
from breeze.runners.system_vision import SystemVisionRunner
from breeze.runners.transformers import TransformersRunner
from breeze.runners.whisper import WhisperRunner
from tests.runners.runtime_models import made
from tests.runners.tiny_ears import tiny_ears
from tests.runners.tiny_models import tiny_llama
from tests.runners.tiny_whisper import tiny_whisper
from tests.runners.voices import tone_voice

TRIES = 20
"""A load may be over before anybody sees it begin."""


class Case(NamedTuple):
    """A runner, what it makes when it loads, and the parameters for a model in a folder."""

    runner: type[Runner[Any]]
    native: type[Any]
    given: Callable[[Path], dict[str, Any]] = lambda folder: {}


def program(folder: Path) -> dict[str, Any]:
    return {"model_path": made("executorch") / "model.pte"}


def ears(folder: Path) -> dict[str, Any]:
    return {"model_path": tiny_ears(folder / "streaming-nemo", streaming=True)}


def slow(case: Case) -> Any:
    """One whose libraries take seconds to import."""
    return pytest.param(case, marks=pytest.mark.slow)


CASES = [
    Case(LlamaCppRunner, LlamaServer),
    Case(OnnxRunner, OnnxWriter, lambda folder: {"model_path": made("onnx")}),
    Case(ExecutorchRunner, ProgramEngine, program),
    Case(MtkApuRunner, ProgramEngine, lambda folder: {"backend": "portable", **program(folder)}),
    Case(SherpaRunner, Recogniser, ears),
    Case(PiperRunner, Voice, lambda folder: {"model_path": tone_voice(folder)}),
    slow(
        Case(TransformersRunner, LanguageModel, lambda folder: {"model_path": tiny_llama(folder)})
    ),
    slow(
        Case(WhisperRunner, WhisperEar, lambda folder: {"model_path": tiny_whisper(folder / "w")})
    ),
    Case(PocketsphinxRunner, PocketsphinxEar),
    slow(Case(SystemVisionRunner, TextReader)),
]


def loading(native: type[Any]) -> bool:
    """Whether a thread is at work at making one."""
    frames = sys._current_frames()
    del frames[threading.get_ident()]  # which has these frames among its names: a circle
    codes = {f.f_code for frame in frames.values() for f, _ in traceback.walk_stack(frame)}
    return native.__init__.__code__ in codes


def alive(native: type[Any]) -> int:
    """How many there are."""
    return sum(type(found) is native for found in gc.get_objects())


async def cancelled(runner: Runner[Any], native: type[Any]) -> asyncio.Task[None]:
    """A load that was cancelled while a thread was at work at it."""
    for _ in range(TRIES):
        task = asyncio.create_task(runner.load(""))
        while not task.done():
            if loading(native):
                task.cancel()
                await asyncio.wait([task])
                return task
            await asyncio.sleep(0)
        await task
        await runner.unload()
    raise AssertionError("it was always over too soon")


async def gone(native: type[Any], before: int) -> None:
    """Wait until the thread that freed one has let go of what is left of it."""
    async with asyncio.timeout(10):
        while alive(native) != before:  # noqa: ASYNC110  # a thread's end has no event
            await asyncio.sleep(0)


def _named(case: Case) -> str:
    return f"{case.runner.info.name}-{case.native.__name__}"


@pytest.mark.parametrize("case", CASES, ids=_named)
async def test_a_cancelled_load_ends_first_and_leaves_no_model(case: Case, tmp_path: Path) -> None:
    runner = case.runner(case.runner.parameters_type.of(case.given(tmp_path)))
    before = alive(case.native)

    load = await cancelled(runner, case.native)
    assert load.cancelled()
    assert not loading(case.native)
    assert alive(case.native) == before

    await runner.load("")
    assert alive(case.native) == before + 1
    await runner.unload()
    await gone(case.native, before)


async def test_its_memory_counts_as_taken_until_it_is_free(tmp_path: Path) -> None:
    entry = {"class": "llamacpp", "isolation": "none"}
    config = EngineConfig.model_validate({"capabilities": {"LLM": {"runners": {"mine": entry}}}})
    async with Engine.open(home=tmp_path, config=config, environ={}, ledger=False) as engine:
        before, seen = alive(LlamaServer), 0
        stream = engine.stream(ChatRequest.of("Hello", runner="mine", strict=True))
        reading = asyncio.ensure_future(_read(stream))
        while not loading(LlamaServer):  # noqa: ASYNC110  # a thread's place has no event
            await asyncio.sleep(0)
        reading.cancel()
        while loading(LlamaServer):
            assert sum(status.size for status in engine.runners())
            seen += 1
            await asyncio.sleep(0)
        while sum(status.size for status in engine.runners()):  # noqa: ASYNC110  # likewise
            await asyncio.sleep(0)
        assert seen
        await gone(LlamaServer, before)


async def _read(stream: Any) -> None:
    async with stream as events:
        async for _ in events:
            pass
