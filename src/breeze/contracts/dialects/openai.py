"""OpenAI's chat completions: the request as JSON, both ways. Answers are in `openai_chunks`.

`chat_to_json` writes what any compatible server understands. `chat_from_json` is strict: a field
that nobody here honours is refused by name, so that no wish of a caller is lost in silence.
"""

from __future__ import annotations

from typing import Any

import msgspec

from breeze.contracts.dialects.openai_body import ChatBody as ChatBody
from breeze.contracts.dialects.openai_body import chat_body as chat_body
from breeze.contracts.dialects.openai_chunks import ChunkReader as ChunkReader
from breeze.contracts.dialects.openai_chunks import UpstreamError as UpstreamError
from breeze.contracts.dialects.openai_chunks import usage_of as usage_of
from breeze.contracts.dialects.openai_read import chat_from_json as chat_from_json
from breeze.contracts.requests import ChatRequest


def chat_to_json(
    request: ChatRequest, *, limit_field: str = "max_tokens", **more: Any
) -> dict[str, Any]:
    """`request` as a chat-completions body; `more` is added as it is (`stream`, …).

    `limit_field` names the limit of new tokens: OpenAI's own models want `max_completion_tokens`.
    """
    body: dict[str, Any] = msgspec.to_builtins(chat_body(request, request.model, limit_field))
    return body | more
