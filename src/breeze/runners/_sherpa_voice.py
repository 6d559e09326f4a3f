"""Voices of sherpa-onnx: opened from their files, and sentences spoken with them."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from breeze.contracts.errors import InputError, NotFoundError, NotLoadedError, SynthesisError
from breeze.contracts.events import Adjusted
from breeze.contracts.requests import SpeakRequest
from breeze.runners._sherpa_files import Files, files_of, voice_family
from breeze.runners._sherpa_parameters import SherpaParameters
from breeze.runners._sherpa_phonemes import Phonemes
from breeze.runners._vision_stop import Stop


class Mouth:
    """A loaded voice. Any number of threads may speak with it. `rate` in Hz."""

    def __init__(self, folder: Path, p: SherpaParameters) -> None:
        import sherpa_onnx

        files = files_of(folder, p.int8)
        lexicon = ",".join(map(str, sorted(folder.glob("lexicon*.txt"))))
        model = _model(folder, files, voice_family(folder, p.family), lexicon)
        rules = {
            f"rule_{kind}s": ",".join(map(str, sorted(folder.glob(f"*.{kind}"))))
            for kind in ("fst", "far")
        }
        config = sherpa_onnx.OfflineTtsConfig(
            model=sherpa_onnx.OfflineTtsModelConfig(**model, num_threads=p.threads), **rules
        )
        if not config.validate():
            raise NotLoadedError(
                f"{folder.name} lacks files of its family: pull it again, or set family.",
                retryable=False,
            )
        needs = not lexicon and (folder / "espeak-ng-data").is_dir()
        self._phonemes = Phonemes(folder, p.language) if needs else None
        self._native: Any = sherpa_onnx.OfflineTts(config)
        self.rate = int(self._native.sample_rate)

    @property
    def speakers(self) -> tuple[str, ...]:
        """Names of its speakers; empty where it has one."""
        count = int(self._native.num_speakers)
        return tuple(map(str, range(count))) if count > 1 else ()

    def number(self, name: str) -> int:
        """The number of a speaker, 0 for the voice's own. Raises NotFoundError."""
        if not name:
            return 0
        if name not in self.speakers:
            has = f"it has 0 to {len(self.speakers) - 1}" if self.speakers else "it has only one"
            raise NotFoundError(f"The voice has no speaker {name!r}: {has}.", field="voice")
        return int(name)

    def say(
        self, text: str, speaker: int, speed: float, stop: Stop
    ) -> Generator[tuple[int, bytes]]:
        """Hz and PCM of a sentence, clause by clause as they are made.

        Raises InputError where the voice knows nothing of the text, SynthesisError; nothing more
        comes once stopped.
        """
        speaking = _Speaking(self._native, stop)
        thread = threading.Thread(
            target=speaking.run, args=(text, self._wishes(text, speaker, speed)), daemon=True
        )
        thread.start()
        try:
            said = False
            while (piece := speaking.pieces.get()) is not None:
                said = True
                yield self.rate, piece
        finally:
            speaking.gone = True
            thread.join()
        if speaking.error is not None:
            raise SynthesisError(
                f"sherpa-onnx gave up: {speaking.error}. Say it otherwise."
            ) from speaking.error
        if not said and not stop.gone():
            raise InputError(
                f"The voice knows none of the words of {text[:40]!r}: write it otherwise.",
                field="text",
            )

    def _wishes(self, text: str, speaker: int, speed: float) -> Any:
        import sherpa_onnx

        wishes = sherpa_onnx.GenerationConfig()
        wishes.sid, wishes.speed = speaker, speed
        if self._phonemes is not None:
            wishes.phoneme_codepoints = self._phonemes.of(text)
        return wishes


class _Speaking:
    """One sentence being made in a thread of its own. `pieces` ends with None."""

    def __init__(self, native: Any, stop: Stop) -> None:
        self._native, self._stop = native, stop
        self.pieces: SimpleQueue[bytes | None] = SimpleQueue()
        self.error: Exception | None = None
        self.gone = False

    def run(self, text: str, wishes: Any) -> None:
        try:
            self._native.generate(text, wishes, self._made)
        except (RuntimeError, IndexError, ValueError) as error:  # carried over to the reader
            self.error = error
        finally:
            self.pieces.put(None)

    def _made(self, samples: Any, progress: float) -> int:
        """Takes a piece of sound, -1 to 1; 0 ends the work."""
        import numpy

        if self.gone or self._stop.gone():
            return 0
        whole = numpy.clip(numpy.asarray(samples) * 32_768, -32_768, 32_767)
        if whole.size:
            self.pieces.put(whole.astype("<i2").tobytes())
        return 1


def unspoken(request: SpeakRequest, language: str) -> Iterator[Adjusted]:
    """What of the request is not used as asked. Raises InputError for another language."""
    asked = request.language.lower().replace("_", "-")
    if asked and language and asked[:2] != language.lower()[:2]:
        raise InputError(
            f"This voice speaks {language}, not {request.language}: choose another model.",
            field="language",
        )
    if asked not in ("", language.lower()):
        yield Adjusted("language", request.language, language, "it is what the voice speaks")
    if request.instructions:
        yield Adjusted("instructions", request.instructions, "", "the voice follows none")


def _model(folder: Path, files: Files, family: str, lexicon: str) -> dict[str, Any]:
    """The part of the configuration that names a family's files. Raises NotLoadedError."""
    import sherpa_onnx

    usual: dict[str, str] = {"tokens": str(files.tokens), "lexicon": lexicon}
    model = files.path("model")
    if family == "matcha":
        if "vocoder" not in files.parts:
            raise NotLoadedError(
                f"{folder.name} has no vocoder: put its vocos*.onnx or hifigan*.onnx there.",
                retryable=False,
            )
        vocoder = files.path("vocoder")
        matcha = sherpa_onnx.OfflineTtsMatchaModelConfig(
            acoustic_model=model, vocoder=vocoder, **usual
        )
        return {"matcha": matcha}
    if family in ("kokoro", "kitten"):
        made = {
            "kokoro": sherpa_onnx.OfflineTtsKokoroModelConfig,
            "kitten": sherpa_onnx.OfflineTtsKittenModelConfig,
        }
        return {family: made[family](model=model, voices=str(folder / "voices.bin"), **usual)}
    return {"vits": sherpa_onnx.OfflineTtsVitsModelConfig(model=model, **usual)}
