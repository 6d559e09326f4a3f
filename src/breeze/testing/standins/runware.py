"""Runware over REST: an array of tasks to one address, polling, and a host of pictures beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import msgspec

from breeze.testing.standins._fault import Fault, Scene
from breeze.testing.standins._runware_check import Json, error, wrong
from breeze.testing.standins._runware_work import PRICE, Workshop, error_of
from breeze.testing.standins._server import Call, Handler, Reply, Standin

__all__ = ["PRICE", "RunwareStandin"]

_WORDS: Mapping[str, tuple[int, str, str]] = {
    "authentication": (401, "invalidApiKey", "The API key is not valid."),
    "permission": (403, "forbidden", "The key may not do this."),
    "quota": (402, "insufficientCredits", "The balance is used up."),
    "rate_limit": (429, "rateLimitExceeded", "The queue is full."),
    "invalid_input": (400, "invalidSteps", "steps must be 1 to 100."),
    "context": (400, "invalidPositivePrompt", "The prompt must have 2 to 3000 characters."),
    "not_found": (404, "modelNotFound", "There is no such model."),
    "timeout": (504, "timeoutProvider", "The provider took too long."),
    "network": (503, "serviceUnavailable", "It cannot be reached."),
    "model_not_loaded": (503, "modelNotReady", "The model is not ready."),
    "content_blocked": (400, "contentPolicyViolation", "The prompt is not allowed."),
    "overloaded": (503, "serviceUnavailable", "It is overloaded."),
    "internal": (500, "internalServerError", "It failed."),
}
_PARAMETER = {"invalid_input": "steps", "context": "positivePrompt", "not_found": "model"}


def _changed(change: Callable[[Json], Json]) -> Callable[[Scene], Reply]:
    """Another answer, made from the one that would have been."""

    def play(scene: Scene) -> Reply:
        body = msgspec.json.decode(scene.reply.body)
        return Reply.json(change(body), scene.reply.status)

    return play


def _partial(scene: Scene) -> Reply:
    """The last task fails after all, and is not charged for."""
    body = msgspec.json.decode(scene.reply.body)
    *kept, last = body.get("data") or [{}]
    failed = error("inferenceError", "It failed (stand-in).", last, status="error")
    assert isinstance(scene.vendor, RunwareStandin)
    scene.vendor.work.fail(str(last.get("taskUUID")), failed)
    return Reply.json({"data": kept, "errors": [*body.get("errors", ()), failed]})


def _shuffled(body: Json) -> Json:
    return body | {"data": body.get("data", [])[::-1]}


def _doubled(body: Json) -> Json:
    """Each item twice, between them one of a task that nobody asked about."""
    data = body.get("data", [])
    other = {"taskUUID": "00000000-0000-4000-8000-000000000000", "imageURL": "other.png"}
    return body | {"data": [*data, {"taskType": "imageInference"} | other, *data]}


class Pictures(Standin):
    """The host of finished pictures. It wants no key, and takes it amiss to get one."""

    name = "pictures"
    prefix = ""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.files: Mapping[str, bytes] = {}

    def routes(self) -> Mapping[str, Handler]:
        return {"GET /image/{name}": self._image}

    def authorised(self, call: Call) -> bool:
        return True

    async def _image(self, call: Call) -> Reply:
        if "authorization" in call.headers:
            self.problems.append("a key was sent to the host of pictures")
        name = call.match["name"]
        if name not in self.files:
            return self.refusal("not_found", call)
        ending = name.rpartition(".")[2]
        return Reply.raw(self.files[name], f"image/{'jpeg' if ending == 'jpg' else ending}")


class RunwareStandin(Standin):
    """`work.billed` is what was charged for; `images` serves the results, on a port of its own."""

    name = "runware"
    capability = "IMAGE"
    own_faults: ClassVar[tuple[Fault, ...]] = (
        Fault("partial", 28, "One of several fails", "its error stands beside the others' data",
              "during", _partial),
        Fault("out-of-order", 29, "Results in another order", "data backwards", "shape",
              _changed(_shuffled), harmless=True),
        Fault("doubled", 29, "Results twice, and a stranger's", "data twice, and an item of a "
              "task that nobody asked about", "shape", _changed(_doubled), harmless=True),
    )  # fmt: skip

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.work = Workshop()
        self.images = Pictures()
        self.images.files = self.work.files

    async def _begin(self, port: int, tls: bool) -> None:
        await super()._begin(port, tls)
        await self.images._begin(0, False)

    async def _stop(self) -> None:
        await self.images._stop()
        self.problems += self.images.problems
        await super()._stop()

    def routes(self) -> Mapping[str, Handler]:
        return {"POST ": self._tasks, "POST /": self._tasks}

    def model(self, call: Call) -> str:
        return next((str(task["model"]) for task in _tasks_of(call) if task.get("model")), "")

    def authorised(self, call: Call) -> bool:
        if super().authorised(call):
            return True
        first = next(iter(_tasks_of(call)), {})
        return first.get("taskType") == "authentication" and first.get("apiKey") == self.key

    def refusal(self, kind: str, call: Call) -> Reply:
        status, code, message = _WORDS.get(kind, _WORDS["internal"])
        said = error(code, message, {}, _PARAMETER.get(kind, ""))
        return Reply.json({"errors": [said]}, status)

    async def _tasks(self, call: Call) -> Reply:
        tasks = call.json
        if not isinstance(tasks, list):
            said = error("invalidPayload", "The body must be an array of tasks.", {})
            return Reply.json({"errors": [said]}, 400)
        data: list[Json] = []
        errors: list[Json] = []
        for task in tasks:
            items, wrongs = self._one(task)
            data += items
            errors += wrongs
        for item in data:
            if "imageURL" in item:
                item["imageURL"] = f"{self.images.origin}/image/{item['imageURL']}"
        body = ({"data": data} if data or not errors else {}) | (
            {"errors": errors} if errors else {}
        )
        return Reply.json(body, 400 if errors and not data and _invalid(errors) else 200)

    def _one(self, task: Any) -> tuple[list[Json], list[Json]]:
        """Items and errors of one task of a request."""
        if not isinstance(task, dict) or "taskType" not in task:
            return [], [error_of(task)]
        if task["taskType"] == "authentication":
            return [{"taskType": "authentication", "connectionSessionUUID": "standin"}], []
        if task["taskType"] == "getResponse":
            return self.work.ask(str(task.get("taskUUID")))
        if (refused := wrong(task) or self.work.accept(task)) is not None:
            return [], [refused]
        made = self.work.tasks[task["taskUUID"]]
        if task.get("deliveryMethod") == "async":
            return [{"taskType": task["taskType"], "taskUUID": task["taskUUID"]}], []
        made.polls = 0
        return ([], [made.failure]) if made.failure else (self.work.results(made), [])


def _tasks_of(call: Call) -> list[Json]:
    try:
        tasks = call.json
    except msgspec.DecodeError:
        return []
    return [t for t in tasks if isinstance(t, dict)] if isinstance(tasks, list) else []


def _invalid(errors: list[Json]) -> bool:
    """Whether the tasks were wrong, rather than lost or failed."""
    return all(e["code"].startswith(("invalid", "missing", "unsupported")) for e in errors)
