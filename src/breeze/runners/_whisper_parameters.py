"""What the runner `whisper` can be told."""

from __future__ import annotations

from pathlib import Path

from breeze.contracts.fields import Choice, choice, integer, number, switch, text
from breeze.contracts.parameters import Parameters
from breeze.runners._local_fields import (
    longest_sound,
    model_folder,
    models_folder,
    silence,
    thread_count,
)


class WhisperParameters(Parameters):
    """Which models are served, and how they listen."""

    model_path: Path | None = model_folder("model.bin, config.json, tokenizer.json")
    models_dir: Path | None = models_folder()
    device: str = choice(
        "cpu",
        [Choice("cpu", "Processor"), Choice("cuda", "CUDA"), Choice("auto", "What is there")],
        "Where the arithmetic is done",
        category="Performance",
        requires_reload=True,
    )
    compute_type: str = choice(
        "default",
        [
            Choice("default", "As stored"),
            Choice("int8", "8 bit", "Smallest, and fastest on most processors"),
            Choice("int8_float16", "8 bit with 16 bit sums"),
            Choice("float16", "16 bit"),
            Choice("float32", "32 bit"),
        ],
        "Numbers of the weights",
        title="Number format",
        category="Performance",
        requires_reload=True,
    )
    threads: int = thread_count()
    task: str = choice(
        "transcribe",
        [
            Choice("transcribe", "Write down", "In the language that is spoken"),
            Choice("translate", "Translate", "Into English"),
        ],
        "What is done with the speech",
        category="Listening",
        per_request=True,
    )
    beam_size: int = integer(
        5,
        "Readings that are followed at once; 1 is fastest",
        low=1,
        high=20,
        category="Listening",
        per_request=True,
    )
    vad: bool = switch(
        True,
        "Leave out what holds no speech before it is listened to",
        title="Voice activity",
        category="Listening",
        per_request=True,
    )
    no_speech_threshold: float = number(
        0.6,
        "How sure the model must be that nobody speaks before a stretch is left out",
        low=0,
        high=1,
        step=0.05,
        precision=2,
        category="Listening",
        per_request=True,
    )
    retries: bool = switch(
        True,
        "Listen again with more chance where the text looks wrong; off is faster",
        category="Listening",
        per_request=True,
    )
    context: bool = switch(
        True,
        "Let what was heard before guide what comes; off keeps one error from spreading",
        category="Listening",
        per_request=True,
    )
    hotwords: str = text(
        "",
        "Words to expect, such as names",
        max_length=2_000,
        category="Listening",
        per_request=True,
    )
    most_tokens: int = integer(
        224,
        "Tokens of one stretch of 30 seconds at most",
        low=1,
        high=440,
        category="Limits",
        per_request=True,
    )
    silence_ms: int = silence("Silence that ends an utterance of a live source")
    max_seconds: int = longest_sound()
