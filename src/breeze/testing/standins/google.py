"""Gemini: contents and embeddings, under v1beta and v1, in both spellings of names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import msgspec

from breeze.testing.standins._fault import MODEL, Fault, Scene
from breeze.testing.standins._google_content import blocked, prompt_tokens, responses, whole
from breeze.testing.standins._google_odd import OWN
from breeze.testing.standins._google_rules import (
    ERRORS,
    Json,
    camel,
    complaints,
    error,
    refused,
)
from breeze.testing.standins._parrots import PAGE, PARROTS, STRICT, answers, parrots, title
from breeze.testing.standins._said import tokens, vector
from breeze.testing.standins._server import Call, Handler, Reply, Standin, event

_SIZE = 8
_LOT = 100


def _rate_limit(scene: Scene) -> Reply:
    """No header says when to come again: the body does."""
    spelling = scene.values["spelling"]
    delay = f"{scene.number('wait'):g}s" if spelling in ("body", "array") else ""
    reply = refused("rate_limit", delay=delay)
    return _in_array(reply) if spelling == "array" else reply


def _in_array(reply: Reply) -> Reply:
    return Reply.json([msgspec.json.decode(reply.body)], reply.status)


def _bare(scene: Scene) -> Reply:
    """The failure as JSON after the events, not as one of them. Instead of a whole answer."""
    if not scene.reply.streamed:
        return refused(scene.values["kind"]).but(status=200)
    bare = msgspec.json.format(msgspec.json.encode(error(scene.values["kind"])), indent=2)
    return scene.reply.but(pieces=(*scene.begun, bare))


class GoogleStandin(Standin):
    """Answers follow from the request: the model repeats what was said, word by word.

    Profile `one` has one model for each kind of work, `many` has more than fit on a page of ten.
    A `strict` model wants every call back with its signature.
    """

    name = "google"
    prefix: ClassVar[str] = "/v1beta"
    profiles: ClassVar[tuple[str, ...]] = tuple(PARROTS)
    own_faults: ClassVar[tuple[Fault, ...]] = (
        Fault("rate-limit", 1, "Too many requests", "429 with a hint in its body; spelling=body, "
              "array (the body in an array) or none", "before", _rate_limit,
              {"wait": "2", "spelling": "body"}),
        Fault("bare-error", 13, "An error beside the events", "the error as bare JSON after the "
              "events", "during", _bare, {"after": "2", "kind": "overloaded"}),
        *OWN,
    )  # fmt: skip

    def routes(self) -> Mapping[str, Handler]:
        return {
            "POST /models/{model}:generateContent": self._whole,
            "POST /models/{model}:streamGenerateContent": self._stream,
            "POST /models/{model}:countTokens": self._count,
            "POST /models/{model}:embedContent": self._embed,
            "POST /models/{model}:batchEmbedContents": self._embed_many,
            "GET /models": self._models,
            "GET /models/{model}": self._one_model,
        }

    def handler(self, call: Call) -> Handler | None:
        """Both versions are served alike."""
        if not call.target.startswith("/v1/"):
            return super().handler(call)
        same = replace(call, target=self.prefix + call.target.removeprefix("/v1"))
        found = super().handler(same)
        call.match = same.match
        return found

    def authorised(self, call: Call) -> bool:
        return self.key in (call.headers.get("x-goog-api-key"), *call.query.get("key", ()))

    def refusal(self, kind: str, call: Call) -> Reply:
        if kind != "content_blocked":
            return refused(kind)
        found = blocked(self._facts(call), 1)
        return Reply.sse([found], end=b"") if "stream" in call.path else Reply.json(found)

    def told_to_wait(self, wait: str, call: Call) -> Reply:
        """In the body, as no header tells it."""
        return refused("rate_limit", delay=f"{wait}s")

    def broken(self, kind: str, call: Call) -> bytes:
        return event(error(kind if kind in ERRORS else "internal"))

    def _facts(self, call: Call) -> Json:
        return {"modelVersion": self.model(call), "responseId": f"r{len(self.calls)}"}

    def model(self, call: Call) -> str:
        return call.match.get("model", "")

    def _wrong(self, call: Call, body: Json) -> Reply | None:
        model = self.model(call)
        if not answers(model, self._names()):
            return refused("not_found", f"models/{model} is not found for API version v1beta")
        for complaint in complaints(body, signed=model.startswith(STRICT)):
            return refused("invalid_input", complaint)
        return None

    async def _whole(self, call: Call) -> Reply:
        body = camel(call.json)
        return self._wrong(call, body) or Reply.json(whole(body, self._facts(call)))

    async def _stream(self, call: Call) -> Reply:
        body = camel(call.json)
        if reply := self._wrong(call, body):
            return reply
        found = list(responses(body, self._facts(call)))
        if call.query.get("alt") == ["sse"]:
            return Reply.sse(found, end=b"")
        pieces = [(b"[" if not i else b",\r\n") + _json(v) for i, v in enumerate(found)]
        return Reply(200, {"content-type": "application/json"}, (*pieces, b"]"), True, "chunked")

    async def _count(self, call: Call) -> Reply:
        return Reply.json({"totalTokens": prompt_tokens(camel(call.json))})

    async def _embed(self, call: Call) -> Reply:
        found, used = _vector(camel(call.json))
        return Reply.json({"embedding": found, "usageMetadata": {"promptTokenCount": used}})

    async def _embed_many(self, call: Call) -> Reply:
        asked = camel(call.json)["requests"]
        if self.model(call) not in self._names() and not self.model(call).startswith(MODEL):
            return refused("not_found")
        if len(asked) > _LOT:
            return refused("invalid_input", f"at most {_LOT} requests can be in one batch")
        if any(one["model"] != f"models/{self.model(call)}" for one in asked):
            return refused("invalid_input", "requests must be for the model in the address")
        found = [_vector(one) for one in asked]
        used = {"promptTokenCount": sum(count for _, count in found)}
        return Reply.json({"embeddings": [v for v, _ in found], "usageMetadata": used})

    def _names(self) -> list[str]:
        return [*parrots(self.profile), "embedder-1"]

    async def _models(self, call: Call) -> Reply:
        query = {name: values[-1] for name, values in call.query.items()}
        first = int(query.get("pageToken", "0"))
        last = first + min(int(query.get("pageSize", 50)), PAGE)
        names = self._names()
        more = {"nextPageToken": str(last)} if last < len(names) else {}
        return Reply.json({"models": [_model(name) for name in names[first:last]]} | more)

    async def _one_model(self, call: Call) -> Reply:
        name = call.match["model"]
        return Reply.json(_model(name)) if name in self._names() else refused("not_found")


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value)


def _vector(asked: Json) -> tuple[Json, int]:
    """The vector of one request, and its tokens."""
    text = " ".join(part["text"] for part in asked["content"]["parts"])
    found = vector(text, asked.get("outputDimensionality") or _SIZE)
    return {"values": found}, len(tokens(text))


def _model(name: str) -> Json:
    chats = ["generateContent", "countTokens", "createCachedContent"]
    methods = ["embedContent"] if name.startswith("embedder") else chats
    return {
        "name": f"models/{name}", "version": "1", "displayName": title(name),
        "inputTokenLimit": 1_048_576, "outputTokenLimit": 65_536,
        "supportedGenerationMethods": methods,
    }  # fmt: skip
