"""OpenAI's transcriptions: what is asked, and what was heard as JSON, SRT and WebVTT."""

from __future__ import annotations

import math
import zlib
from typing import Any

import msgspec

from breeze.contracts.answers import Adjustment, Segment, Transcription
from breeze.contracts.dialects.openai_answer import ours_json
from breeze.contracts.dialects.openai_form import TranscriptionForm, TranslationForm
from breeze.contracts.dialects.openai_languages import code_of, name_of
from breeze.contracts.requests import TranscribeRequest
from breeze.contracts.values import Usage

_UNHEARD = {
    "keywords": "put the expected words in prompt",
    "include": "no runner here gives the log probabilities of its tokens",
    "chunking_strategy": "the runner ends segments where it hears silence",
}


def request_of(form: TranslationForm, **sound: Any) -> TranscribeRequest:
    """The request of a form; `sound` is its `audio` or `file`.

    Without a language it is the runner's own, or what the runner hears.
    """
    words, language = False, ""
    if isinstance(form, TranscriptionForm):
        words = "word" in form.timestamp_granularities
        only = form.languages[0] if len(form.languages) == 1 else ""
        language = code_of(form.language or only)
    ours = msgspec.structs.asdict(form.breeze) if form.breeze is not None else {}
    return TranscribeRequest(
        model=form.model,
        language=language,
        prompt=form.prompt,
        timestamps="word" if words else "segment",
        temperature=form.temperature,
        **sound,
        **ours,
    )


def unheard(form: TranscriptionForm) -> tuple[Adjustment, ...]:
    """What of the form has no effect, and why."""
    found = [
        Adjustment(name, value, None, why)
        for name, why in _UNHEARD.items()
        if (value := getattr(form, name))
    ]
    if len(form.languages) > 1 and not form.language:
        why = "one language can be asked for: give it as language"
        found.append(Adjustment("languages", form.languages, None, why))
    if form.stream and form.response_format != "json":
        why = f"{form.response_format} is answered as a whole: leave response_format out"
        found.append(Adjustment("stream", True, False, why))
    return tuple(found)


def usage_json(usage: Usage | None, seconds: float = 0.0) -> dict[str, Any]:
    """OpenAI's usage: tokens where the runner counts them, else seconds of sound."""
    if usage is None or not usage.total_tokens:
        heard = usage.audio_seconds if usage is not None else 0.0
        return {"type": "duration", "seconds": heard or seconds}
    return {
        "type": "tokens",
        "input_tokens": usage.prompt_tokens,
        "output_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    }


def answer_json(answer: Transcription) -> dict[str, Any]:
    """The short JSON."""
    found = {"text": answer.text, "usage": usage_json(answer.usage, answer.duration)}
    return _with_ours(found, answer)


def verbose_json(answer: Transcription, form: TranslationForm) -> dict[str, Any]:
    """The long JSON: the language, the length, segments and words with their times in seconds.

    What no runner here knows has a neutral value: `seek` 0, `tokens` none, `no_speech_prob` 0.
    """
    seconds = usage_json(answer.usage, answer.duration).get("seconds") or answer.duration
    wanted = form.timestamp_granularities if isinstance(form, TranscriptionForm) else []
    found: dict[str, Any] = {
        "task": "transcribe" if isinstance(form, TranscriptionForm) else "translate",
        "language": name_of(answer.language),
        "duration": seconds,
        "text": answer.text,
        "usage": {"type": "duration", "seconds": seconds},
    }
    if "segment" in wanted or not wanted:
        temperature = form.temperature or 0.0
        heard = enumerate(_said(answer))
        found["segments"] = [_segment(segment, i, temperature) for i, segment in heard]
    if "word" in wanted:
        found["words"] = [
            {"word": word.text, "start": word.start, "end": word.end} for word in answer.words
        ]
    return _with_ours(found, answer)


def _segment(segment: Segment, number: int, temperature: float) -> dict[str, Any]:
    text = segment.text.encode()
    sure = segment.confidence
    return {
        "id": number,
        "seek": 0,
        "start": segment.start,
        "end": segment.end,
        "text": segment.text,
        "tokens": [],
        "temperature": temperature,
        "avg_logprob": math.log(max(sure, 1e-9)) if sure is not None else 0.0,
        "compression_ratio": len(text) / len(zlib.compress(text)),
        "no_speech_prob": 0.0,
    }


def srt(answer: Transcription) -> str:
    """SubRip: numbered cues, a comma before the milliseconds."""
    cues = enumerate(_said(answer), 1)
    return "".join(f"{i}\n{_times(cue, ',')}\n{_line(cue)}\n\n" for i, cue in cues)


def vtt(answer: Transcription) -> str:
    """WebVTT. What would be markup there is written as entities."""
    cues = (f"{_times(cue, '.')}\n{_escaped(_line(cue))}\n\n" for cue in _said(answer))
    return "WEBVTT\n\n" + "".join(cues)


def _said(answer: Transcription) -> list[Segment]:
    return [segment for segment in answer.segments if segment.text.strip()]


def _times(cue: Segment, point: str) -> str:
    return f"{_clock(cue.start, point)} --> {_clock(max(cue.start, cue.end), point)}"


def _clock(seconds: float, point: str) -> str:
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    minutes, second = divmod(whole, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{second:02}{point}{milliseconds:03}"


def _line(cue: Segment) -> str:
    """The text without the line breaks that would end a cue."""
    return " ".join(cue.text.split())


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _with_ours(found: dict[str, Any], answer: Transcription) -> dict[str, Any]:
    ours = ours_json(answer.adjustments)
    return {**found, "breeze": ours} if ours else found
