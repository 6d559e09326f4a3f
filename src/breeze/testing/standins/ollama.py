"""Ollama: its native routes, with models that are loaded, kept, dropped and pulled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import msgspec

from breeze.testing.standins._fault import Fault
from breeze.testing.standins._ollama_chat import Json, Said, lines, prompt_size, said_to, whole
from breeze.testing.standins._ollama_faults import OWN
from breeze.testing.standins._ollama_store import Model, Store, moment
from breeze.testing.standins._said import tokens, vector
from breeze.testing.standins._server import Call, Handler, Reply, Standin

_SIZE = 8
"""Dimensions of an embedding unless asked otherwise."""
_ABILITIES = {
    "usual": ("completion", "tools", "vision", "thinking"),
    "plain": ("completion",),
    "old": ("completion", "tools", "vision"),
    "cloud": ("completion", "tools", "vision", "thinking"),
}
"""What the chat model can do, by profile. An old server lists no abilities and knows no
dimensions; the cloud wants a key."""
_REFUSALS: dict[str, tuple[int, str]] = {
    "authentication": (401, "unauthorized"),
    "permission": (403, "you may not use this model"),
    "quota": (402, "payment required"),
    "rate_limit": (429, "too many requests"),
    "invalid_input": (400, "invalid option provided: temperature"),
    "context": (400, "the input length exceeds the context length"),
    "not_found": (404, "model '{model}' not found"),
    "timeout": (504, "context deadline exceeded"),
    "network": (502, "upstream: connection refused"),
    "model_not_loaded": (500, "llama runner process has terminated: exit status 2"),
    "content_blocked": (403, "the request was refused"),
    "overloaded": (503, "server busy, please try again.  maximum pending requests exceeded"),
    "internal": (500, "an unknown error was encountered while running the model"),
}


class OllamaStandin(Standin):
    """Chat repeats what was said, word by word; a picture is told by its type and size."""

    name = "ollama"
    prefix = ""
    profiles: ClassVar[tuple[str, ...]] = tuple(_ABILITIES)
    own_faults: ClassVar[tuple[Fault, ...]] = OWN
    terminal = b"no mark of its own: the last line says done"

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.store = Store(_ABILITIES[self.profile])

    def routes(self) -> Mapping[str, Handler]:
        return {
            "GET /": self._root,
            "GET /api/version": self._version,
            "GET /api/tags": self._tags,
            "GET /api/ps": self._ps,
            "POST /api/show": self._show,
            "POST /api/pull": self._pull,
            "POST /api/chat": self._chat,
            "POST /api/generate": self._generate,
            "POST /api/embed": self._embed,
            "POST /api/embeddings": self._embeddings,
        }

    def authorised(self, call: Call) -> bool:
        return self.profile != "cloud" or super().authorised(call)

    def refusal(self, kind: str, call: Call) -> Reply:
        status, _ = _REFUSALS[kind]
        reply = Reply.json(self._error(kind, call), status)
        return reply.having(retry_after="1") if status in (429, 503) else reply

    def broken(self, kind: str, call: Call) -> bytes:
        return msgspec.json.encode(self._error(kind, call)) + b"\n"

    def _error(self, kind: str, call: Call) -> Json:
        text = _REFUSALS[kind][1].format(model=self.model(call))
        if kind == "not_found" and self.profile == "old":
            text = f'model "{self.model(call)}" not found, try pulling it first'
        return {"error": text}

    def advance(self, seconds: float) -> None:
        """Let time pass for models that are kept for a while."""
        self.store.now += seconds

    def unknown_route(self, call: Call) -> Reply:
        return Reply.raw(b"404 page not found", "text/plain", status=404)

    # What is served

    async def _root(self, call: Call) -> Reply:
        return Reply.raw(b"Ollama is running", "text/plain; charset=utf-8")

    async def _version(self, call: Call) -> Reply:
        return Reply.json({"version": "0.32.0"})

    async def _tags(self, call: Call) -> Reply:
        return Reply.json({"models": [self._listed(m) for m in self.store.models.values()]})

    def _listed(self, model: Model) -> Json:
        facts = {
            "name": model.name, "model": model.name, "modified_at": moment(0), "size": 1_000_000,
            "digest": model.digest, "details": model.details,
        }  # fmt: skip
        if self.profile == "old":
            return facts
        details = model.details | {"context_length": model.context}
        return facts | {"details": details, "capabilities": list(model.abilities)}

    async def _ps(self, call: Call) -> Reply:
        return Reply.json({"models": self.store.running()})

    async def _show(self, call: Call) -> Reply:
        model = self.store.find(call.json["model"])
        if model is None:
            return self.refusal("not_found", call)
        info = {"general.architecture": "parrot", "parrot.context_length": model.context}
        return Reply.json({
            "modelfile": "FROM parrot", "parameters": "", "template": "{{ .Prompt }}",
            "details": model.details, "model_info": info,
            "capabilities": list(model.abilities), "modified_at": moment(0),
        })  # fmt: skip

    async def _pull(self, call: Call) -> Reply:
        name = call.json["model"]
        if name.startswith("no-such"):
            missing = {"error": "pull model manifest: file does not exist"}
            return Reply.lines([{"status": "pulling manifest"}, missing])
        self.store.add(name)
        steps = list(_steps())
        return Reply.lines(steps) if call.json.get("stream", True) else Reply.json(steps[-1])

    async def _chat(self, call: Call) -> Reply:
        body = call.json
        model = self.store.find(body["model"])
        if model is None:
            return self.refusal("not_found", call)
        if why := self._unable(model, body):
            return Reply.json({"error": why}, 400)
        known = self.store.keep(model, body.get("keep_alive"))
        if not body.get("messages"):
            reason = "load" if self.store.is_loaded(model) else "unload"
            said = Said("", "", (), reason, 0)
        elif self._too_long(model, body, prompt_size(body["messages"])):
            return self.refusal("context", call)
        else:
            try:
                said = said_to(body)
            except ValueError as error:
                return Reply.json({"error": str(error)}, 400)
        if body.get("stream", True):
            return Reply.lines(lines(body, said, known))
        return Reply.json(whole(body, said, known))

    def _unable(self, model: Model, body: Json) -> str:
        """Why this model cannot do what is asked; "" when it can."""
        wanted = {"chat": True, "tools": body.get("tools"), "thinking": body.get("think"),
                  "vision": any(m.get("images") for m in body.get("messages") or ())}  # fmt: skip
        for what, asked in wanted.items():
            if asked and not model.able("completion" if what == "chat" else what):
                return f'"{body["model"]}" does not support {what}'
        return ""

    def _too_long(self, model: Model, body: Json, size: int) -> bool:
        room = (body.get("options") or {}).get("num_ctx") or model.context
        return size > room and body.get("truncate", True) is False

    async def _generate(self, call: Call) -> Reply:
        body = call.json
        if self.store.find(body["model"]) is None:
            return self.refusal("not_found", call)
        said = said_to(body | {"messages": [{"role": "user", "content": body.get("prompt") or ""}]})
        told = [_as_generated(line) for line in lines(body, said, True)]
        if body.get("stream", True):
            return Reply.lines(told)
        return Reply.json(_as_generated(whole(body, said, True)))

    async def _embed(self, call: Call) -> Reply:
        body = call.json
        model = self.store.find(body["model"])
        if model is None:
            return self.refusal("not_found", call)
        if not model.able("embedding"):
            return Reply.json({"error": f'"{body["model"]}" does not support embeddings'}, 400)
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        if any(self._too_long(model, body, len(tokens(text))) for text in texts):
            return self.refusal("context", call)
        self.store.keep(model, body.get("keep_alive"))
        size = _SIZE if self.profile == "old" else body.get("dimensions") or _SIZE
        count = sum(len(tokens(text)) for text in texts)
        return Reply.json({
            "model": body["model"], "embeddings": [vector(text, size) for text in texts],
            "total_duration": 2_000_000, "load_duration": 1_000_000, "prompt_eval_count": count,
        })  # fmt: skip

    async def _embeddings(self, call: Call) -> Reply:
        return Reply.json({"embedding": vector(call.json.get("prompt") or "", _SIZE)})


def _as_generated(line: Json) -> Json:
    """A line of a chat as one of a completion."""
    message = line["message"]
    told = {"response": message["content"]} | {n: message[n] for n in ("thinking",) if n in message}
    return {name: value for name, value in line.items() if name != "message"} | told


def _steps() -> Iterator[Json]:
    yield {"status": "pulling manifest"}
    for digest, total in (("sha256:" + "a" * 64, 4000), ("sha256:" + "b" * 64, 1000)):
        for done in (0, total // 2, total):
            step: Json = {"status": f"pulling {digest[7:19]}", "digest": digest, "total": total}
            yield step | ({"completed": done} if done else {})
    yield {"status": "verifying sha256 digest"}
    yield {"status": "writing manifest"}
    yield {"status": "success"}
