"""The work of the server: tasks that were accepted, what becomes of them, what they cost."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from breeze.testing.standins._runware_check import OLD_NAMES, Json, error
from breeze.testing.standins._runware_pictures import picture

PRICE = 0.0013
"""Dollars for one result."""
_FAILS = re.compile(r"\b(?P<how>fail|flaky):(?P<code>[A-Za-z]+)")
_ENDINGS = {"PNG": "png", "JPG": "jpg", "WEBP": "webp"}


@dataclass
class Made:
    """One task that was accepted. `polls`: how often it will still be found unfinished."""

    task: Json
    polls: int
    failure: Json | None = None

    @property
    def count(self) -> int:
        return int(self.task.get("numberResults") or 1)


class Workshop:
    """All tasks of one account. Prompts steer it: `fail:CODE` fails with that code, and
    `flaky:CODE` the first time only; `nsfw` is flagged where that is asked for.
    """

    def __init__(self) -> None:
        self.polls = 0
        """How often a task that is accepted now will be found unfinished."""
        self.inline = ""
        """Send results in this way, whatever was asked for: base64Data or dataURI."""
        self.tasks: dict[str, Made] = {}
        self.billed: dict[str, float] = {}
        """Dollars by task, for all that was ever charged."""
        self.files: dict[str, bytes] = {}
        self._flaky: set[str] = set()

    @property
    def cost(self) -> float:
        """Dollars that were charged in all."""
        return sum(self.billed.values())

    def accept(self, task: Json) -> Json | None:
        """Take a task on; the error when it is refused."""
        uuid = task["taskUUID"]
        if uuid in self.tasks and self.tasks[uuid].failure is None:
            return error("duplicateTaskUUID", "This task is known already.", task, "taskUUID")
        made = self.tasks[uuid] = Made(task, self.polls, self._failure(task))
        if made.failure is None:
            self.billed[uuid] = PRICE * made.count
        return None

    def fail(self, uuid: str, failure: Json) -> None:
        """A task that was accepted fails."""
        if uuid in self.tasks:
            self.tasks[uuid].failure = failure
            self.billed.pop(uuid, None)

    def _failure(self, task: Json) -> Json | None:
        prompt = str(task.get("positivePrompt") or task.get("prompt") or "")
        found = _FAILS.search(prompt)
        if found is None or (found["how"] == "flaky" and prompt in self._flaky):
            return None
        self._flaky.add(prompt)
        return error(found["code"], f"{found['code']} (stand-in)", task, status="error")

    def ask(self, uuid: str) -> tuple[list[Json], list[Json]]:
        """What is known of a task: items, errors."""
        made = self.tasks.get(uuid)
        if made is None:
            about: Json = {"taskType": "getResponse", "taskUUID": uuid}
            return [], [error("taskFailedOrNotFound", "No such task is known.", about, "taskUUID")]
        if made.polls > 0:
            made.polls -= 1
            about = {"taskType": made.task["taskType"], "taskUUID": uuid}
            return [about | {"status": "processing", "progress": 50}], []
        if made.failure is not None:
            return [], [made.failure]
        return [item | {"status": "success"} for item in self.results(made)], []

    def results(self, made: Made) -> list[Json]:
        """The items of a task that is done: the same each time."""
        task = made.task
        kind = OLD_NAMES.get(task["taskType"], task["taskType"])
        about: Json = {"taskType": task["taskType"], "taskUUID": task["taskUUID"]}
        if task.get("includeCost"):
            about["cost"] = PRICE
        if kind == "caption":
            return [about | {"text": self._caption(task)}]
        return [about | self._picture(task, number) for number in range(made.count)]

    def _caption(self, task: Json) -> str:
        inputs = task.get("inputs") or {}
        image = str(inputs.get("image") or task.get("inputImage") or "")
        data = base64.b64decode(image.partition(",")[2]) if image.startswith("data:") else b""
        asked = f" You asked: {task['prompt']}" if task.get("prompt") else ""
        return f"A picture of {len(data)} bytes.{asked}"

    def _picture(self, task: Json, number: int) -> Json:
        said = f"{task['taskUUID']}/{number}"
        uuid = str(UUID(bytes=hashlib.sha256(said.encode()).digest()[:16], version=4))
        form = task.get("outputFormat") or "JPG"
        name = f"{uuid}.{_ENDINGS[form]}"
        seed = int(task.get("seed") or int(uuid[:8], 16)) + number
        data = self.files.setdefault(name, picture(drawn(task, number), *_size(task), form))
        item: Json = {"imageUUID": uuid, "seed": seed}
        if task.get("safety", {}).get("checkContent"):
            item["NSFWContent"] = "nsfw" in str(task.get("positivePrompt")).lower()
        kind = self.inline or task.get("outputType") or "URL"
        if kind == "URL":
            return item | {"imageURL": name}
        text = base64.b64encode(data).decode()
        if kind == "base64Data":
            return item | {"imageBase64Data": text}
        mime = f"image/{'jpeg' if form == 'JPG' else form.lower()}"
        return item | {"imageDataURI": f"data:{mime};base64,{text}"}


def drawn(task: Json, number: int) -> str:
    """What the colour of a picture follows from: all that was wished for, and which one it is."""
    wished = {
        k: v for k, v in task.items() if k not in ("taskUUID", "deliveryMethod", "includeCost")
    }
    return f"{sorted(wished.items(), key=str)} {number}"


def _size(task: Json) -> tuple[int, int]:
    if task["taskType"] == "imageInference":
        return int(task["width"]), int(task["height"])
    factor = int(task.get("upscaleFactor") or 1)
    return 256 * factor, 256 * factor


def error_of(task: Any) -> Json:
    """For an item that is no task at all."""
    return error("invalidTask", f"{type(task).__name__} is no task.", {})
