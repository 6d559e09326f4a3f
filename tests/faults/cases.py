"""One cell of the matrix: what is played, what the caller saw, what the provider saw."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from breeze.contracts.answers import ChatAnswer, Embeddings, Pictures, Speech, Transcription
from breeze.contracts.errors import RunnerError
from breeze.contracts.events import AudioChunk, Finish, ImageReady, Restarted, TextDelta, Transcript
from breeze.testing.standins import Fault
from tests.faults.dialects import Dialect, calling, chat
from tests.faults.scene import KEYS, Stage, Vendors, staged

Moment = Literal["before", "amid", "shape"]
_OUTPUT = (TextDelta, AudioChunk, ImageReady, Transcript)
_SIZES = {"huge-event": {"mib": 20}, "gigantic-event": {"mib": 65}, "gzip-bomb": {"mib": 8}}
_LARGE = {"huge-event", "gigantic-event"}
_CALLS = {
    "odd-whole-call", "odd-object-arguments", "odd-no-index", "odd-repeated-id",
    "odd-broken-arguments", "odd-bare-calls",
}  # fmt: skip
"""Faults that show only where a tool is called."""
_AMID = 3
"""Pieces of a stream that come before a fault amid an answer."""


@dataclass(frozen=True)
class Case:
    """A fault at a moment, for a request of one kind, with or without a second runner."""

    fault: Fault
    moment: Moment
    whole: bool
    second: bool

    @property
    def request(self) -> Callable[[], Any] | None:
        """What to ask, unless it is the dialect's usual request."""
        return calling if self.fault.name in _CALLS else None

    def __str__(self) -> str:
        asked = "whole" if self.whole else "stream"
        return f"{self.fault.name} ({self.moment}), {asked}, {'two' if self.second else 'alone'}"


@dataclass(frozen=True)
class Seen:
    """How it went. `made`: what the caller has in the end; `output`: pieces that reached it."""

    code: str
    detail: str
    message: str
    made: object
    finish: str
    runner: str
    output: int
    restarts: int
    seconds: float
    asked_a: tuple[float, ...]
    """When `a` was asked for the work."""
    inquired: tuple[float, ...]
    """When it was asked what became of it."""
    charged: int
    """For how much work it charged."""
    asked_b: int
    elsewhere: int
    keys: frozenset[str]
    """Keys that went where they do not belong."""
    problems: tuple[str, ...]

    @property
    def well(self) -> bool:
        return not self.code


def cases(dialect: Dialect) -> Iterator[Case]:
    """Every cell of a dialect. What is harmless needs no second runner to look on, and what is
    very large comes once."""
    for fault in dialect.kind.all_faults():
        if fault.name in _CALLS and dialect.make is not chat:
            continue
        for moment in _moments(fault):
            for whole in (False,) if fault.name in _LARGE else (False, True):
                yield Case(fault, moment, whole, second=False)
                if not fault.harmless:
                    yield Case(fault, moment, whole, second=True)


def _moments(fault: Fault) -> tuple[Moment, ...]:
    if fault.phase == "before":
        return ("before",)
    if fault.phase == "shape" or "after" not in fault.values:
        return ("shape",)
    return ("amid",) if fault.name in _LARGE else ("before", "amid")


async def play(case: Case, played: Vendors, home: Path) -> Seen:
    """Ask, while `a` goes wrong."""
    mode = "restart" if case.second else "stop"
    async with staged(played, home, second=case.second, afterOutput=mode) as stage:
        begin(case, stage)
        return await observed(stage, case.whole, case.request)


def begin(case: Case, stage: Stage) -> None:
    """From now on `a` goes wrong."""
    played = stage.vendors
    values: dict[str, Any] = dict(_SIZES.get(case.fault.name, {}))
    if "after" in case.fault.values and case.moment != "shape":
        values["after"] = 0 if case.moment == "before" else _AMID
    if case.fault.name == "redirect":
        values["to"] = f"{played.elsewhere.origin}/caught"
    times = 1 if case.fault.name == "loading" else None
    played.a.fault(case.fault.name, times=times, on=played.dialect.on, **values)


async def observed(stage: Stage, whole: bool, make: Callable[[], Any] | None = None) -> Seen:
    """What a caller sees of one request."""
    played = stage.vendors
    make = make or played.dialect.make
    events: list[Any] = []
    error: RunnerError | None = None
    result: Any = None

    async def ask() -> Any:
        request: Any = make()
        if whole:
            return await stage.engine.run(request)
        async with stage.engine.stream(request) as stream:
            async for event in stream:
                events.append(event)
        return events[-1].result if events and type(events[-1]) is Finish else None

    begun, paid = stage.clock.now(), played.dialect.charges(played.a)
    try:
        result = await stage.after(ask())
    except RunnerError as raised:
        error = raised
    asked = [c for c in played.a.calls if _is_meant(c, played)]
    work = [call for call in asked if played.dialect.is_work(call)]
    return Seen(
        code=error.code if error else "" if result is not None else "no end",
        detail=(error.detail if error else "") or "",
        message=error.message if error else "",
        made=essence(result),
        finish=result.finish_reason if result is not None else "",
        runner=result.runner if result is not None else "",
        output=sum(isinstance(event, _OUTPUT) for event in events),
        restarts=sum(isinstance(event, Restarted) for event in events),
        seconds=stage.clock.now() - begun,
        asked_a=tuple(call.at - begun for call in work),
        inquired=tuple(call.at - begun for call in asked if call not in work),
        charged=played.dialect.charges(played.a) - paid,
        asked_b=len([c for c in played.b.calls if _is_meant(c, played)]),
        elsewhere=len(played.elsewhere.calls),
        keys=frozenset({*strays(played), *told(error)}),
        problems=tuple(problem for vendor in played.all for problem in vendor.problems),
    )


def _is_meant(call: Any, played: Vendors) -> bool:
    path = call.path.removeprefix(played.a.base)
    return f"{call.method} {path}".startswith(played.dialect.on)


def strays(played: Vendors) -> Iterator[str]:
    """Keys that were sent to somebody else, or in an address."""
    for name, vendor in (("a", played.a), ("b", played.b), ("elsewhere", played.elsewhere)):
        for call in vendor.calls:
            for owner, key in KEYS.items():
                if owner != name and key.encode() in call.head + call.body:
                    yield f"the key of {owner} at {name}"
                if key in call.target:
                    yield f"the key of {owner} in an address"


def told(error: RunnerError | None) -> Iterator[str]:
    """Keys that an error tells."""
    if error is not None:
        said = f"{error} {error.info()} {error.data} {error.__cause__!r}"
        yield from (f"the key of {owner} in the error" for owner, k in KEYS.items() if k in said)


def essence(result: Any) -> object:
    """What of a whole answer must not be cut short."""
    if isinstance(result, ChatAnswer):
        return result.text, tuple((c.name, c.arguments) for c in result.tool_calls)
    if isinstance(result, Speech):
        return result.audio
    if isinstance(result, Pictures):
        return tuple(picture.data for picture in result.images)
    if isinstance(result, Embeddings):
        return result.vectors
    return result.text if isinstance(result, Transcription) else result
