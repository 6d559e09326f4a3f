"""What an operator and a caller can set on the ONNX runner."""

from __future__ import annotations

from pathlib import Path

from breeze.contracts.fields import choice, integer, number, path, switch
from breeze.contracts.parameters import Parameters
from breeze.runners._local_fields import (
    longest_answer,
    prompt_batch,
    sampling,
    system_message,
    temperature,
    thread_count,
    top_k,
    top_p,
)


class OnnxParameters(Parameters):
    """Which ONNX models are served and how. Only the operator names folders."""

    model_path: Path | None = path(
        None,
        "Folder of a model to serve; it becomes the default model, under the folder's name",
        category="Model",
        directory=True,
        requires_reload=True,
    )
    models_dir: Path | None = path(
        None,
        "Folder of model folders to serve, each under its folder's name",
        title="Models folder",
        category="Model",
        directory=True,
        requires_reload=True,
    )
    provider: str = choice(
        "cpu",
        (),
        "Where the arithmetic is done; the list holds what this machine's runtime offers",
        title="Execution provider",
        load="providers",
        category="Performance",
        requires_reload=True,
    )
    threads: int = thread_count()
    batch: int = prompt_batch(64, step=8, requires_reload=True)
    n_ctx: int = integer(
        0,
        "Most tokens of prompt and answer together; 0 is the most that the model takes",
        title="Context",
        category="Model",
        low=0,
        high=1_048_576,
        step=256,
        unit="tokens",
        requires_reload=True,
    )
    normalise: bool = switch(
        True,
        "Scale vectors to length 1, so that their product is their likeness",
        category="Embeddings",
        requires_reload=True,
    )
    system_prompt: str = system_message()
    max_tokens: int | None = longest_answer()
    temperature: float | None = temperature()
    top_p: float | None = top_p()
    top_k: int | None = top_k()
    repeat_penalty: float | None = sampling(
        number, "Above 1 makes used tokens less likely", low=0.1, high=2, step=0.05
    )
    seed: int | None = sampling(
        integer, "Same seed, same answer; empty: another one each time", low=0, high=2_147_483_647
    )
