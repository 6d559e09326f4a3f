"""The same request in this process and over HTTP: the same events, for every shipped runner."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

import msgspec
import pytest

import breeze.runners
from breeze.client import Client
from breeze.contracts.capability import Capability, RunnerKind
from breeze.contracts.errors import BlockedError, RunnerError
from breeze.contracts.events import Finish, Progress, TextDelta, joined
from breeze.contracts.requests import ChatRequest
from breeze.contracts.values import Attempt
from breeze.testing.conformance import check_module
from breeze.testing.samples import Samples, renewed
from breeze.testing.scripted import Script, scripted
from tests.client.conftest import Serve

MEASURED = {
    "processing_time_ms", "generation_speed", "generation_time", "estimated_remaining_ms",
}  # fmt: skip
"""Metadata that tells how long something took: the only thing that two runs may differ in."""
NEVER_TWICE = {"espeak", "system"}
"""Runners that do not say the same twice: their sound differs each time by some samples."""
SHIPPED = sorted(m.name for m in pkgutil.iter_modules(breeze.runners.__path__) if m.name[0] != "_")
HERE = [
    info
    for name in SHIPPED
    if (info := check_module(f"breeze.runners.{name}").info).kind is not RunnerKind.CLOUD
]
"""Those that can answer on this machine alone."""
PAIRS = [(info.name, capability) for info in HERE for capability in info.capabilities]
KINDS: dict[str, Callable[[Samples, Capability], Any]] = {
    "short": Samples.short,
    "full": Samples.full,
}


def same(value: Any) -> Any:
    """`value` as plain data with every field, without what was measured by a clock."""
    if isinstance(value, msgspec.Struct):
        fields = same(msgspec.structs.asdict(value))
        if isinstance(value, Progress):
            del fields["eta"]
        if isinstance(value, Attempt):
            del fields["seconds"]
        return {"type": type(value).__name__, **fields}
    if isinstance(value, dict):
        return {key: same(item) for key, item in value.items() if key not in MEASURED}
    return [same(item) for item in value] if isinstance(value, list | tuple) else value


def shape(events: list[Any]) -> list[str]:
    """The kinds of the events, those that repeat only once."""
    return [kind for kind, _ in groupby(event["type"] for event in events)]


async def played(stream: Any) -> list[Any]:
    """All events, neighbours of text as one; an error that ends them comes last."""
    seen: list[Any] = []
    async with stream as events:
        try:
            async for event in events:
                if seen and (both := joined(seen[-1], event)) is not None:
                    seen[-1] = both  # how many come together is a matter of the moment
                else:
                    seen.append(event)
        except RunnerError as error:
            seen.append(error.info())
    return [same(event) for event in seen]


def ways(server: Any) -> Iterator[Client]:
    """Every way in which a client may ask."""
    yield server.client()
    yield server.client(resume=30)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "capability"), PAIRS)
async def test_a_shipped_runner_gives_the_same_events(
    name: str, capability: Capability, kind: str, serve: Serve
) -> None:
    request = renewed(KINDS[kind](Samples(), capability), runner=name, strict=True)
    async with serve() as server:
        await played(server.engine.stream(request))  # the model is loaded by now
        here = await played(server.engine.stream(request))
        if name in NEVER_TWICE:
            here = shape(here)
        for client in ways(server):
            async with client:
                there = await played(client.stream(request))
                assert (shape(there) if name in NEVER_TWICE else there) == here


@pytest.mark.parametrize("capability", Capability)
async def test_some_runner_of_each_kind_answers_to_the_end(
    capability: Capability, serve: Serve
) -> None:
    request = Samples().short(capability)
    async with serve() as server, server.client() as client:
        *before, last = await played(client.stream(request))
        assert last["type"] == "Finish"
        assert before


async def test_what_failed_before_is_told_the_same(serve: Serve) -> None:
    flaky = scripted("flaky", Script([TextDelta("no"), BlockedError("Not this.", field="text")]))
    gone = scripted("gone", Script([Progress("asking"), BlockedError("Not this either.")]))
    async with serve(runners=[flaky, gone]) as server:
        for name, delivered in (("flaky", 1), ("gone", 1)):
            request = ChatRequest.of("Hello", runner=name, strict=True)
            here = await played(server.engine.stream(request))
            assert (here[-1]["code"], here[-1]["delivered"]) == ("G100", delivered)
            for client in ways(server):
                async with client:
                    assert await played(client.stream(request)) == here


async def test_a_whole_answer_is_the_same(serve: Serve) -> None:
    fixed = scripted("fixed", Script([TextDelta("Hel"), TextDelta("lo"), Finish()]))
    async with serve(runners=[fixed]) as server, server.client() as client:
        request = ChatRequest.of("Hi", runner="fixed")
        here, there = await server.engine.run(request), await client.run(request)
        assert same(there) == same(here)
        assert there.text == "Hello"


async def test_who_would_answer_is_told_the_same(serve: Serve) -> None:
    request = ChatRequest.of("Hi")
    async with serve() as server, server.client() as client:
        assert same(await client.runners()) == same(server.engine.runners())
        assert same(await client.models()) == same(await server.engine.models())
        assert same(await client.explain(request)) == same(await server.engine.explain(request))
