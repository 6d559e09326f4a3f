"""From a message of the contract to a request of ours: what kind of work, and its fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from breeze.contracts.messages import AudioPart, ContentPart, ImagePart, Message, TextPart
from breeze.contracts.request import Request
from breeze.contracts.requests import (
    ChatRequest,
    DrawRequest,
    ModerateRequest,
    SpeakRequest,
    TranscribeRequest,
)
from breeze.contracts.router import AIRequest, RequestType
from breeze.service.router_attachments import Media
from breeze.service.router_notes import Notes
from breeze.service.router_options import IMAGE_GENERATION, Options
from breeze.service.router_settings import Preferences

LONGEST = 86_400
"""Seconds that a request has when its client wants no limit."""


class Draft(NamedTuple):
    """What a request is made of."""

    asked: AIRequest
    media: list[Media]
    options: Options
    preferences: Preferences
    notes: Notes

    def media_of(self, family: str) -> list[Media]:
        """The pictures, or the sounds."""
        return [media for media in self.media if media.family == family]


def kind_of(found: dict[str, Any], media: list[Media]) -> str:
    """The kind of work: as the option says, else as the attachments show."""
    if (said := found.get("request_type")) is not None:
        return str(said)
    families = {one.family for one in media}
    if families == {"audio"}:
        return RequestType.AUDIO_TRANSCRIPTION
    if families == {"image"}:
        return RequestType.IMAGE_ANALYSIS
    return RequestType.MULTIMODAL if families else RequestType.TEXT_CHAT


def build(draft: Draft) -> Request[Any]:
    """Our request, not yet routed. Problems go to the draft's notes and are raised by them."""
    make, takes = _MAKERS[draft.options.kind]
    for media in draft.media:
        if media.family not in takes:
            why = f"{draft.options.kind} has no use for it"
            field = f"binaryAttachments[{media.place}]"
            draft.notes.adjust(field, media.mime, None, why)
    common: dict[str, Any] = {
        "session_id": draft.asked.session_id,
        "deadline": _deadline(draft),
        "guardian": draft.preferences.guardian,
    }
    request = make(draft, common)
    for field, what in request.problems():
        draft.notes.problem(_theirs(field, draft), what)
    draft.notes.check()
    return request


def _deadline(draft: Draft) -> float:
    own = draft.options.deadline
    return (draft.preferences.deadline if own is None else own) or LONGEST


def _chat(draft: Draft, common: dict[str, Any]) -> Request[Any]:
    fields = dict(draft.options.fields)
    wishes = draft.preferences.configuration
    fields.setdefault("max_tokens", wishes.max_tokens)
    fields.setdefault("temperature", wishes.temperature)
    system = _instructions(fields.pop("system_prompt", ""), fields.pop("language", ""), draft)
    if draft.options.kind == RequestType.IMAGE_ANALYSIS and not draft.media_of("image"):
        draft.notes.problem("binaryAttachments", "has no picture, and image_analysis needs one")
    if not draft.asked.text.strip() and not draft.media:
        draft.notes.problem("text", "is empty: say something, or attach something")
    parts: list[ContentPart] = [_part(media) for media in draft.media]
    if draft.asked.text:
        parts.append(TextPart(draft.asked.text))
    content = draft.asked.text if not draft.media else tuple(parts)
    turns = [Message("system", system)] if system else []
    return ChatRequest((*turns, Message("user", content)), **fields, **common)


def _part(media: Media) -> ContentPart:
    if media.family == "image":
        return ImagePart(media.data, media.mime)
    return AudioPart(media.data, media.mime.partition("/")[2])


def _instructions(system: str, language: str, draft: Draft) -> str:
    """The system message. A preferred language other than the default is asked for there."""
    if not language and not draft.preferences.is_default("language_preference"):
        language = draft.preferences.configuration.language_preference
    wish = f"Answer in the language {language} (BCP 47)." if language else ""
    return " ".join(filter(None, (system, wish)))


def _hear(draft: Draft, common: dict[str, Any]) -> Request[Any]:
    fields = dict(draft.options.fields)
    fields.setdefault("language", draft.preferences.configuration.language_preference)
    sounds = draft.media_of("audio")
    if not sounds:
        draft.notes.problem("binaryAttachments", "has no sound, and audio_transcription needs one")
        sounds = [Media(0, "audio/wav", b"\0", None, None)]
    for extra in sounds[1:]:
        field = f"binaryAttachments[{extra.place}]"
        draft.notes.adjust(field, extra.mime, None, "one sound a request is heard: the first")
    if draft.asked.text.strip():
        why = "the sound is what is heard; words to expect go into options.prompt"
        draft.notes.adjust("text", draft.asked.text[:200], "", why)
    first = sounds[0]
    file = "" if first.path is None else str(first.path)
    return TranscribeRequest(
        audio=first.data, file=file, sample_rate=first.sample_rate, **fields, **common
    )


def _speak(draft: Draft, common: dict[str, Any]) -> Request[Any]:
    fields = dict(draft.options.fields)
    if not draft.preferences.is_default("language_preference"):
        fields.setdefault("language", draft.preferences.configuration.language_preference)
    return SpeakRequest(draft.asked.text, **fields, **common)


def _judge(draft: Draft, common: dict[str, Any]) -> Request[Any]:
    return ModerateRequest(text=draft.asked.text, **draft.options.fields, **common)


def _draw(draft: Draft, common: dict[str, Any]) -> Request[Any]:
    return DrawRequest((draft.asked.text,), **draft.options.fields, **common)


_Maker = Callable[[Draft, dict[str, Any]], Request[Any]]
_MAKERS: Mapping[str, tuple[_Maker, frozenset[str]]] = {
    RequestType.TEXT_CHAT: (_chat, frozenset({"image", "audio"})),
    RequestType.IMAGE_ANALYSIS: (_chat, frozenset({"image", "audio"})),
    RequestType.MULTIMODAL: (_chat, frozenset({"image", "audio"})),
    RequestType.AUDIO_TRANSCRIPTION: (_hear, frozenset({"audio"})),
    RequestType.SPEECH_SYNTHESIS: (_speak, frozenset()),
    RequestType.CONTENT_MODERATION: (_judge, frozenset()),
    IMAGE_GENERATION: (_draw, frozenset()),
}
_THEIRS = {
    "messages": "text", "prompts": "text", "audio": "binaryAttachments",
    "deadline": "options.timeout_ms",
}  # fmt: skip


def _theirs(field: str, draft: Draft) -> str:
    """The client's name for a field of ours."""
    if field in draft.options.fields:
        return f"options.{field}"
    return _THEIRS.get(field, field)
