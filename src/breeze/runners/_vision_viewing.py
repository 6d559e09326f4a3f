"""One request about pictures being answered, in a thread of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from breeze.contracts.events import Adjusted, ChatEvent, Finish, Progress, TextDelta
from breeze.contracts.runner import Work
from breeze.contracts.values import Usage
from breeze.runners._vision_answer import parts
from breeze.runners._vision_image import Limits, Picture
from breeze.runners._vision_look import Care, Look, Tools
from breeze.runners._vision_parameters import SystemVisionParameters
from breeze.runners._vision_question import Question
from breeze.runners._vision_request import Shown
from breeze.runners._vision_sentences import scene
from breeze.runners._vision_stop import Stop

MODEL = "system-vision-v1"


class Viewing:
    """One request being answered, in a thread of its own."""

    def __init__(
        self,
        tools: Tools,
        p: SystemVisionParameters,
        stop: Stop,
        question: Question,
        work: Work,
    ) -> None:
        self._work = work
        self._tools = tools
        self._p = p
        self._stop = stop
        self._question = question
        self._parts = parts(question)
        self._steps = list(dict.fromkeys(part.step for part in self._parts if part.step))

    def events(self, pictures: list[Shown]) -> Iterator[ChatEvent]:
        """The whole stream."""
        looks = [self._look(picture) for picture in pictures]
        for picture, look in zip(pictures, looks, strict=True):
            if look.facts.animated:
                why = "only the first frame is looked at"
                yield Adjusted(picture.field, "all frames", "first frame", why)
        for i, look in enumerate(looks, 1):
            yield from self._answer(look, i, len(looks))
        yield Usage(images=len(looks))
        yield Finish(metadata=self._summary(looks))

    def _look(self, picture: Shown) -> Look:
        p, low = self._p, picture.image.detail == "low"
        limits = Limits(p.max_bytes, p.max_pixels)
        opened = Picture(picture.image.data, picture.field, limits, self._stop, low=low)
        care = Care(p.min_confidence, p.read_side, p.max_lines, p.face_min_size, p.colours)
        return Look(opened, self._tools, care, self._stop, self._count)

    def _count(self) -> None:
        self._work.steps += 1

    def _answer(self, look: Look, i: int, of: int) -> Iterator[ChatEvent]:
        """Steps and sentences about one picture, each step right before its first sentence."""
        glue = ("\n" if i > 1 else "") + (f"Picture {i}: " if of > 1 else "")
        done = 0
        for part in self._parts:
            if part.step and part.step not in look.facts.methods:
                yield from self._step(look, part.step, done)
                done += 1
            if sentence := part.say(look.facts, self._question):
                yield TextDelta(glue + sentence)
                glue = " "

    def _step(self, look: Look, step: str, done: int) -> Iterator[ChatEvent]:
        total = len(self._steps)
        facts: dict[str, Any] = {
            "analysis_step": step,
            "current_step": done + 1,
            "total_steps": total,
        }
        yield Progress(step, done, total, metadata=facts)
        for tick in look.step(step):
            if tick.region is not None:
                now = facts | {"processing_region": tick.region._asdict()}
                yield Progress(step, round(done + tick.done, 3), total, metadata=now)
        seen = {"detected_objects": _objects([look]), "scene_description": scene(look.facts)}
        yield Progress(step, done + 1, total, metadata=facts | seen)

    def _summary(self, looks: list[Look]) -> dict[str, Any]:
        """The metadata of the whole answer."""
        facts = [look.facts for look in looks]
        lines = [line.confidence for one in facts for line in one.lines or ()]
        sure = {"confidence": round(sum(lines) / len(lines), 3)} if lines else {}
        return sure | {
            "model_name": MODEL,
            "methods": list(dict.fromkeys(method for one in facts for method in one.methods)),
            "detected_objects": _objects(looks),
            "scene_description": " ".join(scene(one) for one in facts),
            "image_format": facts[-1].format,
            "image_size_bytes": sum(one.size_bytes for one in facts),
            "analysis_mode": "description" if len(self._steps) > 2 else "qa",
            "total_steps": len(self._steps) * len(looks),
        }


def _objects(looks: list[Look]) -> list[dict[str, Any]]:
    """Everything with a place; with several pictures each thing says in which (from 0)."""
    several = len(looks) > 1
    return [
        seen | ({"image": i} if several else {})
        for i, look in enumerate(looks)
        for seen in look.facts.objects()
    ]
