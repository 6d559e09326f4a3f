"""One JSON that a server answered, as one of our types."""

from __future__ import annotations

from typing import Any

import msgspec

from breeze.contracts.errors import ProcessingError


def json_answer(data: bytes, kind: Any, where: str, what: str) -> Any:
    """`data` as `kind`; text that is no UTF-8 gets marks in the place of what is wrong.

    Raises ProcessingError that says that `where` sent no `what`.
    """
    try:
        try:
            return msgspec.json.decode(data, type=kind)
        except UnicodeDecodeError:
            mended = data.decode("utf-8", "replace").encode()
            return msgspec.json.decode(mended, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ProcessingError(
            f"{where} sent no {what} ({error}).", detail="malformed" if data else "cut"
        ) from error
