"""The request in a native body: exactly what `breeze.contracts.wire` writes, its type optional."""

from __future__ import annotations

from typing import Any

import msgspec

from breeze.contracts.capability import METHODS, Capability
from breeze.contracts.errors import InputError, NotFoundError
from breeze.contracts.requests import (
    AnyRequest,
    ChatRequest,
    DrawRequest,
    EmbedRequest,
    ModerateRequest,
    SpeakRequest,
    TranscribeRequest,
)
from breeze.contracts.unreadable import UNREADABLE
from breeze.contracts.wire import no_live_source, unreadable_request

_KINDS: dict[str, type[AnyRequest]] = {
    "chat": ChatRequest,
    "transcribe": TranscribeRequest,
    "speak": SpeakRequest,
    "moderate": ModerateRequest,
    "draw": DrawRequest,
    "embed": EmbedRequest,
}
_NAMES = {capability.value.lower(): METHODS[capability] for capability in Capability}
_decoders = {
    method: msgspec.json.Decoder(kind, dec_hook=no_live_source) for method, kind in _KINDS.items()
}
_fields = {method: {"type", *kind.__struct_fields__} for method, kind in _KINDS.items()}
_names = msgspec.json.Decoder(dict[str, msgspec.Raw])
_type = msgspec.json.Decoder(dict[str, Any])


def read_request(body: bytes, name: str = "") -> AnyRequest:
    """The request in `body`, for the capability or method `name`; empty: for the type it names.

    Raises InputError that names the field, NotFoundError for an unknown `name`.
    """
    method = _NAMES.get(name, name) if name else _type_of(body)
    if method not in _decoders:
        raise NotFoundError(
            f"There is no capability {name!r}; there are {', '.join((*_NAMES, *_KINDS))}.",
            field="capability",
        )
    request = _decoded(method, body)
    for field in _names.decode(body):
        if field not in _fields[method]:
            raise InputError(f"{field} is not a field of this request: leave it out.", field=field)
    if name in ("llm", "vlm") and request.needs.value.lower() != name:
        raise InputError(
            f"A chat with a picture is for vlm, one without for llm; this is one for "
            f"{request.needs.value.lower()}.",
            field="messages",
        )
    return request


def _decoded(method: str, body: bytes) -> AnyRequest:
    try:
        return _decoders[method].decode(body)
    except UNREADABLE as error:
        raise unreadable_request(error) from error


def _type_of(body: bytes) -> str:
    try:
        found = _type.decode(body).get("type")
    except UNREADABLE as error:
        raise InputError(f"This is not a JSON object: {error}.") from error
    if not isinstance(found, str) or found not in _KINDS:
        raise InputError(f"type must be one of {', '.join(_KINDS)}.", field="type")
    return found
