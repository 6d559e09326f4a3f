"""What an official client sends and what our runner sends for the same call, side by side.

Both speak to the same stand-in. Every call of the client carries the header `x-case` with the
name of the case; ours are made one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from breeze.contracts.messages import Message
from breeze.contracts.request import Request
from breeze.contracts.requests import ChatRequest
from breeze.contracts.runner import Runner
from breeze.testing.standins import Call, Standin
from tests.clients.scripted import outcomes
from tests.runners import vendor
from tests.runners.vendor import running

SCHEMA = {"type": "object", "properties": {"done": {"type": "boolean"}}}
SAID = "You said: Good day to you."
"""What a stand-in answers to `asking()`."""


def asking(text: str = "Good day to you.", **fields: Any) -> ChatRequest:
    """A chat of one turn, for a whole answer: most calls of clients are."""
    return vendor.asking(text, **{"whole": True, **fields})


def talking(*messages: Message, **fields: Any) -> ChatRequest:
    """A chat of these turns, likewise."""
    return vendor.talking(*messages, **{"whole": True, **fields})


class Ours(NamedTuple):
    """A call as our runner is asked for it: a request, or None for the list of models."""

    request: Request[Any] | None
    parameters: Mapping[str, Any] = {}


class Recorded(NamedTuple):
    """What came of all cases: both sides' calls, and what the client made of the answers."""

    theirs: dict[str, Call]
    ours: dict[str, Call]
    outcomes: dict[str, Any]


async def recorded(
    kind: type[Standin],
    runner: type[Runner[Any]],
    client: str,
    script: str,
    cases: Mapping[str, Ours],
    folder: Path,
) -> Recorded:
    """Play all cases, with the client of `requirements-<client>.txt` and with our runner."""
    async with kind.serving() as server:
        told = await outcomes(client, script, folder, VENDOR_URL=server.origin)
        theirs = {c.headers["x-case"]: c for c in server.calls if "x-case" in c.headers}
        ours = {}
        for name, case in cases.items():
            server.calls.clear()
            async with running(runner, server.url, **case.parameters) as asked:
                if case.request is None:
                    await asked.models()
                else:
                    async for _ in asked.stream(case.request):
                        pass
            (ours[name],) = server.calls
    return Recorded(theirs, ours, told)


def unlike(theirs: Any, ours: Any, path: str = "") -> list[str]:
    """Where two JSON values differ, one line each."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        names = [*theirs, *(name for name in ours if name not in theirs)]
        pairs = ((f"{path}.{n}", theirs.get(n, "—"), ours.get(n, "—")) for n in names)
        return [line for where, a, b in pairs for line in unlike(a, b, where)]
    if isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        pairs = ((f"{path}[{i}]", a, b) for i, (a, b) in enumerate(zip(theirs, ours, strict=True)))
        return [line for where, a, b in pairs for line in unlike(a, b, where)]
    return [] if theirs == ours else [f"{path}: {theirs!r} / {ours!r}"]
