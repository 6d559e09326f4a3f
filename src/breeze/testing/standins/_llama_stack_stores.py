"""Files and vector stores: kept for real, cut in sentences, searched by the words they share."""

from __future__ import annotations

import re
from typing import Any

from breeze.testing.standins._openai_chat import CREATED, Json
from breeze.testing.standins._reply import Reply
from breeze.testing.standins._server import Call

_WORD = re.compile(r"\w+")
_DULL = {"a", "an", "the", "is", "are", "of", "in", "on", "what", "who", "where", "which", "how"}


class Stores:
    """What was uploaded. `pending`: looks at a file before it counts as read in."""

    def __init__(self, old: bool) -> None:
        self._old = old
        self._made = 0
        self._files: dict[str, tuple[str, bytes]] = {}
        self._stores: dict[str, dict[str, int]] = {}
        self.pending = 0

    @property
    def kept(self) -> list[str]:
        """The ids of all files and stores that are there."""
        return [*self._files, *self._stores]

    def _next(self, kind: str) -> str:
        self._made += 1
        return f"{kind}{self._made}"

    async def files(self, call: Call) -> Reply:
        return Reply.json({"data": [self._file(id) for id in self._files], "has_more": False})

    def _file(self, id: str) -> Json:
        name, data = self._files[id]
        return {
            "object": "file", "id": id, "bytes": len(data), "created_at": CREATED,
            "expires_at": CREATED + 86_400, "filename": name, "purpose": "assistants",
            "status": "processed", "status_details": "",
        }  # fmt: skip

    async def upload(self, call: Call) -> Reply:
        (part,) = [part for part in call.form if part.name == "file"]
        id = self._next("file-")
        self._files[id] = (part.filename, part.data)
        return Reply.json(self._file(id))

    async def drop_file(self, call: Call) -> Reply:
        if self._files.pop(call.match["file_id"], None) is None:
            return _missing("File")
        return Reply.json({"id": call.match["file_id"], "object": "file", "deleted": True})

    async def all(self, call: Call) -> Reply:
        return Reply.json({"object": "list", "data": [self._store(id) for id in self._stores]})

    def _store(self, id: str) -> Json:
        done = len(self._stores[id])
        counts = {"completed": done, "cancelled": 0, "failed": 0, "in_progress": 0, "total": done}
        return {
            "id": id, "object": "vector_store", "created_at": CREATED, "status": "completed",
            "name": "", "usage_bytes": 0, "file_counts": counts, "metadata": {},
        }  # fmt: skip

    async def make(self, call: Call) -> Reply:
        """Old servers take the name as the id, and want to be told the model."""
        body = call.json
        if self._old and not (body.get("embedding_model") and body.get("embedding_dimension")):
            return Reply.json({"detail": "Invalid value: embedding_model is required"}, 400)
        id = body["name"] if self._old else self._next("vs_")
        self._stores[id] = {}
        return Reply.json({**self._store(id), "name": body.get("name")})

    async def drop(self, call: Call) -> Reply:
        id = call.match["vector_store_id"]
        if self._stores.pop(id, None) is None:
            return _missing("Vector_store")
        return Reply.json({"id": id, "object": "vector_store.deleted", "deleted": True})

    async def attach(self, call: Call) -> Reply:
        store, file = self._stores.get(call.match["vector_store_id"]), call.json["file_id"]
        if store is None or file not in self._files:
            return _missing("Vector_store")
        store[file] = self.pending
        return Reply.json(self._state(call.match["vector_store_id"], file))

    async def state(self, call: Call) -> Reply:
        store, file = call.match["vector_store_id"], call.match["file_id"]
        if file not in self._stores.get(store, {}):
            return _missing("Vector_store")
        self._stores[store][file] = max(0, self._stores[store][file] - 1)
        return Reply.json(self._state(store, file))

    def _state(self, store: str, file: str) -> Json:
        try:
            self._files[file][1].decode()
        except UnicodeDecodeError:
            status = "failed"
        else:
            status = "in_progress" if self._stores[store][file] else "completed"
        why = {"code": "server_error", "message": "no text in this file"}
        error = why if status == "failed" else None
        return {
            "id": file, "object": "vector_store.file", "status": status, "last_error": error,
            "vector_store_id": store, "created_at": CREATED, "usage_bytes": 0, "attributes": {},
            "chunking_strategy": {"type": "auto"},
        }  # fmt: skip

    async def search(self, call: Call) -> Reply:
        id, body = call.match["vector_store_id"], call.json
        if id not in self._stores:
            return _missing("Vector_store")
        found = self.found([id], body["query"], body.get("max_num_results") or 10)
        data = [
            {**{k: v for k, v in one.items() if k != "text"},
             "content": [{"type": "text", "text": one["text"]}]}
            for one in found
        ]  # fmt: skip
        page = {"object": "vector_store.search_results.page", "search_query": [body["query"]]}
        return Reply.json({**page, "data": data, "has_more": False, "next_page": None})

    def found(self, stores: list[str], query: str, most: int) -> list[Json]:
        """The sentences that share words with the query, the best first."""
        wanted = _words(query)
        hits: list[tuple[float, Json]] = []
        for file in (file for id in stores for file in self._stores.get(id, ())):
            name, data = self._files[file]
            for sentence in re.split(r"(?<=[.!?])\s+", data.decode("utf-8", "replace").strip()):
                shared = len(wanted & _words(sentence))
                if shared:
                    score = shared / max(1, len(wanted))
                    hits.append((score, self._hit(file, name, sentence, score)))
        hits.sort(key=lambda hit: -hit[0])
        return [hit for _, hit in hits[:most]]

    def _hit(self, file: str, name: str, text: str, score: float) -> Json:
        """Old servers do not say which file it is."""
        facts: dict[str, Any] = {"document_id": f"doc-of-{file}", "file_id": file, "filename": name}
        if self._old:
            return {"file_id": "", "filename": "", "score": score, "text": text, "attributes": {}}
        return {"file_id": facts["document_id"], "filename": facts["document_id"], "score": score,
                "text": text, "attributes": facts}  # fmt: skip


def _words(text: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(text)} - _DULL


def _missing(what: str) -> Reply:
    """They say 400 where others say 404."""
    return Reply.json({"error": {"message": f"{what} not found"}}, 400)
