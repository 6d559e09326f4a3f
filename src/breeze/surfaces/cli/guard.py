"""`breeze guard`: judge whether a text is safe."""

from __future__ import annotations

from typing import Literal

import click

from breeze.contracts.answers import Moderation, Result
from breeze.contracts.requests import ModerateRequest
from breeze.surfaces.cli._json import JsonView
from breeze.surfaces.cli._options import Work, text_of, work_options
from breeze.surfaces.cli._run import answer
from breeze.surfaces.cli._view import PersonView


@click.command("guard")
@click.argument("text")
@click.option("--category", "categories", multiple=True, help="Only this one. Repeatable.")
@click.option(
    "--strictness",
    type=click.Choice(("low", "medium", "high")),
    default="medium",
    show_default=True,
    help="How much is let through.",
)
@work_options
def command(
    text: str, categories: tuple[str, ...], strictness: Literal["low", "medium", "high"], work: Work
) -> int:
    """Judge whether a text is safe. Exits with 3 when it is BLOCKED.

    TEXT is what to judge, or - to read it from standard input.
    """
    request = ModerateRequest(
        text=text_of(text), categories=categories, strictness=strictness, **work.route
    )
    return answer(work, request, JsonView() if work.json else GuardView())


class GuardView(PersonView):
    """The verdict in one line, then what was found and the text that may pass."""

    def whole(self, result: Result) -> None:
        if not isinstance(result, Moderation):
            return
        about = f" · {', '.join(result.categories)}" if result.categories else ""
        self.text(f"{result.status} · risk {result.risk:.2f}{about}\n")
        for finding in result.findings:
            rule = f" ({finding.rule})" if finding.rule else ""
            where = f", characters {finding.start} to {finding.end}" if finding.end else ""
            self.text(f"  {finding.category} {finding.score:.2f}{rule}{where}\n")
        if result.filtered_text:
            self.text(f"  filtered: {result.filtered_text}\n")
