"""Servers for recognition that people run: the form of OpenAI's interface, or the sound as body.

Profiles: `form` (Whisper servers), `plain` (the same, but it tells no times and lists no models),
`raw` (`/transcribe` and `/asr`, which take the sound alone).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from breeze.testing.standins._said import tokens
from breeze.testing.standins._server import Call, Handler, Reply, Standin

MODEL = "parrot-whisper"
_PER_WORD = 0.25
"""Seconds of a word."""
_STATUS = {
    "authentication": 401, "permission": 403, "quota": 402, "rate_limit": 429,
    "invalid_input": 422, "context": 413, "not_found": 404, "timeout": 504, "network": 502,
    "model_not_loaded": 503, "content_blocked": 400, "overloaded": 503,
}  # fmt: skip
_WORDS = {
    "authentication": "Invalid API key",
    "rate_limit": "Too many requests",
    "invalid_input": "file: the audio could not be decoded",
    "context": "The file is too large",
    "not_found": "Model 'unknown' is not installed locally",
    "model_not_loaded": "Model is loading",
    "content_blocked": "Refused by the content policy (content_policy_violation)",
}


class SelfhostedASRStandin(Standin):
    """What is heard follows from the sound: how many bytes, and how they begin."""

    name = "selfhosted_asr"
    prefix = ""
    capability = "ASR"
    profiles: ClassVar[tuple[str, ...]] = ("form", "plain", "raw")

    def routes(self) -> Mapping[str, Handler]:
        if self.profile == "raw":
            return {"GET /health": self._health, "POST /transcribe": self._raw,
                    "POST /asr": self._raw}  # fmt: skip
        found: dict[str, Handler] = {"POST /v1/audio/transcriptions": self._form}
        if self.profile == "form":
            found |= {"GET /health": self._health, "GET /v1/models": self._models}
        return found

    def usual_model(self) -> str:
        return MODEL if self.profile == "form" else ""

    def authorised(self, call: Call) -> bool:
        """Most have no keys: a wrong one is refused, none is not."""
        given = call.headers.get("authorization")
        return given is None or super().authorised(call)

    def refusal(self, kind: str, call: Call) -> Reply:
        reply = Reply.json(
            {"detail": _WORDS.get(kind, f"{kind} (stand-in)")}, _STATUS.get(kind, 500)
        )
        return reply.having(retry_after="1") if kind in ("rate_limit", "overloaded") else reply

    async def _health(self, call: Call) -> Reply:
        return Reply.json({"status": "ok"})

    async def _models(self, call: Call) -> Reply:
        return Reply.json({"object": "list", "data": [{"id": MODEL, "object": "model"}]})

    async def _form(self, call: Call) -> Reply:
        sound = next(part.data for part in call.form if part.name == "file")
        language, form = call.value("language", "en"), call.value("response_format", "json")
        text = _said(sound, language)
        if call.value("stream") == "true":
            events: list[Any] = [
                {"type": "transcript.text.delta", "delta": word} for word in tokens(text)
            ]
            return Reply.sse([*events, {"type": "transcript.text.done", "text": text}], end=b"")
        if form == "text":
            return Reply.raw(f"{text}\n".encode(), "text/plain; charset=utf-8")
        if form == "json" or self.profile == "plain":
            return Reply.json({"text": text})
        kinds = {p.text for p in call.form if p.name.startswith("timestamp_granularities")}
        return Reply.json(_timed(text, language, words="word" in kinds))

    async def _raw(self, call: Call) -> Reply:
        language = call.query.get("language", ["auto"])[0]
        text = _said(call.body, language)
        half = len(text) // 2
        chunks = [
            {"text": text[:half], "timestamp": [0.0, 1.0]},
            {"text": text[half:], "timestamp": [1.0, 2.0]},
        ]
        facts = {"language": language, "processing_time": 0.25, "sample_rate": 16_000}
        return Reply.json({"text": text, "chunks": chunks, "server_model": MODEL} | facts)


def _said(sound: bytes, language: str) -> str:
    return f"In {language} I hear {len(sound)} bytes that begin with {sound[:4].hex()}."


def _timed(text: str, language: str, *, words: bool) -> dict[str, Any]:
    spoken = [word.strip() for word in tokens(text)]
    times = [
        {"word": word, "start": i * _PER_WORD, "end": (i + 1) * _PER_WORD}
        for i, word in enumerate(spoken)
    ]
    middle = len(spoken) // 2
    parts = ((0, middle), (middle, len(spoken)))
    segments = [
        {"id": i, "text": " " + " ".join(spoken[a:b]), "start": a * _PER_WORD,
         "end": b * _PER_WORD, "avg_logprob": -0.1}
        for i, (a, b) in enumerate(parts)
    ]  # fmt: skip
    duration = len(spoken) * _PER_WORD
    found = {"task": "transcribe", "language": language, "duration": duration, "text": text}
    return found | {"segments": segments} | ({"words": times} if words else {})
