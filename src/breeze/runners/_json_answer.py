"""One JSON that a server answered, as one of our types."""

from __future__ import annotations

from typing import Any

from breeze.contracts.errors import ProcessingError
from breeze.contracts.unreadable import UNREADABLE
from breeze.runners._http_json import tolerant


def json_answer(data: bytes, kind: Any, where: str, what: str) -> Any:
    """`data` as `kind`; text that is no UTF-8 gets marks in the place of what is wrong.

    Raises ProcessingError that says that `where` sent no `what`.
    """
    try:
        return tolerant(data, kind)
    except UNREADABLE as error:
        raise ProcessingError(
            f"{where} sent no {what} ({error}).", detail="malformed" if data else "cut"
        ) from error
