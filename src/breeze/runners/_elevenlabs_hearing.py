"""What was heard: words with times, cut into segments."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import msgspec

from breeze.contracts.errors import ProcessingError
from breeze.contracts.events import Finish, TranscribeEvent, Transcript
from breeze.contracts.requests import TranscribeRequest
from breeze.contracts.unreadable import UNREADABLE
from breeze.contracts.values import Usage, Word
from breeze.runners._elevenlabs_errors import SAYS
from breeze.runners._elevenlabs_languages import tag_of
from breeze.runners._http_answer import Answer
from breeze.runners._http_errors import reported

_ENDS = (".", "!", "?", "\u2026", "\u3002", "\uff01", "\uff1f", "\u061f", "\u0964")
"""What sentences end with, in the scripts that have such a mark."""


class _Heard(msgspec.Struct):
    """A word, the space between two, or a sound that is none."""

    text: str = ""
    type: str | None = None
    start: float | None = None
    end: float | None = None
    logprob: float | None = None
    speaker_id: str | None = None

    @property
    def confidence(self) -> float | None:
        return None if self.logprob is None else min(1.0, math.exp(min(self.logprob, 0.0)))


class _Answer(msgspec.Struct):
    """All that was heard."""

    text: str | None = None
    language_code: str | None = None
    language_probability: float | None = None
    words: list[_Heard] | None = None
    audio_duration_secs: float | None = None
    detail: Any = None
    """An error that calls itself a success."""


def heard(
    answer: Answer, request: TranscribeRequest, model: str, secrets: tuple[str, ...]
) -> list[TranscribeEvent]:
    """The events of an answer: a final transcript for each segment, the usage and the end."""
    try:
        found = msgspec.json.decode(answer.body(), type=_Answer)
    except UNREADABLE as error:
        raise _malformed(answer.where, str(error)) from error
    if found.detail:
        said = {"detail": found.detail}
        raise reported(said, answer, secrets=secrets, field="audio", says=SAYS)
    if found.text is None:
        raise _malformed(answer.where, "it holds no text")
    language = tag_of(found.language_code or "", request.language)
    groups = list(_segments(found.words or ()))
    if groups and request.timestamps != "none":
        finals = [
            _transcript(i, group, language, words=request.timestamps == "word")
            for i, group in enumerate(groups)
        ]
    else:
        finals = [Transcript(found.text, True, language=language)] if found.text else []
    seconds = found.audio_duration_secs or max((t.end for t in finals), default=0.0)
    facts = _facts(found, language, seconds)
    return [
        *finals,
        Usage(audio_seconds=round(seconds, 3)),
        Finish(metadata={"model_name": model, **facts}),
    ]


def _malformed(where: str, why: str) -> ProcessingError:
    return ProcessingError(f"{where} sent no transcript: {why}.", detail="malformed")


def _facts(found: _Answer, language: str, seconds: float) -> dict[str, Any]:
    sure = [
        h.confidence for h in found.words or () if h.type == "word" and h.confidence is not None
    ]
    return {
        "language_detected": language,
        "words_recognized": sum(h.type == "word" for h in found.words or ()),
        "audio_length_ms": round(seconds * 1000),
        **({"overall_confidence": round(sum(sure) / len(sure), 4)} if sure else {}),
    }


def _segments(words: Iterable[_Heard]) -> Iterable[list[_Heard]]:
    """Cut at the space after the end of a sentence, and where another one speaks."""
    group: list[_Heard] = []
    for word in words:
        last = group[-1] if group else None
        if word.type == "spacing":
            if last is not None and last.text.endswith(_ENDS):
                yield group
                group = []
            elif last is not None:
                group.append(word)
            continue
        spoken = next((h for h in reversed(group) if h.type != "spacing"), None)
        if spoken is not None and spoken.speaker_id != word.speaker_id:
            yield group
            group = []
        group.append(word)
    if any(word.text.strip() for word in group):
        yield group


def _transcript(index: int, group: list[_Heard], language: str, *, words: bool) -> Transcript:
    spoken = [h for h in group if h.type != "spacing"]
    start = next((h.start for h in spoken if h.start is not None), 0.0)
    end = max([start, *(h.end for h in spoken if h.end is not None)])
    sure = [h.confidence for h in spoken if h.confidence is not None]
    speaker = spoken[0].speaker_id if spoken else None
    return Transcript(
        "".join(h.text for h in group).strip(),
        True,
        index,
        start,
        end,
        sum(sure) / len(sure) if sure else None,
        language,
        tuple(_word(h, start) for h in spoken if h.type != "audio_event") if words else (),
        metadata={"speaker_id": speaker} if speaker else None,
    )


def _word(found: _Heard, otherwise: float) -> Word:
    start = otherwise if found.start is None else max(found.start, 0.0)
    end = start if found.end is None else max(found.end, start)
    return Word(found.text, start, end, found.confidence)
