"""What the server's errors mean: they are a sentence and a status, with no machine words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from breeze.contracts.errors import (
    CancelledError,
    CapabilityError,
    MemoryLimitError,
    NotFoundError,
    NotLoadedError,
)
from breeze.runners._http_error_words import (
    BUSY,
    CONTEXT,
    DOWN,
    FAILED,
    INPUT,
    LOADING,
    Kind,
    Says,
)

_ABSENT = re.compile(r"""model ["'](?P<model>[^"']+)["'],? (?:was )?not found"""
                     r"""|not found, try pulling it first""", re.I)  # fmt: skip
_UNABLE = re.compile(r"does not support (?P<what>\w+)", re.I)
_FIELDS = {"tools": "tools", "thinking": "reasoning_effort", "embedding": "model",
           "embeddings": "model", "vision": "messages", "image": "messages"}  # fmt: skip
_MEMORY = re.compile(r"requires more system memory|out of memory|cudaMalloc failed", re.I)
_BUSY = re.compile(r"server busy|maximum pending requests", re.I)
_BROKEN = re.compile(r"runner (?:process )?(?:has )?(?:terminated|crashed)|failed to load|"
                     r"error loading model|timed out waiting for .*start", re.I)  # fmt: skip
_LOADING = re.compile(r"loading model|model is loading", re.I)
_AMID = re.compile(r"encountered while running the model|unexpected EOF", re.I)
_PICTURE = re.compile(r"(?:decod|process|invalid|unknown|make).{0,20}image|image: unknown format",
                      re.I)  # fmt: skip
_TOO_LONG = re.compile(r"(?:exceeds?|longer than).{0,40}context|input length exceeds", re.I)
_STARTED_ANEW = Kind(NotLoadedError, "Look into the server's log, then try again.", waits=True)
_FULL = Kind(MemoryLimitError, "Choose a smaller model, lower num_ctx, or free memory there.")
_ELSEWHERE = Kind(
    NotFoundError,
    "It is no Ollama server: check base_url. A server with OpenAI's protocol is for the runner "
    "openai.",
    field="base_url",
)
_GONE = Kind(CancelledError, "The server says that it was stopped. Send the request again.")


def _says(field: str) -> Says:
    """How errors are read; `field` holds the text that may be too long."""
    long = CONTEXT._replace(field=field)

    def judge(found: Mapping[str, Any], status: int) -> Kind | None:
        said = str(found.get("message") or "")
        for pattern, kind in _KINDS:
            if (match := pattern.search(said)) is not None:
                return kind(match) if callable(kind) else kind
        return long if _TOO_LONG.search(said) else _BY_STATUS.get(status)

    return Says(judge=judge)


def _absent(match: re.Match[str]) -> Kind:
    name = match["model"] or "the model"
    remedy = f"Run: ollama pull {name}, or let the operator switch pull on. Known: breeze models"
    return Kind(NotFoundError, f"{remedy}.", detail="not_pulled", field="model")


def _unable(match: re.Match[str]) -> Kind:
    field = _FIELDS.get(match["what"].lower(), "model")
    return Kind(CapabilityError, "Choose another model: breeze models.", field=field)


_KINDS: tuple[tuple[re.Pattern[str], Kind | Callable[[re.Match[str]], Kind]], ...] = (
    (_ABSENT, _absent),
    (_UNABLE, _unable),
    (_MEMORY, _FULL),
    (_BUSY, BUSY),
    (_BROKEN, _STARTED_ANEW),
    (_LOADING, LOADING),
    (_AMID, FAILED),
    (_PICTURE, INPUT._replace(field="messages")),
)
_BY_STATUS = {404: _ELSEWHERE, 499: _GONE, 500: DOWN}
CHAT, EMBED = _says("messages"), _says("texts")
