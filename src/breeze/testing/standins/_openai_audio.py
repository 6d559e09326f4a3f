"""Transcriptions in every format, and speech."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from breeze.testing.standins._call import Call
from breeze.testing.standins._media import MIMES, seconds_of, sound
from breeze.testing.standins._reply import Reply, event
from breeze.testing.standins._said import tokens

_STAMP = 0.5
"""Seconds that a heard word takes."""
_PIECES = 4


def transcription(call: Call, task: str) -> Reply:
    """What is heard: how large the file is, half a second a word."""
    file = next(p for p in call.form if p.name == "file")
    heard = f"I heard {len(file.data)} bytes of {file.filename or 'sound'}."
    form = call.value("response_format", "json")
    if call.value("stream") == "true" and not call.value("model").startswith("whisper"):
        return _streamed(heard)
    if form in ("text", "srt", "vtt"):
        text = {"text": _text, "srt": _srt, "vtt": _vtt}[form](heard)
        return Reply.raw(text.encode(), "text/plain; charset=utf-8")
    return Reply.json(_WHOLE[form](heard, task, call))


def _usage(heard: str) -> dict[str, Any]:
    count = len(tokens(heard))
    details = {"audio_tokens": 10, "text_tokens": 0}
    used = {"type": "tokens", "input_tokens": 10, "output_tokens": count}
    return used | {"total_tokens": 10 + count, "input_token_details": details}


def _words(heard: str) -> list[tuple[float, float, str]]:
    return [(i * _STAMP, (i + 1) * _STAMP, w.strip()) for i, w in enumerate(tokens(heard))]


def _json(heard: str, task: str, call: Call) -> Any:
    return {"text": heard, "usage": _usage(heard)}


def _verbose(heard: str, task: str, call: Call) -> Any:
    words, asked = _words(heard), [p.text for p in call.form if "granularities" in p.name]
    end = words[-1][1]
    segment = {
        "id": 0, "seek": 0, "start": 0.0, "end": end, "text": heard, "tokens": [1, 2],
        "temperature": 0.0, "avg_logprob": -0.2, "compression_ratio": 1.0, "no_speech_prob": 0.01,
    }  # fmt: skip
    answer: dict[str, Any] = {
        "task": task, "language": call.value("language", "english"), "duration": end,
        "text": heard, "usage": {"type": "duration", "seconds": round(end)},
    }  # fmt: skip
    if not asked or "segment" in asked:
        answer["segments"] = [segment]
    if "word" in asked:
        answer["words"] = [{"word": w, "start": s, "end": e} for s, e, w in words]
    return answer


def _diarized(heard: str, task: str, call: Call) -> Any:
    words = _words(heard)
    segments = [
        {"id": f"seg_{i}", "type": "transcript.text.segment", "start": s, "end": e,
         "speaker": "AB"[i % 2], "text": w}
        for i, (s, e, w) in enumerate(words)
    ]  # fmt: skip
    told = {"task": task, "duration": words[-1][1], "text": heard}
    return told | {"segments": segments, "usage": _usage(heard)}


_WHOLE: dict[str, Callable[[str, str, Call], Any]] = {
    "json": _json, "verbose_json": _verbose, "diarized_json": _diarized,
}  # fmt: skip


def _text(heard: str) -> str:
    return heard + "\n"


def _clock(seconds: float, point: str) -> str:
    return f"00:00:{int(seconds):02d}{point}{round(seconds % 1 * 1000):03d}"


def _srt(heard: str) -> str:
    end = _words(heard)[-1][1]
    return f"1\n{_clock(0, ',')} --> {_clock(end, ',')}\n{heard}\n\n"


def _vtt(heard: str) -> str:
    end = _words(heard)[-1][1]
    return f"WEBVTT\n\n{_clock(0, '.')} --> {_clock(end, '.')}\n{heard}\n\n"


def _streamed(heard: str) -> Reply:
    deltas = [event({"type": "transcript.text.delta", "delta": w}) for w in tokens(heard)]
    done = event({"type": "transcript.text.done", "text": heard, "usage": _usage(heard)})
    return Reply.sse([*deltas, done], end=b"")


def speech(body: dict[str, Any]) -> Reply:
    """A tone as long as the text, in several pieces."""
    form = body.get("response_format") or "mp3"
    data = sound(body["input"], form)
    if body.get("stream_format") != "sse":
        return Reply.raw(data, MIMES[form], _PIECES)
    size = -(-len(data) // _PIECES)
    parts = [base64.b64encode(data[i : i + size]).decode() for i in range(0, len(data), size)]
    count = len(tokens(body["input"]))
    spent = round(seconds_of(body["input"]) * 50)
    used = {"input_tokens": count, "output_tokens": spent, "total_tokens": count + spent}
    done = event({"type": "speech.audio.done", "usage": used})
    deltas = [event({"type": "speech.audio.delta", "audio": part}) for part in parts]
    return Reply.sse([*deltas, done], end=b"")
