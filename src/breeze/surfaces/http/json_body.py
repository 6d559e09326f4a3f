"""The JSON of a request's body."""

from __future__ import annotations

from typing import Any

import msgspec

from breeze.contracts.errors import InputError
from breeze.contracts.unreadable import UNREADABLE

_decode = msgspec.json.Decoder().decode


def json_object(body: bytes) -> dict[str, Any]:
    """`body`, a JSON object. Raises InputError when it is something else."""
    try:
        value = _decode(body)
    except UNREADABLE as error:
        raise InputError(f"The body is not valid JSON: {error}.") from error
    if type(value) is not dict:
        raise InputError("The body must be a JSON object.")
    return value
