"""What llama.cpp reports, as our errors."""

from __future__ import annotations

import re

from breeze.contracts.dialects.openai import UpstreamError
from breeze.contracts.errors import InputError, ProcessingError, RunnerError

_TOO_LONG = re.compile(r"\((\d+) tokens\) is too large .*: (\d+)\)")


def refused(error: Exception, model: str) -> InputError:
    """llama.cpp refused a request before it began: a schema or the chat template does not fit."""
    field = "response_format" if "schema" in str(error).lower() else "messages"
    return InputError(f"{model} cannot take this request: {error}.", field=field, model=model)


def reported(error: UpstreamError, model: str, field: str) -> RunnerError:
    """The error that came in place of an answer; `field` is what the model was given."""
    if error.field("type") == "exceed_context_size_error":
        return _too_long(error.field("n_prompt_tokens"), error.field("n_ctx"), model, field)
    if figures := _TOO_LONG.search(str(error)):
        return _too_long(int(figures[1]), int(figures[2]), model, field)
    if error.field("code") == 400:
        return InputError(f"llama.cpp refuses {field}: {error}.", field=field, model=model)
    return ProcessingError(f"llama.cpp failed: {error}.", model=model)


def _too_long(asked: int, limit: int, model: str, field: str) -> InputError:
    return InputError(
        f"{field}: {asked} tokens, but {model} takes {limit}. Shorten the text, raise n_ctx up to "
        "what the model was trained with, or choose another model.",
        field=field,
        model=model,
        detail="context_length_exceeded",
        data={"limit": limit, "asked": asked},
    )
