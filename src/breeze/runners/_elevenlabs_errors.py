"""What the vendor's errors mean: a word in `detail`, which counts more than the HTTP status."""

from __future__ import annotations

from breeze.contracts.errors import AuthenticationError, InputError, NotFoundError
from breeze.runners._http_error_words import (
    BLOCKED,
    BUSY,
    FORBIDDEN,
    KEY,
    LARGE,
    MODEL,
    QUOTA,
    RATE,
    Kind,
    Says,
)

_PLAN = Kind(AuthenticationError, "The plan of the account does not have this: use another "
             "format, voice or model, or a larger plan.")  # fmt: skip
_VOICE = Kind(NotFoundError, "Run: breeze say --list-voices", field="voice")
_LONG = LARGE._replace(remedy="Speak it in parts, or choose a model that takes more.", field="text")
_SOUND = Kind(InputError, "Send other sound.", field="audio")

SAYS = Says(
    names=("status",),
    words={
        "needs_authorization": KEY, "missing_permissions": FORBIDDEN,
        "detected_unusual_activity": FORBIDDEN,
        "quota_exceeded": QUOTA, "insufficient_credits": QUOTA, "payment_issue": QUOTA,
        "max_character_limit_exceeded": _LONG, "text_too_long": _LONG,
        "voice_not_found": _VOICE, "invalid_uid": _VOICE, "invalid_voice_id": _VOICE,
        "model_not_found": MODEL, "invalid_model_id": MODEL, "unsupported_model": MODEL,
        "model_access_denied": _PLAN, "output_format_not_allowed": _PLAN,
        "subscription_required": _PLAN, "only_for_creator+": _PLAN, "free_users_not_allowed": _PLAN,
        "too_many_concurrent_requests": RATE, "concurrent_limit_exceeded": RATE,
        "system_busy": BUSY,
        "invalid_audio": _SOUND, "invalid_audio_file": _SOUND, "invalid_file": _SOUND,
        "audio_too_short": _SOUND, "corrupted_audio": _SOUND,
        "content_against_policy": BLOCKED,
    },
)  # fmt: skip
"""A 401 may be the quota, a 400 a voice that is not there, a 429 too many at once or a busy day."""
