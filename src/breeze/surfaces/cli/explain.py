"""`breeze explain`: who would answer, who would not, and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from breeze.contracts.capability import Capability
from breeze.contracts.messages import ImagePart, Message, TextPart
from breeze.contracts.requests import (
    ChatRequest,
    DrawRequest,
    EmbedRequest,
    ModerateRequest,
    Request,
    SpeakRequest,
    TranscribeRequest,
)
from breeze.surfaces.cli._options import Work, route_options
from breeze.surfaces.cli._run import run, service
from breeze.surfaces.cli._table import show_lines, show_table
from breeze.surfaces.cli._words import CAPABILITY

if TYPE_CHECKING:
    from breeze.contracts.service import Decision, Rejected

_NO_KEY = "no API key"
Make = Callable[..., Request[Any]]
_NAMED = 3
"""Runners with the same reason that a table names; --json names all."""
_REQUESTS: dict[Capability, Make] = {
    Capability.LLM: lambda text, **route: ChatRequest.of(text, **route),
    Capability.VLM: lambda text, **route: ChatRequest((_pictured(text),), **route),
    Capability.ASR: lambda text, **route: TranscribeRequest(prompt=text, **route),
    Capability.TTS: lambda text, **route: SpeakRequest(text, **route),
    Capability.GUARDIAN: lambda text, **route: ModerateRequest(text=text, **route),
    Capability.IMAGE: lambda text, **route: DrawRequest((text,), **route),
    Capability.EMBEDDING: lambda text, **route: EmbedRequest((text,), **route),
}


def _pictured(text: str) -> Message:
    return Message("user", (ImagePart(), TextPart(text)))


@click.command("explain")
@click.argument("capability", type=CAPABILITY, metavar="CAPABILITY|COMMAND")
@click.argument("text", default="")
@route_options
def command(capability: Capability, text: str, work: Work) -> None:
    """Say who would answer, in which order, and why.

    Takes the options that the command itself takes: --runner, --model, --strict, --param.
    """
    route = {**work.route}
    del route["deadline"]
    decision = run(_decide(work, _REQUESTS[capability](text, **route)), json=work.json)
    if work.json:
        show_lines([decision])
    else:
        _show(decision)


async def _decide(work: Work, request: Request[Any]) -> Decision:
    async with service(work, request.needs) as asked:
        return await asked.explain(request)


def _show(decision: Decision) -> None:
    title = f"{decision.capability} by {decision.strategy} · decision {decision.id}"
    tried = [
        (place, choice.name, choice.model, choice.why)
        for place, choice in enumerate(decision.order, 1)
    ]
    show_table(("tried", "instance", "model", "why"), [*tried, *_others(decision)], title=title)


def _others(decision: Decision) -> list[tuple[str, str, str, str]]:
    """Those who are not tried, a line for each reason."""
    reasons: dict[str, list[Rejected]] = {}
    for one in decision.rejected:
        reasons.setdefault(_briefly(one.why), []).append(one)
    return [
        ("no", _together([one.name for one in some]), "", some[0].why if len(some) == 1 else why)
        for why, some in reasons.items()
    ]


def _briefly(why: str) -> str:
    """A reason without the remedy, which differs from runner to runner."""
    return _NO_KEY if why.startswith(f"{_NO_KEY}:") else why


def _together(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= _NAMED else f"{len(names)} others"
