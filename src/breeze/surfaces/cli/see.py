"""`breeze see`: ask about a picture."""

from __future__ import annotations

import click

from breeze.contracts.requests import ChatRequest
from breeze.surfaces.cli._chat_view import ChatView
from breeze.surfaces.cli._json import JsonView
from breeze.surfaces.cli._options import Work, bytes_of, given, work_options
from breeze.surfaces.cli._run import answer
from breeze.surfaces.cli.chat import user_message


@click.command("see")
@click.argument("image")
@click.argument("question", default="Describe the image.")
@click.option("--max-tokens", type=int, help="Longest answer.")
@work_options
def command(image: str, question: str, max_tokens: int | None, work: Work) -> int:
    """Ask about a picture.

    IMAGE is a file, or - to read it from standard input. Without QUESTION it is described.
    """
    message = user_message(question, [_picture(image)])
    request = ChatRequest((message,), **work.route, **given(max_tokens=max_tokens))
    return answer(work, request, JsonView() if work.json else ChatView())


def _picture(image: str) -> bytes:
    data = bytes_of(image)
    if not data:
        raise click.UsageError(f"{image} is empty: give a picture.")
    return data
