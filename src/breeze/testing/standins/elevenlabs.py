"""ElevenLabs: speech as bytes and with times, voices on pages, hearing, and a quota that is 401."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from breeze.testing.standins._elevenlabs_faults import OWN
from breeze.testing.standins._elevenlabs_heard import Json, seconds_of, transcript
from breeze.testing.standins._elevenlabs_sound import SECONDS, TYPES, sound
from breeze.testing.standins._fault import Fault
from breeze.testing.standins._said import tokens
from breeze.testing.standins._server import Call, Handler, Reply, Standin

MODELS = {"eleven_flash_v2_5": (40_000, 0.5), "eleven_multilingual_v2": (10_000, 1.0)}
"""Models that speak: the longest text, and what a character costs. The last is the usual one."""
HEARS = ("scribe_v1", "scribe_v2")
_VOICES = 120
_LINE = 8
"""Letters of a line with times."""
_FORMAT = "mp3_44100_128"
_REFUSALS: dict[str, tuple[int, str, str, str]] = {
    "authentication": (401, "authentication_error", "invalid_api_key", "Invalid API key"),
    "permission": (403, "authorization_error", "missing_permissions",
                   "The API key lacks the permission text_to_speech."),
    "quota": (401, "authorization_error", "quota_exceeded",
              "This request exceeds your quota. You have 0 credits remaining."),
    "rate_limit": (429, "rate_limit_error", "too_many_concurrent_requests",
                   "Too many concurrent requests. Your plan has a maximum of 2."),
    "context": (400, "validation_error", "max_character_limit_exceeded",
                "The text exceeds the character limit of this model."),
    "not_found": (404, "not_found", "model_not_found", "A model with that ID does not exist."),
    "voice": (404, "not_found", "voice_not_found", "A voice with that ID was not found."),
    "timeout": (408, "timeout_error", "request_timeout", "The request took too long."),
    "network": (502, "internal_error", "bad_gateway", "Bad gateway"),
    "model_not_loaded": (503, "internal_error", "service_unavailable", "Loading model"),
    "content_blocked": (400, "validation_error", "content_against_policy",
                        "The text violates the terms of service."),
    "overloaded": (429, "rate_limit_error", "system_busy",
                   "The system is busy. Please try again later."),
    "internal": (500, "internal_error", "internal_server_error", "Something went wrong."),
    "sound": (400, "validation_error", "invalid_audio", "The sound cannot be read."),
}  # fmt: skip
"""Status, type, word and text of each kind."""


class ElevenLabsStandin(Standin):
    """A letter is spoken in 20 ms; of a sound half a second is heard as one word.

    The profile `new` has errors with type, code and request id beside the older words.
    """

    name = "elevenlabs"
    prefix = ""
    capability = "TTS"
    profiles: ClassVar[tuple[str, ...]] = ("usual", "new")
    own_faults: ClassVar[tuple[Fault, ...]] = OWN
    terminal = b"no mark: sound just ends"

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.at_once = 5
        """Requests that the account may have at once, as the answers tell."""
        self.page = 100
        """The most voices on a page."""

    def routes(self) -> Mapping[str, Handler]:
        speech = "POST /v1/text-to-speech/{voice}"
        return {
            speech: self._whole,
            f"{speech}/stream": self._stream,
            f"{speech}/with-timestamps": self._whole_timed,
            f"{speech}/stream/with-timestamps": self._stream_timed,
            "POST /v1/speech-to-text": self._hear,
            "GET /v1/models": self._models,
            "GET /v2/voices": self._voices,
            "GET /v1/user/subscription": self._subscription,
        }

    def authorised(self, call: Call) -> bool:
        return call.headers.get("xi-api-key") == self.key

    def model(self, call: Call) -> str:
        asked = call.object.get("model_id") or call.value("model_id")
        return asked if isinstance(asked, str) else ""

    def refusal(self, kind: str, call: Call) -> Reply:
        if kind == "invalid_input":
            problem = {"loc": ["body", "text"], "msg": "Field required", "type": "missing"}
            return self._named(Reply.json({"detail": [problem]}, 422), call)
        return self._named(Reply.json(self._error(kind), _REFUSALS[kind][0]), call)

    def broken(self, kind: str, call: Call) -> bytes:
        return msgspec.json.encode(self._error(kind)) + b"\n"

    def _error(self, kind: str) -> Json:
        _, type_, word, text = _REFUSALS[kind]
        newer = {"type": type_, "code": word, "request_id": f"r{len(self.calls)}"}
        return {"detail": {"status": word, "message": text}
                | (newer if self.profile == "new" else {})}  # fmt: skip

    def _named(self, reply: Reply, call: Call) -> Reply:
        return reply.having(
            request_id=f"r{len(self.calls)}",
            current_concurrent_requests="1",
            maximum_concurrent_requests=str(self.at_once),
        )

    # Speaking

    def _refused(self, call: Call) -> Reply | None:
        """Why it is not spoken; None when it is."""
        model, text = self.model(call), call.json["text"]
        longest, _ = MODELS.get(model or [*MODELS][-1], (10_000, 1.0))
        if model and model not in MODELS and not model.startswith("standin-"):
            return self.refusal("not_found", call)
        if voice_number(call.match["voice"]) is None:
            return self.refusal("voice", call)
        return self.refusal("context", call) if len(text) > longest else None

    def _spoken(self, call: Call) -> tuple[str, float, str]:
        """Text, speed and format."""
        settings = call.json.get("voice_settings") or {}
        wire = call.query.get("output_format", [_FORMAT])[0]
        return call.json["text"], float(settings.get("speed") or 1.0), wire

    def _paid(self, reply: Reply, call: Call) -> Reply:
        _, each = MODELS.get(self.model(call), (0, 1.0))
        cost = math.ceil(len(call.json["text"]) * each)
        return self._named(reply, call).having(character_cost=str(cost))

    async def _whole(self, call: Call) -> Reply:
        return self._refused(call) or self._sound(call, 1)

    async def _stream(self, call: Call) -> Reply:
        return self._refused(call) or self._sound(call, max(4, len(tokens(call.json["text"]))))

    def _sound(self, call: Call, pieces: int) -> Reply:
        text, speed, wire = self._spoken(call)
        data = sound(text, wire, speed)
        mime = TYPES[wire.partition("_")[0]]
        return self._paid(Reply.raw(data, mime, min(pieces, len(data))), call)

    async def _whole_timed(self, call: Call) -> Reply:
        if (refused := self._refused(call)) is not None:
            return refused
        text, speed, wire = self._spoken(call)
        return self._paid(Reply.json(_timed(sound(text, wire, speed), text, 0, speed)), call)

    async def _stream_timed(self, call: Call) -> Reply:
        """A line for some letters, which need not be where words end, nor frames of sound."""
        if (refused := self._refused(call)) is not None:
            return refused
        text, speed, wire = self._spoken(call)
        data = sound(text, wire, speed)
        cuts = [(at, min(at + _LINE, len(text))) for at in range(0, len(text), _LINE)]
        lines = [
            _timed(_share(data, at, end, len(text)), text[at:end], at, speed) for at, end in cuts
        ]
        return self._paid(Reply.lines(lines).having(content_type="application/json"), call)

    # Hearing, and what there is

    async def _hear(self, call: Call) -> Reply:
        model = call.value("model_id")
        if model not in HEARS and not model.startswith("standin-"):
            return self.refusal("not_found", call)
        file = next(part for part in call.form if part.name == "file")
        try:
            seconds = seconds_of(file.data)
        except ValueError:
            return self.refusal("sound", call)
        said = transcript(
            seconds,
            call.value("language_code"),
            times=call.value("timestamps_granularity", "word") != "none",
            speakers=call.value("diarize") == "true",
            events=call.value("tag_audio_events", "true") == "true",
        )
        return self._named(Reply.json(said), call)

    async def _models(self, call: Call) -> Reply:
        languages = [{"language_id": "en", "name": "English"}]
        found = [
            {"model_id": name, "name": name, "can_do_text_to_speech": True, "languages": languages,
             "maximum_text_length_per_request": longest, "description": f"Speaks ({name}).",
             "model_rates": {"character_cost_multiplier": each}}
            for name, (longest, each) in MODELS.items()
        ]  # fmt: skip
        changes = {"model_id": "eleven_english_sts_v2", "can_do_text_to_speech": False}
        return self._named(Reply.json([*found, changes]), call)

    async def _voices(self, call: Call) -> Reply:
        token = call.query.get("next_page_token", ["0"])[0]
        begin = int(token) if token.isdecimal() else 0
        size = min(int(call.query.get("page_size", ["10"])[0]), self.page)
        end = min(begin + size, _VOICES)
        more = end < _VOICES
        listed = {
            "voices": [_voice(number) for number in range(begin, end)],
            "has_more": more, "total_count": _VOICES, "next_page_token": str(end) if more else None,
        }  # fmt: skip
        return self._named(Reply.json(listed), call)

    async def _subscription(self, call: Call) -> Reply:
        used = {"tier": "creator", "character_count": 1000, "character_limit": 100_000}
        return Reply.json(used | {"status": "active"})


def voice_id(number: int) -> str:
    """The id of a voice, from 0."""
    return f"standinvoice{number:08d}"


def voice_number(id: str) -> int | None:
    """Which voice it is; None for another one."""
    number = id.removeprefix("standinvoice")
    known = id.startswith("standinvoice") and number.isdecimal() and int(number) < _VOICES
    return int(number) if known else None


def _voice(number: int) -> Json:
    name = ("Ada", "Bea - calm and warm", "Cyr")[number] if number < 3 else f"Voice {number}"
    labels = {"accent": "british", "gender": "female" if number % 2 else "male"}
    return {"voice_id": voice_id(number), "name": name, "category": "premade", "labels": labels,
            "preview_url": None}  # fmt: skip


def _share(data: bytes, at: int, end: int, of: int) -> bytes:
    """What of the sound of a text is that of some of its letters."""
    return data[len(data) * at // of : len(data) * end // of]


def _timed(data: bytes, text: str, at: int, speed: float) -> Json:
    """Sound in base64, and when each letter is spoken, from the beginning of the whole."""
    each = SECONDS / speed
    alignment = {
        "characters": list(text),
        "character_start_times_seconds": [(at + i) * each for i in range(len(text))],
        "character_end_times_seconds": [(at + i + 1) * each for i in range(len(text))],
    }
    packed = base64.b64encode(data).decode()
    return {"audio_base64": packed, "alignment": alignment, "normalized_alignment": alignment}
