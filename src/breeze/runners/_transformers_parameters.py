"""What the runner `transformers` can be told."""

from __future__ import annotations

from pathlib import Path

from breeze.contracts.fields import Choice, choice, integer, number
from breeze.contracts.parameters import Parameters
from breeze.runners._local_fields import (
    continuation,
    longest_sound,
    model_folder,
    models_folder,
    sampling,
    silence,
    system_message,
    temperature,
    thread_count,
    top_k,
    top_p,
)
from breeze.runners._picture_limits import fetching, most_bytes, most_images, most_pixels
from breeze.runners._voice_fields import bit_rate, chunk_length


class TransformersParameters(Parameters):
    """Which model folders are served and how. Only the operator names folders."""

    model_path: Path | None = model_folder("config.json, tokenizer, .safetensors")
    models_dir: Path | None = models_folder()
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
    threads: int = thread_count()
    prefill: bool = continuation()
    system_prompt: str = system_message()
    max_tokens: int = integer(
        512,
        "Most tokens of an answer when the request names no number",
        category="Sampling",
        low=1,
        high=1_048_576,
        per_request=True,
    )
    temperature: float | None = temperature()
    top_p: float | None = top_p()
    top_k: int | None = top_k()
    repeat_penalty: float | None = sampling(
        number, "Above 1 makes tokens less likely that were there", low=0.1, high=2, step=0.05
    )
    seed: int | None = sampling(
        integer, "Same seed, same answer; empty: another one each time", low=0, high=4_294_967_294
    )
    silence_ms: int = silence("Silence that ends an utterance; each is heard when it has ended")
    max_seconds: int = longest_sound()
    chunk_ms: int = chunk_length()
    bitrate: int = bit_rate()
    fetch_images: str = fetching()
    max_images: int = most_images()
    max_bytes: int = most_bytes()
    max_pixels: int = most_pixels()
