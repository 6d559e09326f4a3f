"""One request to hear at work: parts of sound in, transcripts out."""

from __future__ import annotations

from typing import Any

from breeze.contracts.errors import RecognitionError
from breeze.contracts.events import Transcript
from breeze.contracts.requests import TranscribeRequest
from breeze.contracts.threads import Outlet
from breeze.contracts.work import Work
from breeze.runners._heard_parts import Part
from breeze.runners._transformers_ears import Ear, Heard
from breeze.runners._vision_stop import Stopped


class Hearing:
    """Hears the parts of one sound in order. `seconds`: sound heard so far."""

    def __init__(self, ear: Ear, request: TranscribeRequest, seed: int | None, work: Work) -> None:
        self._ear, self._request, self._seed, self._work = ear, request, seed, work
        self._segments = self._words = 0
        self._language, self.seconds = "", 0.0

    def hear(self, part: Part, outlet: Outlet[Transcript]) -> None:
        """Send what is heard in a part: the text as it grows, then the whole. Blocks."""
        self.seconds = max(self.seconds, part.start + part.seconds)
        shown = ""

        def told(text: str) -> bool:
            nonlocal shown
            self._work.steps += 1
            if text == shown:
                return not outlet.closed
            shown = text
            return outlet.send(self._transcript(Heard(text), part, final=False))

        with self._ear.turn(outlet) as mine:
            if mine:
                heard = self._tried(part, told)
                self._work.steps += 1
                if heard.text or shown:
                    outlet.send(self._transcript(heard, part, final=True))

    def _tried(self, part: Part, told: Any) -> Heard:
        try:
            return self._ear.hear(part, self._request, self._seed, told)
        except Stopped:
            raise
        except (RuntimeError, ValueError, IndexError) as error:  # sound that a model cannot take
            raise RecognitionError(f"The model gave up: {error}. Send other sound.") from error

    def _transcript(self, heard: Heard, part: Part, *, final: bool) -> Transcript:
        count, index = len(heard.words) or len(heard.text.split()), self._segments
        asked = self._request.timestamps
        if final:
            self._segments, self._words = index + 1, self._words + count
            self._language = heard.language or self._language
        return Transcript(
            heard.text,
            final,
            index,
            start=round(part.start, 3) if asked != "none" else 0.0,
            end=round(part.start + part.seconds, 3) if asked != "none" else 0.0,
            confidence=heard.confidence,
            language=heard.language,
            words=heard.words if asked == "word" else (),
            metadata={
                "is_final": final,
                "segment_index": index,
                "audio_duration_processed_ms": round(self.seconds * 1000),
                "words_recognized": self._words + (0 if final else count),
            },
        )

    def facts(self) -> dict[str, Any]:
        """What the end of the stream tells."""
        facts: dict[str, Any] = {
            "audio_duration_processed_ms": round(self.seconds * 1000),
            "words_recognized": self._words,
        }
        return facts | ({"language_detected": self._language} if self._language else {})
