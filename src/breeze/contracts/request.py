"""What all requests share. A request names its events: `Request[its events]`.

Requests are immutable and travel as JSON, byte-equal both ways (`breeze.contracts.wire`). What is
None or empty is the runner's choice. `problems()` lists everything that is wrong, at once.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterator
from struct import Struct
from typing import Any, ClassVar, Generic, Literal, TypeVar

import msgspec

from breeze.contracts.capability import Capability
from breeze.contracts.errors import InputError

E = TypeVar("E", covariant=True)
AUTO = "auto"
LONGEST_NAME = 512
"""Characters of a name in a request: names are compared, remembered and told again."""
Problem = tuple[str, str]
"""The path of a field and what is wrong with it."""


def new_id() -> str:
    """A random UUID (version 4) as text. Not guessable: an id is enough to cancel a request."""
    if not _stock:
        _stock.extend(_new_ids())
    return _stock.pop()


_stock: list[str] = []
"""Ids for those who come next: one by one, asking the system for each costs more than all else."""
_PARTS = Struct("8s4sx3sx3s12s")


def _new_ids() -> list[str]:
    parts = _PARTS.iter_unpack(os.urandom(16 * 64).hex().encode())
    return b" ".join([b"%b-%b-4%b-a%b-%b" % each for each in parts]).decode().split()


if hasattr(os, "register_at_fork"):  # a child must never hand out its parent's ids
    os.register_at_fork(after_in_child=_stock.clear)


class GuardianOptions(msgspec.Struct, frozen=True, omit_defaults=True):
    """What this request asks of the guardian; None leaves it to the configuration."""

    enabled: bool | None = None
    checkpoint: Literal["input", "output", "both"] | None = None
    strictness: Literal["low", "medium", "high"] | None = None
    strategy: Literal["block", "warn", "filter"] | None = None
    runner: str = ""


class Request(
    msgspec.Struct, Generic[E], frozen=True, omit_defaults=True, tag_field="type", kw_only=True
):
    """What every request carries.

    `deadline`: seconds from admission to the last event. `runner`: an instance or runner name.
    `model`: `auto`, `<instance>`, `<instance>/<model>`, or a model id. `strict`: the named runner
    or none. `params`: per-request parameters of the runner. `whole`: only the whole answer is of
    interest, so a runner may ask its server for all of it at once.
    """

    capability: ClassVar[Capability]

    id: str = msgspec.field(default_factory=new_id)
    session_id: str = ""
    deadline: float | None = None
    runner: str = ""
    model: str = AUTO
    strict: bool = False
    params: dict[str, Any] = {}
    guardian: GuardianOptions | None = None
    whole: bool = False

    @property
    def needs(self) -> Capability:
        """The capability this very request needs."""
        return self.capability

    def sound(self) -> bool:
        """Whether everything is in order, as far as a glance can tell: if not, ask `problems`."""
        return False

    def problems(self) -> Iterator[Problem]:
        """Everything wrong with the request, at once."""
        if not 1 <= len(self.id) <= 128:
            yield "id", "must have 1 to 128 characters"
        if max(len(self.model), len(self.runner), len(self.session_id)) > LONGEST_NAME:
            for name in ("model", "runner", "session_id"):
                if len(getattr(self, name)) > LONGEST_NAME:
                    yield name, f"must have at most {LONGEST_NAME} characters"
        if self.deadline is not None and not 0 < self.deadline <= 86_400:
            yield "deadline", f"is {self.deadline}, must be above 0 and at most 86400 seconds"


def check_sound(request: Request[Any], live: Container[str]) -> None:
    """Raises InputError that lists everything wrong with `request`. `live`: ids that are taken."""
    problems = list(request.problems())
    if request.id in live:
        problems.append(("id", "belongs to a request that is still running"))
    if problems:
        text = "; ".join(f"{field} {what}" for field, what in problems)
        raise InputError(f"{text}.", field=problems[0][0], data={"fields": dict(problems)})


def between(name: str, value: float | None, low: float, high: float) -> Iterator[Problem]:
    """A problem if `value` is given and is not a number from `low` to `high`."""
    if value is not None and not low <= value <= high:
        yield name, f"is {value}, must be between {low} and {high}"
