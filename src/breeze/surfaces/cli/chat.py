"""`breeze chat`: ask a language model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from breeze.contracts.messages import ImagePart, Message, ResponseFormat, TextPart
from breeze.contracts.requests import ChatRequest
from breeze.surfaces.cli._chat_view import ChatView
from breeze.surfaces.cli._json import JsonView
from breeze.surfaces.cli._options import FILE, Work, given, text_of, work_options
from breeze.surfaces.cli._run import answer


@click.command("chat")
@click.argument("text")
@click.option("--system", default="", metavar="TEXT", help="How to behave.")
@click.option("--image", "images", type=FILE, multiple=True, help="A picture to look at.")
@click.option("--temperature", type=float, help="0 to 2; higher is more varied.")
@click.option("--top-p", type=float, help="0 to 1; share of likely words to draw from.")
@click.option("--max-tokens", type=int, help="Longest answer.")
@click.option("--seed", type=int, help="The same seed gives the same answer, where it can.")
@click.option("--stop", multiple=True, metavar="TEXT", help="Ends the answer. Repeatable.")
@click.option("--schema", type=FILE, help="JSON Schema that the answer must obey.")
@work_options
def command(
    text: str,
    system: str,
    images: tuple[Path, ...],
    schema: Path | None,
    stop: tuple[str, ...],
    work: Work,
    **sampling: Any,
) -> int:
    """Ask a language model and see the answer while it comes.

    TEXT is the question, or - to read it from standard input.
    """
    turns = [Message("system", system)] if system else []
    turns.append(user_message(text_of(text), [image.read_bytes() for image in images]))
    form = _response_format(schema) if schema else None
    request = ChatRequest(
        tuple(turns), stop=stop, response_format=form, **work.route, **given(**sampling)
    )
    return answer(work, request, JsonView() if work.json else ChatView())


def user_message(text: str, images: list[bytes]) -> Message:
    """The person's turn; the encoded pictures come before the words."""
    if not images:
        return Message("user", text)
    parts = [ImagePart(data, mime=mime_of(data)) for data in images]
    return Message("user", (*parts, TextPart(text)))


_MAGIC = ((b"\x89PNG", "image/png"), (b"\xff\xd8", "image/jpeg"), (b"GIF8", "image/gif"))


def mime_of(data: bytes) -> str:
    """The type of an encoded picture by its first bytes; empty leaves it to the runner."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((mime for start, mime in _MAGIC if data.startswith(start)), "")


def _response_format(file: Path) -> ResponseFormat:
    try:
        schema = json.loads(file.read_bytes())
    except ValueError as error:
        raise click.UsageError(f"{file} is not JSON: {error}.") from None
    if not isinstance(schema, dict):
        raise click.UsageError(f"{file} must hold an object: a JSON Schema.")
    return ResponseFormat("json_schema", schema, name=str(schema.get("title", "answer")))
