"""JSON that goes to a server and comes from one, with errors of ours."""

from __future__ import annotations

from math import isfinite
from typing import Any, TypeVar

import msgspec

from breeze.contracts.errors import InputError, ProcessingError
from breeze.contracts.unreadable import UNREADABLE

T = TypeVar("T")
_encode = msgspec.json.Encoder().encode


def encoded(body: object, field: str) -> bytes:
    """`body` as JSON. Raises InputError that names `field` when its text is none."""
    try:
        return _encode(body)
    except UnicodeEncodeError as error:  # half of a surrogate pair, as broken input may hold
        raise InputError(f"{field}: is no Unicode text: {error.reason}.", field=field) from error


def decoded(data: bytes, where: str) -> Any:
    """What `data`, which came from `where`, says, read by `tolerant`. Raises ProcessingError."""
    try:
        return tolerant(data)
    except UNREADABLE as error:
        raise ProcessingError(
            f"{where} answered what is no JSON. Is base_url right?",
            detail="malformed",
            retryable=False,
        ) from error


def finite(value: object) -> float | None:
    """`value`, be it text, as a number; None when it is none, or one beyond all bounds."""
    if not isinstance(value, int | float | str) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if isfinite(number) else None


def tolerant(data: bytes, kind: Any = Any) -> Any:
    """`data` as `kind`, with marks in the place of what is no UTF-8. Raises one of UNREADABLE."""
    try:
        return msgspec.json.decode(data, type=kind)
    except UnicodeDecodeError:
        return msgspec.json.decode(data.decode("utf-8", "replace"), type=kind)


def listed(data: bytes, kind: type[T], where: str, what: str = "models") -> T:
    """What `where` says when it is asked to list something. Raises ProcessingError."""
    try:
        found: T = tolerant(data, kind)
    except UNREADABLE as error:
        raise ProcessingError(
            f"{where} lists its {what} in another form: {error}. Check base_url.",
            detail="malformed",
            retryable=False,
        ) from error
    return found
