"""What an operator and a caller can set on the llama.cpp runner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from breeze.contracts.fields import integer, number, path, switch, text
from breeze.contracts.parameters import Parameters


def _sampling(make: Any, description: str, **facts: Any) -> Any:
    """A field that a caller may override; left out, the model's own recommendation counts."""
    return make(None, description, category="Sampling", per_request=True, **facts)


class LlamaCppParameters(Parameters):
    """Which GGUF files are served and how. Only the operator names files."""

    model_path: Path | None = path(
        None,
        "A GGUF file to serve; it becomes the default model, under its file name",
        category="Model",
        extensions=(".gguf",),
        requires_reload=True,
    )
    models_dir: Path | None = path(
        None,
        "Folder of GGUF files to serve, each under its file name without .gguf",
        title="Models folder",
        category="Model",
        directory=True,
        requires_reload=True,
    )
    n_ctx: int = integer(
        0,
        "Context of one stream, prompt and answer; 0 is the most: what the model was trained with",
        title="Context",
        category="Model",
        low=0,
        high=1_048_576,
        step=256,
        unit="tokens",
        requires_reload=True,
    )
    parallel: int = integer(
        4,
        "Chats at once; each has a context of its own, which takes memory",
        title="Parallel chats",
        category="Performance",
        low=1,
        high=4,
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
    batch: int = integer(
        256,
        "Prompt tokens worked on in one go; a stop takes effect between two",
        category="Performance",
        low=32,
        high=2048,
        step=32,
        unit="tokens",
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
    max_tokens: int | None = _sampling(
        integer, "Most tokens of an answer; empty: to the end of the context", low=1, high=1_048_576
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
    min_p: float | None = _sampling(
        number, "Leave out tokens below this share of the likeliest", low=0, high=1, step=0.01
    )
    repeat_penalty: float | None = _sampling(
        number, "Above 1 makes recently used tokens less likely", low=0.1, high=2, step=0.05
    )
    seed: int | None = _sampling(
        integer, "Same seed, same answer; empty: another one each time", low=0, high=4_294_967_294
    )
