"""What is collected while a client's message is read: what is wrong, and what is used otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any

from breeze.contracts.answers import Adjustment
from breeze.contracts.errors import InputError


class Notes:
    """`adjustments`: fields that are not used as asked. Problems are told all at once."""

    def __init__(self) -> None:
        self.adjustments: list[Adjustment] = []
        self._problems: dict[str, str] = {}

    def adjust(self, field: str, asked: Any, used: Any, why: str) -> None:
        """A field is not used as asked."""
        self.adjustments.append(Adjustment(field, asked, used, why))

    def unknown(self, field: str, asked: Any, name: str, known: Iterable[str]) -> None:
        """A name that nobody knows is not used; the nearest known one is named."""
        names = [str(one) for one in known]
        near = get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names)}"
        self.adjust(field, asked, None, f"{name!r} is not known; {hint}")

    def problem(self, field: str, what: str) -> None:
        """Something is wrong."""
        self._problems.setdefault(field, what)

    def read(self, field: str, text: str, reader: Callable[[str], Any]) -> Any:
        """The value in `text`, or None and a problem."""
        try:
            return reader(text)
        except ValueError as error:
            self.problem(field, str(error))
            return None

    def check(self) -> None:
        """Raises InputError that lists every problem."""
        if self._problems:
            text = "; ".join(f"{field} {what}" for field, what in self._problems.items())
            raise InputError(
                f"{text}.", field=next(iter(self._problems)), data={"fields": self._problems}
            )
