"""Anthropic: messages under both versions, with either header for the key, and its models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from breeze.testing.standins._anthropic_message import prompt_tokens, said_to
from breeze.testing.standins._anthropic_odd import OWN
from breeze.testing.standins._anthropic_rules import (
    ERRORS,
    Json,
    complaints,
    failed,
    refused,
)
from breeze.testing.standins._fault import Fault
from breeze.testing.standins._parrots import PAGE, PARROTS, STRICT, answers, parrots, title
from breeze.testing.standins._server import Call, Handler, Reply, Standin


class AnthropicStandin(Standin):
    """Answers follow from the request: a message repeats what was said, word by word.

    Profile `one` has one model, `many` has more than fit on a page of ten. A `strict` model takes
    no sampling fields under any version.
    """

    name = "anthropic"
    prefix: ClassVar[str] = ""
    profiles: ClassVar[tuple[str, ...]] = tuple(PARROTS)
    terminal: ClassVar[bytes] = b"event: message_stop"
    own_faults: ClassVar[tuple[Fault, ...]] = OWN

    def routes(self) -> Mapping[str, Handler]:
        return {
            "POST /v1/messages": self._messages,
            "POST /v1/messages/count_tokens": self._count,
            "GET /v1/models": self._models,
            "GET /v1/models/{model}": self._one_model,
        }

    def authorised(self, call: Call) -> bool:
        bearer = call.headers.get("authorization") == f"Bearer {self.key}"
        return bearer or call.headers.get("x-api-key") == self.key

    def refusal(self, kind: str, call: Call) -> Reply:
        if kind == "content_blocked" and call.object.get("messages"):
            return self._said(call, refuse=True)
        return refused(kind, len(self.calls))

    def broken(self, kind: str, call: Call) -> bytes:
        return failed(kind if kind in ERRORS else "internal", len(self.calls))

    async def _messages(self, call: Call) -> Reply:
        if reply := self._wrong(call):
            return reply
        return self._said(call)

    def _wrong(self, call: Call) -> Reply | None:
        model = self.model(call)
        if not answers(model, parrots(self.profile)):
            return refused("not_found", len(self.calls), f"model: {model}")
        for complaint in complaints(call, sampling=not model.startswith(STRICT)):
            return refused("invalid_input", len(self.calls), complaint)
        return None

    def _said(self, call: Call, refuse: bool = False) -> Reply:
        body = call.json
        said = said_to(body, self._seen(call), refuse)
        facts: Json = {"id": f"msg_{len(self.calls)}", "model": body["model"]}
        if body.get("stream"):
            reply = Reply.sse(said.events(facts), end=b"")
        else:
            reply = Reply.json(said.whole(facts))
        return reply.having(request_id=f"req_{len(self.calls)}")

    def _seen(self, call: Call) -> bool:
        """Whether the same messages were here before, to be kept."""
        wanted = call.json["messages"]
        return any(
            earlier is not call and earlier.object.get("messages") == wanted
            for earlier in self.calls
            if earlier.object.get("cache_control")
        )

    async def _count(self, call: Call) -> Reply:
        return Reply.json({"input_tokens": prompt_tokens(call.json)})

    async def _models(self, call: Call) -> Reply:
        query = {name: values[-1] for name, values in call.query.items()}
        names = parrots(self.profile)
        if (after := query.get("after_id")) in names:
            names = names[names.index(after) + 1 :]
        if (before := query.get("before_id")) in names:
            names = names[: names.index(before)]
        page = names[: min(int(query.get("limit", 20)), PAGE)]
        return Reply.json(
            {
                "data": [_model(name) for name in page],
                "has_more": len(page) < len(names),
                "first_id": page[0] if page else None,
                "last_id": page[-1] if page else None,
            }
        )

    async def _one_model(self, call: Call) -> Reply:
        name = call.match["model"]
        if name not in parrots(self.profile):
            return refused("not_found", len(self.calls), f"model: {name}")
        return Reply.json(_model(name))


def _model(name: str) -> Json:
    return {
        "type": "model", "id": name, "display_name": title(name),
        "created_at": "2026-01-01T00:00:00Z", "lifecycle": "active", "deprecated_at": None,
        "retires_at": None, "max_input_tokens": 200_000, "max_tokens": 64_000, "line": None,
        "capabilities": {"image_input": {"supported": True}, "pdf_input": {"supported": True}},
    }  # fmt: skip
