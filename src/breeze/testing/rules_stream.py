"""Rules on streams: those of `breeze.testing.stream`, and those on what a stream must hold."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from breeze.contracts.events import Adjusted, AudioChunk, Finish, TextDelta, ToolCallDelta
from breeze.contracts.values import Usage
from breeze.testing import stream
from breeze.testing.bench import Bench
from breeze.testing.rule import Failed, NotApplicable, Rule
from breeze.testing.run import Run
from breeze.testing.tracking import tracked_request

_LONG_TEXT = 80
_LONG_SOUND = 200_000
"""Characters and bytes above which one event for all of it is no stream."""


def _obeys(rule: str) -> Callable[[Bench], Awaitable[None]]:
    async def check(bench: Bench) -> None:
        for run in (*await bench.survey(), *await bench.with_tools()):
            if run.broken is not None and run.broken.rule == rule:
                raise Failed(f"{run.request.capability.method}: {run.broken.message}")

    return check


async def _answers(bench: Bench) -> None:
    for run in await bench.survey():
        if run.broken is None and (why := run.trouble(bench.limits)):
            raise Failed(f"{run.request.capability.method}: {why}")


async def _whole_runs(bench: Bench) -> list[Run]:
    runs = [run for run in await bench.survey() if run.whole]
    if not runs:
        raise NotApplicable("no sample was answered to the end")
    return runs


async def _usage(bench: Bench) -> None:
    for run in await _whole_runs(bench):
        if not run.of(Usage):
            raise Failed(f"{run.request.capability.method} did not report usage")


async def _mock(bench: Bench) -> None:
    if not bench.info.mock:
        raise NotApplicable("it is no mock")
    for run in await _whole_runs(bench):
        (end,) = run.of(Finish)
        if not (end.metadata or {}).get("mock"):
            raise Failed(f"{run.request.capability.method}: Finish has no metadata mock=True")


async def _tools(bench: Bench) -> None:
    if not bench.of_method("chat"):
        raise NotApplicable("it does not chat")
    for run in await bench.with_tools():
        said = {event.field for event in run.of(Adjusted)} & {"tools", "tool_choice"}
        if run.whole and not run.of(ToolCallDelta) and not said:
            raise Failed("a required tool call was neither made, refused nor Adjusted")


async def _streams(bench: Bench) -> None:
    if not bench.info.streams:
        raise NotApplicable("its info says that it does not stream")
    for run in await _whole_runs(bench):
        texts, sounds = run.of(TextDelta), run.of(AudioChunk)
        if len(texts) == 1 and len(texts[0].text) > _LONG_TEXT:
            raise Failed(f"chat gave {len(texts[0].text)} characters in one event")
        if len(sounds) == 1 and len(sounds[0].data) > _LONG_SOUND:
            raise Failed(f"speak gave {len(sounds[0].data)} bytes in one event")


async def _adjusted(bench: Bench) -> None:
    runner = await bench.shared()
    for capability in bench.capabilities:
        run = await bench.drive(runner, bench.samples.full(capability))
        for event in run.of(Adjusted):
            name = event.field.partition("[")[0].partition(".")[0]
            if name not in run.request.__struct_fields__:
                raise Failed(f"Adjusted names {event.field!r}, which the request does not have")
            if event.used == event.asked or not event.why:
                raise Failed(f"Adjusted {event.field}: from {event.asked!r} to the same, or no why")


async def _dropped(bench: Bench) -> None:
    bench.must_see()
    runner = await bench.shared()
    blind = True
    for capability in bench.capabilities:
        options = set(bench.samples.options(capability))
        handled: set[str] = set()
        for _ in options:
            request = bench.samples.full(capability, without=tuple(handled))
            request, read = tracked_request(request)
            run = await bench.drive(runner, request)
            handled |= read | {event.field for event in run.of(Adjusted)}
            refused = _refused(run, options)
            if refused is None:
                break
            handled.add(refused)
        else:
            continue
        if handled & options:
            blind = False
            if dropped := sorted(options - handled):
                raise Failed(f"{capability}: given, but neither used nor Adjusted: {dropped}")
    if blind:
        raise NotApplicable("it takes its requests as a whole, so single fields cannot be seen")


def _refused(run: Run, options: set[str]) -> str | None:
    """The option that the runner refused, in place of which it raised."""
    name: Any = getattr(run.error, "field", "")
    name = str(name).partition("[")[0].partition(".")[0]
    return name if name in options else None


RULES = (
    *(Rule(name, title, _obeys(name)) for name, title in stream.RULES.items()),
    Rule("stream.answers", "each capability answers an ordinary request", _answers),
    Rule("stream.usage", "every stream reports usage", _usage),
    Rule("stream.mock", "a mock says so in the metadata of Finish", _mock),
    Rule("stream.tools", "a required tool call is made, refused or Adjusted", _tools),
    Rule("stream.streams", "what streams comes in pieces", _streams),
    Rule("stream.adjusted", "Adjusted names a field of the request and a change", _adjusted),
    Rule("stream.dropped", "no given option is dropped without Adjusted or an error", _dropped),
)
