"""OpenAI, and by profile the servers and gateways that speak its protocol."""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping
from typing import Any, ClassVar

from breeze.testing.standins._fault import Fault
from breeze.testing.standins._openai_audio import speech, transcription
from breeze.testing.standins._openai_chat import CREATED, Json, chunks, whole
from breeze.testing.standins._openai_files import Files
from breeze.testing.standins._openai_images import edited, generated, moderated
from breeze.testing.standins._openai_odd import ODD
from breeze.testing.standins._openai_profiles import PROFILES, Profile
from breeze.testing.standins._openai_responses import responded
from breeze.testing.standins._said import tokens, vector
from breeze.testing.standins._server import Call, Handler, Reply, Standin, event

_SIZE = 8
"""Dimensions of an embedding unless asked otherwise."""
_PRICE = 0.000_000_5
"""What a token costs at a router."""


class OpenAIStandin(Standin):
    """Answers follow from the request: chat repeats what was said, word by word."""

    name = "openai"
    profiles: ClassVar[tuple[str, ...]] = tuple(PROFILES)
    own_faults: ClassVar[tuple[Fault, ...]] = ODD

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.files = Files()

    @property
    def ways(self) -> Profile:
        return PROFILES[self.profile]

    @property
    def base(self) -> str:
        return self.ways.prefix

    @property
    def runner(self) -> str:
        return self.ways.runner

    def usual_model(self) -> str:
        return self.ways.model

    def routes(self) -> Mapping[str, Handler]:
        files = self.files
        return {
            "POST /chat/completions": self._chat,
            "POST /responses": self._responses,
            "POST /embeddings": self._embeddings,
            "POST /moderations": self._moderations,
            "POST /audio/transcriptions": self._transcriptions,
            "POST /audio/translations": self._translations,
            "POST /audio/speech": self._speech,
            "POST /images/generations": self._images,
            "POST /images/edits": self._edits,
            "GET /models": self._models,
            "GET /models/{model...}": self._one_model,
            "POST /files": files.put,
            "GET /files": files.all,
            "GET /files/{id}": files.one,
            "GET /files/{id}/content": files.content,
            "DELETE /files/{id}": files.delete,
            "POST /batches": self._batch,
            "GET /batches/{id}": files.batch,
            "GET /key": self._key,
        }

    def refusal(self, kind: str, call: Call) -> Reply:
        status, body = self.ways.words(kind)
        if kind == "context" and self.ways.long_prompts_in_stream and call.object.get("stream"):
            return Reply.sse([event(body, "error")], end=b"")
        reply = self._named(Reply.json(body, status))
        waits = status in (429, 503) and kind != "quota"
        return reply.having(retry_after="1") if waits else reply

    def broken(self, kind: str, call: Call) -> bytes:
        return self.ways.broken(self.ways.words(kind)[1], self._facts(call))

    def _facts(self, call: Call) -> Json:
        id = f"{self.ways.id}{len(self.calls)}" if self.ways.id else ""
        return {"id": id, "created": CREATED, "model": self._answering(call)} | dict(
            self.ways.facts
        )

    def _answering(self, call: Call) -> str:
        """The model that answers; a router takes the next of a list, as if the first were down."""
        models = call.object.get("models") or []
        return models[-1] if self.ways.router and models else self.model(call)

    def whole_chat(self, call: Call) -> Json:
        """The answer to a chat request in one object."""
        answer = whole(call.json, self._facts(call), self.ways.chat) | dict(self.ways.last)
        self._charge(answer)
        return answer

    async def _chat(self, call: Call) -> Reply:
        if not call.json.get("stream"):
            return self._named(Reply.json(self.whole_chat(call)))
        sent = list(chunks(call.json, self._facts(call), self.ways.chat))
        sent[-1] |= dict(self.ways.last)
        for chunk in sent:
            self._charge(chunk)
        end = b"data: [DONE]\n\n" if self.ways.done else b""
        return self._named(Reply.sse([*self.ways.comments, *map(event, sent)], end=end))

    def _charge(self, answer: Json) -> None:
        if self.ways.router and answer.get("usage"):
            cost = round(answer["usage"]["total_tokens"] * _PRICE, 9)
            details = {"upstream_inference_cost": None}
            answer["usage"] |= {"cost": cost, "is_byok": False, "cost_details": details}

    def _named(self, reply: Reply) -> Reply:
        number = len(self.calls)
        if self.ways.router:
            reply = reply.having(x_generation_id=f"gen-{number}")
        return reply.having(x_request_id=f"req_{number}")

    async def _responses(self, call: Call) -> Reply:
        return self._named(responded(call.json, len(self.calls)))

    async def _embeddings(self, call: Call) -> Reply:
        body = call.json
        texts = _texts(body["input"])
        size = body.get("dimensions") or _SIZE
        packed = body.get("encoding_format") == "base64" and self.ways.base64
        data = [
            {"object": "embedding", "index": i, "embedding": _packed(vector(text, size), packed)}
            for i, text in enumerate(texts)
        ]
        count = sum(len(tokens(text)) for text in texts)
        used = {"prompt_tokens": count, "total_tokens": count}
        answer = {"object": "list", "data": data, "model": body["model"], "usage": used}
        return self._named(Reply.json(answer))

    async def _moderations(self, call: Call) -> Reply:
        return self._named(moderated(call.json, len(self.calls)))

    async def _transcriptions(self, call: Call) -> Reply:
        return self._named(transcription(call, "transcribe"))

    async def _translations(self, call: Call) -> Reply:
        return self._named(transcription(call, "translate"))

    async def _speech(self, call: Call) -> Reply:
        return self._named(speech(call.json))

    async def _images(self, call: Call) -> Reply:
        return self._named(generated(call.json))

    async def _edits(self, call: Call) -> Reply:
        return self._named(edited(call))

    async def _models(self, call: Call) -> Reply:
        return self._named(Reply.json(self.ways.models()))

    async def _one_model(self, call: Call) -> Reply:
        found = [m for m in self.ways.models()["data"] if m["id"] == call.match["model"]]
        return self._named(Reply.json(found[0])) if found else self.refusal("not_found", call)

    async def _batch(self, call: Call) -> Reply:
        ways = self.ways
        return self.files.run(call, lambda body: whole(body, self._facts(call), ways.chat))

    async def _key(self, call: Call) -> Reply:
        if not self.ways.router:
            return self.unknown_route(call)
        daily = {"used": 0, "limit": 50, "remaining": 50}
        return Reply.json(
            {"data": {"label": "stand-in", "limit": 10, "limit_remaining": 9.5, "limit_reset": None,
                      "usage": 0.5, "usage_daily": 0.5, "usage_weekly": 0.5, "usage_monthly": 0.5,
                      "is_free_tier": False, "free_model_daily_requests": daily}}
        )  # fmt: skip


def _texts(given: Any) -> list[str]:
    """The texts of an `input`: one, several, or tokens in place of either."""
    if isinstance(given, str) or (given and isinstance(given[0], int)):
        given = [given]
    return [str(text) for text in given]


def _packed(values: list[float], packed: bool) -> Any:
    if not packed:
        return values
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()
