"""What the runner `transformers` can be told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from breeze.contracts.fields import Choice, choice, integer, number, path, switch, text
from breeze.contracts.parameters import Parameters


def _sampling(make: Any, description: str, **facts: Any) -> Any:
    """A field that a caller may override; left out, the model's own recommendation counts."""
    return make(None, description, category="Sampling", per_request=True, **facts)


class TransformersParameters(Parameters):
    """Which model folders are served and how. Only the operator names folders."""

    model_path: Path | None = path(
        None,
        "Folder of a model (config.json, tokenizer, .safetensors); it becomes the default",
        title="Model folder",
        category="Model",
        directory=True,
        requires_reload=True,
    )
    models_dir: Path | None = path(
        None,
        "Folder of such folders, each served under its name",
        title="Models folder",
        category="Model",
        directory=True,
        requires_reload=True,
    )
    device: str = choice(
        "cpu",
        [
            Choice("cpu", "Processor"),
            Choice("cuda", "CUDA", "A graphics card that PyTorch was built for"),
            Choice("mps", "Metal", "The graphics of a Mac"),
        ],
        "Where the arithmetic is done",
        category="Performance",
        requires_reload=True,
    )
    dtype: str = choice(
        "auto",
        [
            Choice("auto", "As stored"),
            Choice("float32", "32 bit"),
            Choice("bfloat16", "16 bit (bfloat16)"),
            Choice("float16", "16 bit (float16)"),
        ],
        "Numbers of the weights; fewer bits take less memory",
        title="Number format",
        category="Performance",
        requires_reload=True,
    )
    threads: int = integer(
        1,
        "Threads for the arithmetic; more help only when that many cores are idle",
        category="Performance",
        low=1,
        high=256,
        requires_reload=True,
    )
    prefill: bool = switch(
        True,
        "Continue an assistant message that ends the conversation, instead of answering it",
        category="Model",
        requires_reload=True,
    )
    system_prompt: str = text(
        "",
        "System message for conversations that have none",
        category="Prompt",
        max_length=20_000,
        per_request=True,
    )
    max_tokens: int = integer(
        512,
        "Most tokens of an answer when the request names no number",
        category="Sampling",
        low=1,
        high=1_048_576,
        per_request=True,
    )
    temperature: float | None = _sampling(
        number, "Randomness; 0 always takes the likeliest token", low=0, high=2, step=0.05
    )
    top_p: float | None = _sampling(
        number, "Draw from the likeliest tokens that make up this share", low=0, high=1, step=0.01
    )
    top_k: int | None = _sampling(
        integer, "Draw from this many tokens; 0 from all", low=0, high=1_000_000
    )
    repeat_penalty: float | None = _sampling(
        number, "Above 1 makes tokens less likely that were there", low=0.1, high=2, step=0.05
    )
    seed: int | None = _sampling(
        integer, "Same seed, same answer; empty: another one each time", low=0, high=4_294_967_294
    )
