"""Recognisers of sherpa-onnx, opened from their files, and voice activity by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from breeze.contracts.errors import NotLoadedError
from breeze.runners._sherpa_files import Files, family_of, files_of, streams
from breeze.runners._sherpa_parameters import SherpaParameters

RATE = 16_000


class Recogniser:
    """A loaded model. `streaming`: it listens while somebody speaks."""

    def __init__(self, folder: Path, p: SherpaParameters) -> None:
        files = files_of(folder, p.int8)
        family = family_of(folder, files, p.family)
        self.streaming = streams(folder, p.mode)
        self.language = p.language
        self._vad = p.vad_model or next(iter(sorted(folder.glob("*vad*.onnx"))), None)
        self._silence, self._longest = p.silence_ms / 1000, p.longest_segment
        self.native: Any = (_streaming if self.streaming else _offline)(files, family, p)

    def activity(self) -> Any:
        """A new detector of speech; None when no model for it is set."""
        import sherpa_onnx

        if self._vad is None:
            return None
        silero = sherpa_onnx.SileroVadModelConfig(
            model=str(self._vad),
            min_silence_duration=self._silence,
            max_speech_duration=self._longest,
        )
        config = sherpa_onnx.VadModelConfig(silero_vad=silero, sample_rate=RATE, num_threads=1)
        return sherpa_onnx.VoiceActivityDetector(config, self._longest + 30)

    @property
    def silence(self) -> float:
        """Seconds that end an utterance."""
        return self._silence

    @property
    def longest(self) -> float:
        """Seconds of an utterance at most."""
        return self._longest


def _streaming(files: Files, family: str, p: SherpaParameters) -> Any:
    from sherpa_onnx import OnlineRecognizer

    usual: dict[str, Any] = {
        "tokens": str(files.tokens),
        "num_threads": p.threads,
        "sample_rate": RATE,
        "enable_endpoint_detection": True,
        "rule1_min_trailing_silence": max(2.4, p.silence_ms / 1000),
        "rule2_min_trailing_silence": p.silence_ms / 1000,
        "rule3_min_utterance_length": p.longest_segment,
    }
    if family == "transducer":
        parts = {part: files.path(part) for part in ("encoder", "decoder", "joiner")}
        return OnlineRecognizer.from_transducer(**parts, **usual)
    if family == "paraformer":
        parts = {part: files.path(part) for part in ("encoder", "decoder")}
        return OnlineRecognizer.from_paraformer(**parts, **usual)
    made = {
        "nemo_ctc": OnlineRecognizer.from_nemo_ctc,
        "zipformer_ctc": OnlineRecognizer.from_zipformer2_ctc,
        "wenet_ctc": OnlineRecognizer.from_wenet_ctc,
    }
    if family not in made:
        raise _unfit(family, "streaming", ("transducer", "paraformer", *made))
    return made[family](model=files.path("model"), **usual)


def _offline(files: Files, family: str, p: SherpaParameters) -> Any:
    from sherpa_onnx import OfflineRecognizer

    usual: dict[str, Any] = {"tokens": str(files.tokens), "num_threads": p.threads}
    if family == "transducer":
        parts = {part: files.path(part) for part in ("encoder", "decoder", "joiner")}
        return OfflineRecognizer.from_transducer(**parts, **usual)
    if family == "whisper":
        parts = {part: files.path(part) for part in ("encoder", "decoder")}
        code = p.language.partition("-")[0] or "en"
        return OfflineRecognizer.from_whisper(**parts, language=code, **usual)
    if family == "paraformer":
        return OfflineRecognizer.from_paraformer(paraformer=files.path("model"), **usual)
    if family == "sense_voice":
        code = p.language.partition("-")[0]
        return OfflineRecognizer.from_sense_voice(
            model=files.path("model"), language=code, use_itn=True, **usual
        )
    made = {
        "nemo_ctc": OfflineRecognizer.from_nemo_ctc,
        "zipformer_ctc": OfflineRecognizer.from_zipformer_ctc,
        "wenet_ctc": OfflineRecognizer.from_wenet_ctc,
    }
    if family not in made:
        raise _unfit(family, "offline", tuple(made))
    return made[family](model=files.path("model"), **usual)


def _unfit(family: str, mode: str, known: tuple[str, ...]) -> NotLoadedError:
    return NotLoadedError(
        f"Models of the family {family} are not {mode}: choose from {', '.join(known)}, "
        "or set mode.",
        retryable=False,
    )
