"""Every runner that Breeze ships passes the conformance kit. None is skipped."""

from __future__ import annotations

import pkgutil
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

import breeze.runners
from breeze.contracts.capability import Capability
from breeze.engine.workers import isolated
from breeze.testing.conformance import check_module, check_runner
from breeze.testing.samples import Samples
from breeze.testing.standins import names, standin
from tests.runners import runware_samples
from tests.testing.rehearsals import REHEARSALS

SHIPPED = sorted(
    module.name
    for module in pkgutil.iter_modules(breeze.runners.__path__)
    if not module.name.startswith("_")
)
SETTINGS: dict[str, dict[str, Any]] = {
    "elevenlabs": {"transcription_model": "scribe_v2"},
    "openai": {"capabilities": tuple(Capability)},
    "runware": {"rate_limit_delay": 0, "delivery": "sync"},
}
"""Parameters beside the address and the key of the stand-in, which plays all there is."""
SAMPLES: dict[str, Samples] = {"runware": Samples(**runware_samples.SAMPLES)}
"""Requests for runners that the built-in ones do not suit."""

MODEL_MISSING = {"vosk"}
"""Runners for which the tests can make no model: what needs none must hold all the same."""

EXITS = {"sherpa"}
"""Runners whose library ends the process for a model of another family than was said."""

UNREAD = {
    "onnx": "what may read normalise is left out",
    "transformers": "what may read bitrate, chunk_ms, fetch_images, max_bytes, max_images, "
    "max_pixels, max_seconds, silence_ms is left out",
}
"""What nothing reads with the model at work here; the runner's own tests see it read."""


@pytest.mark.parametrize("name", SHIPPED)
def test_a_file_and_its_runner_have_one_name(name: str) -> None:
    assert check_module(f"breeze.runners.{name}").info.name == name


@pytest.mark.parametrize("name", SHIPPED)
async def test_it_passes_the_kit(name: str, tmp_path: Path) -> None:
    kind = check_module(f"breeze.runners.{name}")
    async with AsyncExitStack() as stack:
        settings, samples = SETTINGS.get(name, {}), SAMPLES.get(name)
        if name in REHEARSALS:
            settings, samples = await REHEARSALS[name](stack, tmp_path)
        elif name in names():
            vendor = await stack.enter_async_context(standin(name).serving(strict=False))
            settings = {"base_url": vendor.url, "api_key": vendor.key, **settings}
        through = isolated if name in EXITS else None
        report = await check_runner(kind, settings, samples=samples, through=through)
    failed = {result.rule for result in report.results if result.status == "fail"}
    assert failed == ({"info.available"} if name in MODEL_MISSING else set()), report.render()
    (effect,) = (result for result in report.results if result.rule == "parameters.effect")
    assert (effect.message if "left out" in effect.message else "") == UNREAD.get(name, "")
