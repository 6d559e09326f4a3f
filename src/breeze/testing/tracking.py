"""Parameters and requests that remember which of their fields were read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

import msgspec

from breeze.contracts.parameters import Parameters, Validation
from breeze.contracts.request import Request


class Reads:
    """Which fields were read, and the values that were seen."""

    def __init__(self) -> None:
        self.values: dict[str, list[Any]] = {}
        self.on = True

    def note(self, name: str, value: Any) -> None:
        if self.on:
            self.values.setdefault(name, []).append(value)

    @contextmanager
    def unseen(self) -> Iterator[None]:
        """Reads inside the block do not count."""
        before, self.on = self.on, False
        try:
            yield
        finally:
            self.on = before


def tracked_parameters(kind: type[Parameters]) -> tuple[type[Parameters], Reads]:
    """`kind` as a class whose instances note every read, but those that validation makes."""
    reads = Reads()
    names = frozenset(kind.model_fields)

    class Tracked(kind):  # type: ignore[valid-type, misc]  # the base is only known at run time
        def __getattribute__(self, name: str) -> Any:
            value = super().__getattribute__(name)
            if name in names:
                reads.note(name, value)
            return value

        @classmethod
        def validate_parameters(cls, values: Mapping[str, Any]) -> Validation:
            with reads.unseen():
                made: Validation = super().validate_parameters(values)
            return made

        def for_request(self, params: Mapping[str, Any]) -> Self:
            with reads.unseen():
                made: Self = super().for_request(params)
            return made

        def reload_key(self) -> tuple[Any, ...]:
            with reads.unseen():
                key: tuple[Any, ...] = super().reload_key()
            return key

    Tracked.__name__ = kind.__name__
    return Tracked, reads


def tracked_request(request: Request[Any]) -> tuple[Request[Any], set[str]]:
    """A copy of `request` and the names of its fields that get read, filled in as they are.

    What reads it as a whole (encoding, `msgspec.structs.asdict`) leaves no trace.
    """
    kind = type(request)
    names = frozenset(kind.__struct_fields__)
    read: set[str] = set()

    def look(self: Any, name: str) -> Any:
        if name in names:
            read.add(name)
        return kind.__getattribute__(self, name)

    tag = kind.__struct_config__.tag
    tracked: Any = msgspec.defstruct(
        kind.__name__, [], bases=(kind,), namespace={"__getattribute__": look}, frozen=True, tag=tag
    )
    copy = tracked(**{name: getattr(request, name) for name in names})
    return copy, read
