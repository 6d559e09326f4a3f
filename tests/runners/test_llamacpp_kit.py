"""The llama.cpp runner passes the kit with each sort of model, not only with the embedded one."""

from __future__ import annotations

from pathlib import Path

import pytest

from breeze.contracts.capability import Capability
from breeze.runners.llamacpp import LlamaCppRunner
from breeze.testing.conformance import check_runner
from tests.runners.llamacpp_files import write_embedder
from tests.runners.llamacpp_parts import write_ranker, write_seer


@pytest.mark.parametrize(
    ("sort", "parameters", "does"),
    [
        ("seer-q8_0", {}, (Capability.LLM, Capability.VLM)),
        ("embedder", {}, (Capability.EMBEDDING,)),
        ("judge", {"query": "pets"}, (Capability.EMBEDDING,)),
    ],
)
async def test_it_passes_the_kit_with(
    tmp_path: Path, sort: str, parameters: dict[str, str], does: tuple[Capability, ...]
) -> None:
    write_seer(tmp_path)
    write_embedder(tmp_path / "embedder.gguf")
    write_ranker(tmp_path / "judge.gguf")
    values = {"model_path": tmp_path / f"{sort}.gguf", **parameters}
    report = await check_runner(LlamaCppRunner, values, model=sort, capabilities=does)
    assert report.ok, report.render()
