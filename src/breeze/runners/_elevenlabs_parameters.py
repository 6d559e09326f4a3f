"""What the runner `elevenlabs` can be told."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import SecretStr, ValidationInfo, field_validator

from breeze.contracts.errors import InputError
from breeze.contracts.fields import Choice, choice, integer, number, secret, switch, text
from breeze.runners._elevenlabs_format import OUTPUT_FORMATS
from breeze.runners._elevenlabs_lists import dictionaries, keyterms
from breeze.runners._http_target import header_fields
from breeze.runners._vendor_parameters import VendorParameters

BASE_URL = "https://api.elevenlabs.io"
_HOST = "elevenlabs.io"


class ElevenLabsParameters(VendorParameters):
    """Voice, sound and hearing, which a request may change; the connection, which it may not."""

    home = _HOST

    api_key: SecretStr = secret(
        "Key from the vendor's console",
        title="API key",
        env="ELEVENLABS_API_KEY",
        requires_reload=True,
    )
    base_url: str = text(
        BASE_URL,
        "Address of the service; for residency such as https://api.eu.residency.elevenlabs.io",
        title="Base URL",
        category="Connection",
        requires_reload=True,
    )
    voice: str = choice(
        "",
        (),
        "Voice when the request names none, by id or name; empty: the first of the account",
        load="voices",
        category="Voice",
        per_request=True,
    )
    stability: float | None = number(
        None, "How alike one reading is to the next: low is lively, high is even",
        low=0, high=1, step=0.05, precision=2, category="Voice", per_request=True,
    )  # fmt: skip
    similarity_boost: float | None = number(
        None, "How near the voice keeps to its recordings",
        low=0, high=1, step=0.05, precision=2, category="Voice", per_request=True,
    )  # fmt: skip
    style: float | None = number(
        None, "How much the way of the speaker is exaggerated; anything above 0 takes longer",
        low=0, high=1, step=0.05, precision=2, category="Voice", per_request=True,
    )  # fmt: skip
    speaker_boost: str = choice(
        "auto",
        [Choice("auto", "As the voice is set"), Choice("on", "On"), Choice("off", "Off")],
        "Whether the likeness to the speaker is raised, which takes longer",
        category="Voice",
        per_request=True,
    )
    seed: int | None = integer(
        None, "The same seed mostly gives the same reading",
        low=0, high=4_294_967_295, category="Voice", per_request=True,
    )  # fmt: skip
    normalization: str = choice(
        "auto",
        [Choice("auto", "Where it helps"), Choice("on", "Always"), Choice("off", "Never")],
        "Whether numbers, dates and the like are written out before they are spoken",
        category="Voice",
        per_request=True,
    )
    previous_text: str = text(
        "", "What was spoken before, so that the melody goes on", category="Voice",
        per_request=True,
    )  # fmt: skip
    next_text: str = text(
        "", "What will be spoken after, so that the melody leads there", category="Voice",
        per_request=True,
    )  # fmt: skip
    pronunciation: str = text(
        "", "Pronunciation dictionaries, up to 3, as id:version, separated by commas",
        category="Voice",
    )  # fmt: skip
    output_format: str = choice(
        "auto",
        [Choice("auto", "As the request asks"), *(Choice(name) for name in OUTPUT_FORMATS)],
        "Sound as the vendor names it, such as ulaw_8000 for telephones, in the place of what "
        "the request asks",
        category="Sound",
        per_request=True,
    )
    bitrate: str = choice(
        "128",
        ["32", "64", "96", "128", "192"],
        "Size of mp3, opus and aac in kbit/s; 192 needs a larger plan",
        category="Sound",
        per_request=True,
    )
    timestamps: bool = switch(
        False,
        "Tell when each word is spoken",
        title="Word times",
        category="Sound",
        per_request=True,
    )
    verify_end: bool = switch(
        True,
        "Ask for the times of characters with the sound, to notice when it ends before its text "
        "does. The sound comes as text then, a third larger. Off: plain sound, of which nobody can "
        "tell whether it is all there, unless timestamps is on",
        title="Notice an early end",
        category="Sound",
        per_request=True,
    )
    keep_logs: bool = switch(
        True,
        "The vendor keeps texts and sounds in its history; off needs an enterprise plan",
        category="Connection",
    )
    transcription_model: str = text(
        "",
        "Model that hears when neither a request nor modelId names one, such as scribe_v2",
        category="Hearing",
    )
    audio_events: bool = switch(
        False, "Write down sounds that are no words, such as (laughter)", category="Hearing",
        per_request=True,
    )  # fmt: skip
    diarize: bool = switch(
        False, "Tell speakers apart: a segment is then what one of them says", category="Hearing",
        title="Speakers apart", per_request=True,
    )  # fmt: skip
    speakers: int | None = integer(
        None, "The most speakers there can be", low=1, high=32, category="Hearing",
        per_request=True,
    )  # fmt: skip
    keyterms: str = text(
        "",
        "Words and names that are likely, separated by commas; the vendor charges for them",
        title="Likely words",
        category="Hearing",
        per_request=True,
    )
    max_mb: int = integer(
        100, "Largest sound that is sent to be heard", low=1, high=3000, unit="MB",
        category="Hearing",
    )  # fmt: skip

    @field_validator("keyterms", "pronunciation", mode="after")
    @classmethod
    def _readable(cls, value: str, info: ValidationInfo) -> str:
        try:
            keyterms(value) if info.field_name == "keyterms" else dictionaries(value)
        except InputError as error:
            raise ValueError(error.message) from None
        return value

    def sent_headers(self) -> Mapping[str, str]:
        """The headers of every request."""
        key = {"xi-api-key": self.key} if self.key else {}
        return {**header_fields(self.headers), **key}
