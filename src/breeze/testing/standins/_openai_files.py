"""Files and batches, kept in memory. A batch is done as soon as it is asked for."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from breeze.testing.standins._call import Call
from breeze.testing.standins._openai_chat import CREATED, Json
from breeze.testing.standins._reply import Reply

_CHAT = "/v1/chat/completions"


class Files:
    """What was uploaded, and what came of batches."""

    def __init__(self) -> None:
        self._data: dict[str, bytes] = {}
        self._facts: dict[str, Json] = {}
        self._batches: dict[str, Json] = {}

    async def put(self, call: Call) -> Reply:
        file = next(p for p in call.form if p.name == "file")
        return Reply.json(self._keep(file.filename, file.data, call.value("purpose")))

    def _keep(self, name: str, data: bytes, purpose: str) -> Json:
        id = f"file-{len(self._data) + 1}"
        self._data[id] = data
        self._facts[id] = {
            "id": id, "object": "file", "bytes": len(data), "created_at": CREATED,
            "filename": name, "purpose": purpose, "status": "processed",
        }  # fmt: skip
        return self._facts[id]

    async def all(self, call: Call) -> Reply:
        found = list(self._facts.values())
        ends = {"first_id": found[0]["id"], "last_id": found[-1]["id"]} if found else {}
        return Reply.json({"object": "list", "data": found, "has_more": False, **ends})

    async def one(self, call: Call) -> Reply:
        return _found(self._facts.get(call.match["id"]))

    async def content(self, call: Call) -> Reply:
        data = self._data.get(call.match["id"])
        return _found(None) if data is None else Reply.raw(data, "application/octet-stream")

    async def delete(self, call: Call) -> Reply:
        id = call.match["id"]
        self._data.pop(id, None)
        known = self._facts.pop(id, None)
        return _found(known and {"id": id, "object": "file", "deleted": True})

    def run(self, call: Call, answer: Callable[[Json], Json]) -> Reply:
        """Do what stands in a file of chat requests; what is no chat fails by itself."""
        body = call.json
        lines = self._data[body["input_file_id"]].splitlines()
        done = [_line(i, msgspec.json.decode(line), answer) for i, line in enumerate(lines)]
        failed = sum(d["error"] is not None for d in done)
        data = b"\n".join(map(msgspec.json.encode, done))
        id = f"batch_{len(self._batches) + 1}"
        self._batches[id] = {
            "id": id, "object": "batch", "endpoint": body["endpoint"], "status": "completed",
            "input_file_id": body["input_file_id"], "created_at": CREATED,
            "completion_window": body["completion_window"],
            "output_file_id": self._keep(f"{id}.jsonl", data, "batch_output")["id"],
            "request_counts": {
                "total": len(done), "completed": len(done) - failed, "failed": failed
            },
        }  # fmt: skip
        return Reply.json(self._batches[id])

    async def batch(self, call: Call) -> Reply:
        return _found(self._batches.get(call.match["id"]))


def _line(number: int, asked: Json, answer: Callable[[Json], Json]) -> Json:
    told: Json = {"id": f"batch_req_{number}", "custom_id": asked["custom_id"]}
    if asked["url"] != _CHAT:
        error = {"code": "invalid_url", "message": f"{asked['url']} is not served in batches"}
        return told | {"response": None, "error": error}
    response = {"status_code": 200, "request_id": f"req_b{number}", "body": answer(asked["body"])}
    return told | {"response": response, "error": None}


def _found(value: Json | None) -> Reply:
    if value is None:
        words = {"message": "No such file or batch.", "type": "invalid_request_error"}
        return Reply.json({"error": words | {"param": "id", "code": None}}, 404)
    return Reply.json(value)
