"""What the runner `sherpa` can be told."""

from __future__ import annotations

from pathlib import Path

from breeze.contracts.fields import Choice, choice, integer, number, path, switch, text
from breeze.contracts.parameters import Parameters
from breeze.runners._local_fields import longest_sound, model_folder, models_folder, thread_count
from breeze.runners._sherpa_files import VOICES
from breeze.runners._voice_fields import bit_rate, chunk_length

FAMILIES = (
    "transducer", "nemo_ctc", "zipformer_ctc", "wenet_ctc", "paraformer", "sense_voice", "whisper",
    *VOICES,
)  # fmt: skip


class SherpaParameters(Parameters):
    """Which models are served, of which family, and where utterances end."""

    model_path: Path | None = model_folder("tokens.txt and .onnx files")
    models_dir: Path | None = models_folder()
    family: str = choice(
        "auto",
        [Choice("auto", "Told by its files and its name"), *(Choice(name) for name in FAMILIES)],
        "What kind of model it is",
        category="Model",
        requires_reload=True,
    )
    mode: str = choice(
        "auto",
        [
            Choice("auto", "Told by its name", "Streaming when the name says so"),
            Choice("streaming", "Word by word"),
            Choice("offline", "Utterance by utterance"),
        ],
        "Whether the model listens while somebody speaks",
        category="Model",
        requires_reload=True,
    )
    int8: bool = switch(
        True,
        "Take the files of 8 bit where there are both",
        title="8 bit",
        category="Performance",
        requires_reload=True,
    )
    language: str = text(
        "",
        "Language of the model (BCP 47), or that it is to expect; empty: not said",
        pattern=r"^([A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*)?$",
        category="Model",
        requires_reload=True,
    )
    vad_model: Path | None = path(
        None,
        "A silero_vad.onnx that tells speech from noise for offline models; empty: one in the "
        "folder of the model, else a simpler way",
        title="Voice activity model",
        category="Segments",
        extensions=(".onnx",),
        requires_reload=True,
    )
    silence_ms: int = integer(
        600,
        "Silence that ends a segment",
        low=100,
        high=5000,
        step=100,
        unit="ms",
        title="Silence",
        category="Segments",
        requires_reload=True,
    )
    longest_segment: float = number(
        20.0,
        "A segment ends after this time even without a silence",
        low=2,
        high=120,
        step=1,
        precision=0,
        unit="s",
        category="Segments",
        requires_reload=True,
    )
    threads: int = thread_count()
    max_seconds: int = longest_sound()
    chunk_ms: int = chunk_length()
    bitrate: int = bit_rate()
