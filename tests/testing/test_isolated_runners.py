"""Runners pass the conformance kit in processes of their own, too."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from breeze.engine.workers import isolated
from breeze.testing.conformance import check_module, check_runner
from breeze.testing.rule import Limits
from tests.engine.brittle import BrittleRunner

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="workers need Unix sockets")
UNSEEN = {"stream.dropped", "parameters.effect", "parameters.per-request"}
"""Rules that watch what a runner reads, which is read in the other process."""


@pytest.mark.parametrize(
    ("name", "only"),
    [
        ("mock_llm", ("stream", "cancel", "concurrency", "parameters", "load.twice")),
        ("mock_asr", ("stream", "cancel", "concurrency", "inputs")),
        ("llamacpp", ("stream", "cancel", "concurrency", "load.twice")),
        pytest.param("mock_llm", (), marks=pytest.mark.slow),
        pytest.param("pocketsphinx", (), marks=pytest.mark.slow),
    ],
)
async def test_it_passes_the_kit_in_a_process_of_its_own(name: str, only: tuple[str, ...]) -> None:
    kind = check_module(f"breeze.runners.{name}")
    limits = Limits(cycles=5, cycling=1.0)
    report = await check_runner(kind, only=only, limits=limits, through=isolated)
    assert report.ok, report.render()
    unseen = {r.rule for r in report.results if "cannot be seen" in r.message}
    assert unseen == {rule for rule in UNSEEN if not only or rule.startswith(only)}


async def test_the_kit_notices_a_worker_that_cannot_start() -> None:
    class Local(BrittleRunner):
        """Lives in a function, where another process cannot find it."""

    facts: dict[str, Any] = {"on_load": ""}
    report = await check_runner(Local, facts, only=("stream.answers",), through=isolated)
    assert "put the class into a module" in report.results[0].message
