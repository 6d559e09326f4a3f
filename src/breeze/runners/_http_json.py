"""JSON that goes to a server and comes from one, with errors of ours."""

from __future__ import annotations

from math import isfinite
from typing import Any

import msgspec

from breeze.contracts.errors import InputError, ProcessingError

NO_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What reading raises: bad JSON, bad text, and JSON nested beyond all bounds."""
_encode = msgspec.json.Encoder().encode


def encoded(body: object, field: str) -> bytes:
    """`body` as JSON. Raises InputError that names `field` when its text is none."""
    try:
        return _encode(body)
    except UnicodeEncodeError as error:  # half of a surrogate pair, as broken input may hold
        raise InputError(f"{field}: is no Unicode text: {error.reason}.", field=field) from error


def decoded(data: bytes, where: str) -> Any:
    """What `data`, which came from `where`, says. Raises ProcessingError when it is no JSON."""
    try:
        return msgspec.json.decode(data)
    except NO_JSON as error:
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
