"""Requests, events and answers as JSON or msgpack and back, without a table: each names its type.

Encoding is canonical for our types: decode and encode again gives the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterable
from typing import Any

import msgspec

from breeze.contracts.answers import Result
from breeze.contracts.errors import ErrorInfo, InputError
from breeze.contracts.events import AnyEvent
from breeze.contracts.requests import AnyRequest
from breeze.contracts.unreadable import UNREADABLE


def _refuse(value: Any) -> Any:
    if isinstance(value, AsyncIterable):
        raise InputError("A live source cannot be sent as data: send the audio.", field="live")
    raise InputError(f"A value of type {type(value).__name__} cannot be sent as JSON.")


_MISSING = re.compile(r"missing required field `(\w+)`")
_json = msgspec.json.Encoder(enc_hook=_refuse)
_msgpack = msgspec.msgpack.Encoder(enc_hook=_refuse)
_event: msgspec.json.Decoder[AnyEvent | ErrorInfo] = msgspec.json.Decoder(AnyEvent | ErrorInfo)


def encode(value: AnyRequest | AnyEvent | Result | ErrorInfo) -> bytes:
    """`value` as one line of JSON (UTF-8, bytes as base64)."""
    return _json.encode(value)


def encode_msgpack(value: AnyRequest | AnyEvent | Result | ErrorInfo) -> bytes:
    """`value` as msgpack (bytes stay bytes)."""
    return _msgpack.encode(value)


def decode_event(data: bytes | str) -> AnyEvent | ErrorInfo:
    """The event (or the error that ended the stream) in `data`. Raises msgspec.DecodeError."""
    try:
        return _event.decode(data)
    except (UnicodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from error


def decode_request(data: bytes | str) -> AnyRequest:
    """The request in `data`. Raises InputError that names the field."""
    try:
        return _request_decoder().decode(data)
    except UNREADABLE as error:
        raise unreadable_request(error) from error


def unreadable_request(error: Exception) -> InputError:
    """What a caller is told whose request is no JSON, or not of its type; it names the field."""
    if not isinstance(error, msgspec.ValidationError):
        return InputError(f"This is not valid JSON: {error}.")
    what, _, where = str(error).partition(" - at `$")
    path = [where.strip("`").lstrip("."), *_MISSING.findall(what)]
    return InputError(f"{what}.", field=".".join(filter(None, path)))


def no_live_source(kind: type, value: Any) -> Any:
    """Refuses what no data can be, as a `dec_hook`."""
    raise InputError("A live source cannot be sent as data: send the audio.", field="live")


def _request_decoder() -> msgspec.json.Decoder[AnyRequest]:
    global _request
    if _request is None:
        _request = msgspec.json.Decoder(AnyRequest, dec_hook=no_live_source)
    return _request


_request: msgspec.json.Decoder[AnyRequest] | None = None
