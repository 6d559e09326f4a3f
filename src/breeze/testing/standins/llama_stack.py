"""Llama Stack in its old and its last form, and OGX, as it has been called since version 1."""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from breeze.testing.standins._llama_stack_native import native_events, native_whole
from breeze.testing.standins._llama_stack_odd import OWN
from breeze.testing.standins._llama_stack_responses import answered, streamed
from breeze.testing.standins._llama_stack_stores import Stores
from breeze.testing.standins._openai_chat import CREATED, Json, Style, chunks, whole
from breeze.testing.standins._said import flagged, vector
from breeze.testing.standins._server import Call, Fault, Handler, Reply, Standin, event

_STATUS = {
    "authentication": 401, "permission": 403, "quota": 429, "rate_limit": 429,
    "invalid_input": 400, "context": 400, "not_found": 404, "timeout": 504, "network": 502,
    "model_not_loaded": 503, "content_blocked": 400, "overloaded": 503, "internal": 500,
}  # fmt: skip
_WORDS = {
    "authentication": "Authentication required. Invalid or expired token.",
    "permission": "Permission denied: access to this resource is forbidden.",
    "quota": "Error code: 429 - insufficient quota, check your plan and billing details.",
    "rate_limit": "Rate limit exceeded: too many requests.",
    "invalid_input": "Invalid value: temperature must be at most 2.",
    "context": "Error code: 400 - This model's maximum context length is 128 tokens.",
    "not_found": "Model 'parrot' not found. Use 'client.models.list()' to list available Models.",
    "timeout": "Operation timed out: the provider did not answer.",
    "network": "The provider could not be reached.",
    "model_not_loaded": "Error code: 503 - Loading model",
    "content_blocked": "Error code: 400 - content_policy_violation",
    "overloaded": "The provider is overloaded.",
    "internal": "Internal server error: An unexpected error occurred.",
}
_CODES = {"content_blocked": "content_policy_violation", "overloaded": "server_is_overloaded"}
_HARM = {"violent_crimes": "kill", "self_harm": "suicide"}
_SIZE = 8


@dataclass(frozen=True)
class Form:
    """One of the versions."""

    version: str
    old: bool = False
    """OpenAI's paths stand under /v1/openai/v1, errors are `detail`, ids are bare."""
    guards: bool = True
    owner: str = "llama_stack"

    @property
    def path(self) -> str:
        return "/v1/openai/v1" if self.old else "/v1"

    @property
    def chat_model(self) -> str:
        return "parrot" if self.old else "local/parrot"


FORMS = {
    "ogx-1.5": Form("1.5.0", guards=False, owner="ogx"),
    "0.7": Form("0.7.3"),
    "0.2.14": Form("0.2.14", old=True),
}


class LlamaStackStandin(Standin):
    """Chat repeats what was said; files are kept, cut in sentences, and searched by words."""

    name, address = "llama_stack", "endpoint"
    prefix = ""
    profiles: ClassVar[tuple[str, ...]] = tuple(FORMS)
    own_faults: ClassVar[tuple[Fault, ...]] = OWN

    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        self.stores = Stores(self.form.old)
        self.lacks: tuple[str, ...] = ()
        """Ends of paths that this server shall not have."""

    @property
    def form(self) -> Form:
        return FORMS[self.profile]

    def routes(self) -> Mapping[str, Handler]:
        at = self.form.path
        stores, files = f"{at}/vector_stores", f"{at}/files"
        found: dict[str, Handler] = {
            "GET /v1/version": self._version,
            "GET /v1/health": self._health,
            "GET /v1/inspect/routes": self._routes,
            "GET /v1/models": self._models,
            f"POST {at}/chat/completions": self._chat,
            f"POST {at}/embeddings": self._embeddings,
            f"POST {at}/responses": self._responses,
            f"GET {files}": self.stores.files,
            f"POST {files}": self.stores.upload,
            f"DELETE {files}/{{file_id}}": self.stores.drop_file,
            f"GET {stores}": self.stores.all,
            f"POST {stores}": self.stores.make,
            f"DELETE {stores}/{{vector_store_id}}": self.stores.drop,
            f"POST {stores}/{{vector_store_id}}/files": self.stores.attach,
            f"GET {stores}/{{vector_store_id}}/files/{{file_id}}": self.stores.state,
            f"POST {stores}/{{vector_store_id}}/search": self.stores.search,
        }
        if self.form.old:
            found["POST /v1/inference/chat-completion"] = self._native
        if self.form.guards:
            found |= {"GET /v1/shields": self._shields, "POST /v1/safety/run-shield": self._shield}
        if self.form.guards and not self.form.old:
            found["POST /v1/moderations"] = self._moderations
        return {name: h for name, h in found.items() if not name.endswith(self.lacks or ("\0",))}

    def refusal(self, kind: str, call: Call) -> Reply:
        status = _STATUS[kind]
        if self.form.old:
            status = 400 if kind == "not_found" else status
            return Reply.json({"detail": f"Invalid value: {_WORDS[kind]}"}, status)
        error = {"message": _WORDS[kind]}
        if kind in _CODES:
            error["code"] = _CODES[kind]
        hint = {"retry_after": "1"} if kind in ("rate_limit", "overloaded") else {}
        return Reply.json({"error": error}, status).having(**hint)

    def broken(self, kind: str, call: Call) -> bytes:
        return event({"error": {"message": f"{_STATUS[kind]}: {_WORDS[kind]}"}})

    def authorised(self, call: Call) -> bool:
        """Without any key too, as on one's own machine."""
        return call.headers.get("authorization", f"Bearer {self.key}") == f"Bearer {self.key}"

    def unknown_route(self, call: Call) -> Reply:
        return Reply.json({"detail": "Not Found"}, 404)

    async def _version(self, call: Call) -> Reply:
        return Reply.json({"version": self.form.version})

    async def _health(self, call: Call) -> Reply:
        return Reply.json({"status": "OK"})

    async def _routes(self, call: Call) -> Reply:
        """Old servers leave out what their registries answer themselves."""
        hidden = ("GET /v1/models", "GET /v1/shields") if self.form.old else ()
        named = [name.split(" ") for name in self.routes() if name not in hidden]
        listed = [{"route": path, "method": m, "provider_types": []} for m, path in named]
        return Reply.json({"data": listed})

    async def _models(self, call: Call) -> Reply:
        both: tuple[tuple[str, str, Json], ...] = (
            ("parrot", "llm", {}),
            ("words", "embedding", {"embedding_dimension": _SIZE}),
        )
        if self.form.old:
            return Reply.json({"data": [
                {"identifier": name, "provider_resource_id": name, "provider_id": "local",
                 "type": "model", "metadata": facts, "model_type": kind}
                for name, kind, facts in both
            ]})  # fmt: skip
        return Reply.json({"object": "list", "data": [
            {"id": f"local/{name}", "object": "model", "created": CREATED,
             "owned_by": self.form.owner, "custom_metadata": {
                 "model_type": kind, "provider_id": "local", "provider_resource_id": name, **facts
             }}
            for name, kind, facts in both
        ]})  # fmt: skip

    def _known(self, call: Call) -> bool:
        asked = self.model(call) or str(call.object.get("model_id", ""))
        return asked == self.form.chat_model or "standin-" in asked

    async def _chat(self, call: Call) -> Reply:
        if not self._known(call):
            return self.refusal("not_found", call)
        body = call.json
        facts = {"id": "chatcmpl-1", "created": CREATED, "model": self.model(call)}
        if not body.get("stream"):
            return Reply.json(whole(body, facts, Style()))
        return Reply.sse(chunks(body, facts, Style()), end=b"")

    async def _native(self, call: Call) -> Reply:
        if not self._known(call):
            return self.refusal("not_found", call)
        if not call.json.get("stream"):
            return Reply.json(native_whole(call.json))
        return Reply.sse(native_events(call.json), end=b"")

    async def _embeddings(self, call: Call) -> Reply:
        body = call.json
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        binary = body.get("encoding_format") == "base64"
        data: list[Json] = [
            {"object": "embedding", "index": i, "embedding": _packed(
                vector(text, body.get("dimensions") or _SIZE), binary
            )}
            for i, text in enumerate(texts)
        ]  # fmt: skip
        used = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
        return Reply.json({"object": "list", "data": data, "model": body["model"], "usage": used})

    async def _responses(self, call: Call) -> Reply:
        if not self._known(call):
            return self.refusal("not_found", call)
        response = answered(call.json, self.stores, self.form.old)
        if not call.json.get("stream"):
            return Reply.json(response)
        return Reply.sse(streamed(response, self.form.old), end=b"")

    async def _shields(self, call: Call) -> Reply:
        shield = {
            "identifier": "guard", "provider_resource_id": "local/guard",
            "provider_id": "llama-guard", "type": "shield", "params": {},
        }  # fmt: skip
        return Reply.json({"data": [shield]})

    async def _shield(self, call: Call) -> Reply:
        body = call.json
        if body["shield_id"] != "guard":
            return self.refusal("invalid_input", call)
        text = " ".join(str(m["content"]) for m in body["messages"])
        if not (found := flagged(text, _HARM)):
            return Reply.json({"violation": None})
        told = {"violation_type": found[0]}
        words = "I can't answer that. Can I help with something else?"
        level = {"violation_level": "error", "user_message": words, "metadata": told}
        return Reply.json({"violation": level})

    async def _moderations(self, call: Call) -> Reply:
        body = call.json
        if body["model"] != "local/guard":
            return self.refusal("invalid_input", call)
        given = body["input"]
        results = []
        for text in [given] if isinstance(given, str) else given:
            found = flagged(text, _HARM)
            results.append({
                "flagged": bool(found),
                "categories": {name: name in found for name in _HARM},
                "category_applied_input_types": {name: ["text"] for name in found},
                "category_scores": {name: float(name in found) for name in _HARM},
                "user_message": None, "metadata": {},
            })  # fmt: skip
        return Reply.json({"id": "modr-1", "model": body["model"], "results": results})


def _packed(values: list[float], binary: bool) -> Any:
    if not binary:
        return values
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()
