"""OpenAI, and by profile the servers and gateways that speak its protocol."""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping
from typing import Any, ClassVar

from breeze.testing.standins._openai_chat import CREATED, Json, chunks, whole
from breeze.testing.standins._openai_profiles import PROFILES, Profile
from breeze.testing.standins._said import tokens, vector
from breeze.testing.standins._server import Call, Handler, Reply, Standin, event

_SIZE = 8
"""Dimensions of an embedding unless asked otherwise."""


class OpenAIStandin(Standin):
    """Answers follow from the request: chat repeats what was said, word by word."""

    name = "openai"
    profiles: ClassVar[tuple[str, ...]] = tuple(PROFILES)

    @property
    def style(self) -> Profile:
        return PROFILES[self.profile]

    def routes(self) -> Mapping[str, Handler]:
        return {
            "POST /chat/completions": self._chat,
            "POST /embeddings": self._embeddings,
            "GET /models": self._models,
            "GET /models/{model...}": self._one_model,
        }

    def refusal(self, kind: str, call: Call) -> Reply:
        return self.style.refusal(kind, self.key)

    def broken(self, kind: str, call: Call) -> bytes:
        return self.style.broken(kind, self._facts(call))

    def _facts(self, call: Call) -> Json:
        facts = {
            "id": f"{self.style.id}{len(self.calls)}", "created": CREATED, "model": self.model(call)
        }  # fmt: skip
        return facts | dict(self.style.facts)

    async def _chat(self, call: Call) -> Reply:
        body = call.json
        style = self.style.chat
        if not body.get("stream"):
            return self._json(whole(body, self._facts(call), style))
        events = [event(chunk) for chunk in chunks(body, self._facts(call), style)]
        end = b"data: [DONE]\n\n" if self.style.done else b""
        return self._named(Reply.sse([*self.style.comments, *events], end=end))

    def _json(self, value: Any) -> Reply:
        return self._named(Reply.json(value))

    def _named(self, reply: Reply) -> Reply:
        return reply.having(x_request_id=f"req_{len(self.calls)}")

    async def _embeddings(self, call: Call) -> Reply:
        body = call.json
        given = body["input"]
        texts = [given] if isinstance(given, str) else given
        size = body.get("dimensions") or _SIZE
        packed = body.get("encoding_format") == "base64" and self.style.base64
        data = [
            {"object": "embedding", "index": i, "embedding": _packed(vector(str(t), size), packed)}
            for i, t in enumerate(texts)
        ]
        count = sum(len(tokens(str(text))) for text in texts)
        used = {"prompt_tokens": count, "total_tokens": count}
        return self._json({"object": "list", "data": data, "model": body["model"], "usage": used})

    async def _models(self, call: Call) -> Reply:
        return self._json(self.style.models())

    async def _one_model(self, call: Call) -> Reply:
        found = [m for m in self.style.models()["data"] if m["id"] == call.match["model"]]
        return self._json(found[0]) if found else self.refusal("not_found", call)


def _packed(values: list[float], packed: bool) -> Any:
    if not packed:
        return values
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()
