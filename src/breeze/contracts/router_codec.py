"""Reads and writes the frames of `router_frames`: JSON as text, msgpack as bytes.

Whatever comes, reading it ends in a value or in an error of ours that names what is wrong.
"""

from __future__ import annotations

from typing import Any

import msgspec

from breeze.contracts.errors import CODES, InputError, ProcessingError
from breeze.contracts.router_frames import SHAPES, Call, CallId, ErrorFrame, Method, ServerFrame
from breeze.contracts.unreadable import UNREADABLE


class _Call(msgspec.Struct):
    method: str
    id: CallId = None
    params: msgspec.Raw = msgspec.Raw(b"")


class _OnlyId(msgspec.Struct):
    id: CallId = None


_calls = (msgspec.json.Decoder(_Call), msgspec.msgpack.Decoder(_Call))
_ids = (msgspec.json.Decoder(_OnlyId), msgspec.msgpack.Decoder(_OnlyId))
_decoders: dict[tuple[Method, bool], Any] = {}
_served = (msgspec.json.Decoder(ServerFrame), msgspec.msgpack.Decoder(ServerFrame))
_json, _msgpack = msgspec.json.Encoder(), msgspec.msgpack.Encoder()
_EMPTY = {False: b"{}", True: b"\x80"}
_NULL = {b"", b"null", b"\xc0"}


def read_call(frame: str | bytes) -> Call | ErrorFrame:
    """The call in a text (JSON) or binary (msgpack) frame, or the frame that says what is wrong."""
    binary = not isinstance(frame, str)
    try:
        call = _calls[binary].decode(frame)  # type: ignore[arg-type]
    except UNREADABLE as error:
        return ErrorFrame.of(_id_of(frame, binary), _refusal(error, binary))
    if call.method not in Method.__members__.values():
        text = f"There is no method {call.method[:64]!r}; there are {', '.join(Method)}."
        return ErrorFrame.of(call.id, InputError(text, field="method"))
    return Call(Method(call.method), call.id, call.params, binary)


def params_of(call: Call) -> Any:
    """The parameters of a call, as its method's type. Raises InputError that names the field."""
    raw = bytes(call.params) if call.params is not None else b""
    if raw in _NULL:
        raw = _EMPTY[call.binary]
    try:
        return _decoder(call.method, call.binary).decode(raw)
    except UNREADABLE as error:
        raise _refusal(error, call.binary) from error


def call_frame(method: Method, call_id: CallId, params: msgspec.Struct) -> dict[str, Any]:
    """A call as a client sends it."""
    return {"id": call_id, "method": method, "params": params}


def read_server_frame(frame: str | bytes) -> ServerFrame:
    """A frame of a server. Raises msgspec.DecodeError."""
    try:
        return _served[not isinstance(frame, str)].decode(frame)  # type: ignore[arg-type]
    except (UnicodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from error


def result_of(method: Method, frame: ServerFrame, *, binary: bool) -> Any:
    """The result in an answer to `method`. Raises the error that the frame holds instead."""
    if frame.error is not None:
        kind = CODES.get(frame.error.code, ProcessingError)
        raise kind(frame.error.message, field=frame.error.field)
    if SHAPES[method].result is None:
        return None
    decode = msgspec.msgpack.decode if binary else msgspec.json.decode
    return decode(bytes(frame.result), type=SHAPES[method].result)


def encode_frame(frame: Any, *, binary: bool) -> str | bytes:
    """A frame as text (JSON) or bytes (msgpack)."""
    return _msgpack.encode(frame) if binary else _json.encode(frame).decode()


def _decoder(method: Method, binary: bool) -> Any:
    key = (method, binary)
    if key not in _decoders:
        kind = msgspec.msgpack.Decoder if binary else msgspec.json.Decoder
        _decoders[key] = kind(SHAPES[method].params)
    return _decoders[key]


def _id_of(frame: str | bytes, binary: bool) -> CallId:
    """The id of a frame that is wrong elsewhere, when that much can be read."""
    try:
        return _ids[binary].decode(frame).id  # type: ignore[arg-type]
    except UNREADABLE:
        return None


def _refusal(error: Exception, binary: bool) -> InputError:
    """What to say of bytes that cannot be read, or hold something else than was expected."""
    if not isinstance(error, msgspec.ValidationError):
        kind = "msgpack" if binary else "JSON"
        return InputError(f"The frame is not valid {kind}: {error}.", field="")
    what, _, where = str(error).partition(" - at `")
    return InputError(f"{what}.", field=where.rstrip("`").removeprefix("$").lstrip("."))
