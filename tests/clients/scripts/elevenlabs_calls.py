"""One call each by the official client. The tests make the same calls by our runner."""

import os
import wave
from io import BytesIO
from typing import Any

from elevenlabs import ElevenLabs, VoiceSettings

VOICE = "standinvoice00000007"
TEXT = "Good morning, dear parrot."


def _client() -> Any:
    return ElevenLabs(api_key="test-key", base_url=os.environ["STANDIN_URL"])


def _sound() -> bytes:
    made = BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(64_000))
    return made.getvalue()


def hear_plain() -> str:
    file = ("sound.wav", _sound(), "audio/wav")
    found = _client().speech_to_text.convert(
        model_id="scribe_v2", file=file, language_code="en", tag_audio_events=False,
        timestamps_granularity="word",
    )  # fmt: skip
    return str(found.text)


def hear_settings() -> list[str]:
    file = ("sound.wav", _sound(), "audio/wav")
    found = _client().speech_to_text.convert(
        model_id="scribe_v1", file=file, enable_logging=False, tag_audio_events=True,
        num_speakers=2, timestamps_granularity="word", diarize=True, temperature=0.5, seed=3,
        keyterms=["Oslo", "Ada Lovelace"],
    )  # fmt: skip
    return [word.text for word in found.words]


def list_models() -> list[Any]:
    return [[m.model_id, m.maximum_text_length_per_request] for m in _client().models.list()]


def list_voices() -> list[Any]:
    found = _client().voices.search(page_size=100)
    return [len(found.voices), found.has_more, found.next_page_token]


def list_voices_next() -> int:
    return len(_client().voices.search(page_size=100, next_page_token="100").voices)


def speak_plain() -> int:
    return len(
        b"".join(_client().text_to_speech.convert(VOICE, text=TEXT, output_format="pcm_24000"))
    )


def _settings() -> dict[str, Any]:
    settings = VoiceSettings(
        stability=0.1, similarity_boost=0.2, style=0.3, use_speaker_boost=False, speed=1.1
    )
    return {
        "text": TEXT, "output_format": "mp3_44100_64", "enable_logging": False,
        "model_id": "eleven_flash_v2_5", "language_code": "de", "voice_settings": settings,
        "seed": 4, "previous_text": "Before.", "next_text": "After.",
        "apply_text_normalization": "off",
        "pronunciation_dictionary_locators": [
            {"pronunciation_dictionary_id": "d1", "version_id": "v1"}
        ],
    }  # fmt: skip


def speak_checked() -> list[Any]:
    found = _client().text_to_speech.stream_with_timestamps(VOICE, **_settings())
    return [c for line in found for c in line.alignment.characters]


def speak_settings() -> int:
    return len(b"".join(_client().text_to_speech.stream(VOICE, **_settings())))


def speak_streamed() -> int:
    found = _client().text_to_speech.stream(VOICE, text=TEXT, output_format="opus_48000_128")
    return len(b"".join(found))


def speak_timed() -> list[Any]:
    found = _client().text_to_speech.stream_with_timestamps(
        VOICE, text=TEXT, output_format="pcm_24000"
    )
    return [c for line in found for c in line.alignment.characters]


def speak_timed_whole() -> list[Any]:
    found = _client().text_to_speech.convert_with_timestamps(
        VOICE, text=TEXT, output_format="mp3_44100_128"
    )
    return list(found.alignment.characters)
