"""The ollama runner on a real server that is none of Ollama's: llama.cpp's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import breeze
from breeze.contracts.errors import NotFoundError
from breeze.runners.ollama import OllamaRunner
from tests.runners.ollama_asking import answer, asking, embedding, made, vectors

xllamacpp = pytest.importorskip("xllamacpp")
MODEL = Path(breeze.__file__).parent / "models" / "embedded" / "breeze-tiny-q8_0.gguf"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of llama.cpp's HTTP server, with the embedded model."""
    settings = xllamacpp.CommonParams()
    settings.model.path = str(MODEL)
    settings.n_ctx = 256
    settings.warmup = False
    settings.verbosity = -1
    native: Any = xllamacpp.Server(settings)
    native.handle_metrics()  # answered by its loop: ended before that runs, it would hang
    yield native.listening_address
    del native


@pytest.fixture
async def runner(server: str) -> Any:
    runner = made(base_url=server)
    await runner.load("")
    yield runner
    await runner.unload()


async def test_another_server_is_told_by_what_it_does_not_have(runner: OllamaRunner) -> None:
    """It answers, and in its own words: the runner names the setting that is wrong."""
    for ask in (
        answer(runner, asking(model="auto")),
        answer(runner, asking(model="breeze-tiny")),
        vectors(runner, embedding("a")),
    ):
        with pytest.raises(NotFoundError, match="check base_url.* the runner openai") as told:
            await ask
        assert (told.value.field, told.value.retryable) == ("base_url", False)
