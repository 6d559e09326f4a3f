"""Fetching a model that the server does not have, with progress."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

import msgspec

from breeze.contracts.errors import DownloadError
from breeze.contracts.events import Progress
from breeze.contracts.unreadable import UNREADABLE
from breeze.runners._http import HttpClient
from breeze.runners._http_errors import refusal, reported
from breeze.runners._http_json import encoded
from breeze.runners._http_lines import LineSplitter
from breeze.runners._ollama_errors import CHAT


class _Step(msgspec.Struct):
    """A line of the server: what it does, and how far a file of the model has come (bytes)."""

    status: str = ""
    digest: str = ""
    total: int = 0
    completed: int = 0
    error: Any = None


async def pulled(
    http: HttpClient, model: str, secrets: tuple[str, ...]
) -> AsyncGenerator[Progress]:
    """The progress of `/api/pull`, bytes over all files so far. It ends when the model is there.

    Raises NotFoundError when nobody has such a model, DownloadError when it did not come whole.
    """
    lines, sizes = LineSplitter(), dict[str, tuple[int, int]]()
    done = total = 0
    body = encoded({"model": model, "stream": True}, "model")
    with await http.post("/api/pull", body) as answer:
        if answer.status != 200:
            raise await refusal(answer, secrets=secrets, field="model", says=CHAT)
        async for data in answer:
            for step in map(_step, lines.feed(data)):
                if step.error:
                    said = {"error": step.error}
                    why = reported(said, answer, secrets=secrets, field="model", says=CHAT)
                    raise DownloadError(why.message, field="model", retryable=False)
                if step.status == "success":
                    answer.release()
                    return
                if step.digest:
                    before = sizes.get(step.digest, (0, 0))
                    sizes[step.digest] = step.completed, step.total
                    done, total = done + step.completed - before[0], total + step.total - before[1]
                yield Progress("pull", done, max(done, total))
    raise DownloadError(
        f"{answer.where} stopped before {model} was there. Run: ollama pull {model}.",
        field="model",
        detail="cut",
    )


def _step(line: bytes) -> _Step:
    """A line; one that cannot be read says nothing."""
    with suppress(*UNREADABLE):
        return msgspec.json.decode(line, type=_Step)
    return _Step()
