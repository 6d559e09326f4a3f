"""What the text of an answer may need: think tags taken out, what was given before taken off."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from breeze.contracts.events import ChatEvent, Finish, ReasoningDelta, TextDelta
from breeze.contracts.values import Usage
from breeze.runners._http_answer import Answer
from breeze.runners._openai_reply import Reply

_OPEN, _CLOSE = "<think>", "</think>"
_CERTAIN = 16
"""Characters that an answer does not repeat by chance."""
Step = Callable[[TextDelta], list[ChatEvent]]


class Thinking:
    """One choice whose text may begin with reasoning between tags, which may be split anywhere.

    Tags count at the beginning only: later ones are text about tags. An opening tag may be
    missing when the server put it into the prompt; then nothing is known to be reasoning.
    """

    def __init__(self) -> None:
        self._state = "before"
        self._held = ""

    def take(self, event: TextDelta) -> list[ChatEvent]:
        if self._state == "after":
            return [event]
        if self._state == "between":
            return self._spoken(event.text, event)
        held = self._held + event.text
        if self._state == "before":
            begun = held.lstrip()
            if not begun or (len(begun) < len(_OPEN) and _OPEN.startswith(begun)):
                self._held = held
                return []
            if not begun.startswith(_OPEN):
                self._state, self._held = "after", ""
                return [replace(event, text=held)]
            self._state, held = "within", begun[len(_OPEN) :]
        return self._within(held, event)

    def _within(self, held: str, event: TextDelta) -> list[ChatEvent]:
        thought, closed, text = held.partition(_CLOSE)
        if closed:
            self._state, self._held = "between", ""
        else:
            kept = _overlap(held, _CLOSE)
            thought, self._held = held[: len(held) - kept], held[len(held) - kept :]
        found: list[ChatEvent] = [ReasoningDelta(thought, event.choice)] if thought else []
        return [*found, *(self._spoken(text, event) if closed else ())]

    def _spoken(self, text: str, event: TextDelta) -> list[ChatEvent]:
        """Text after the reasoning, without the line breaks between the two."""
        text = text.lstrip("\n")
        if not text:
            return []
        self._state = "after"
        return [replace(event, text=text)]

    def rest(self, choice: int) -> list[ChatEvent]:
        """What is still held at the end."""
        held, self._held = self._held, ""
        if not held:
            return []
        return [(ReasoningDelta if self._state == "within" else TextDelta)(held, choice)]


class Unrepeated:
    """One choice that may begin with a repetition of what it was given to continue."""

    def __init__(self, given: str, *, sure: bool) -> None:
        self._given = given if sure or len(given) >= _CERTAIN else ""
        self._held = ""

    def take(self, event: TextDelta) -> list[ChatEvent]:
        if not self._given:
            return [event]
        held = self._held + event.text
        if len(held) < len(self._given) and self._given.startswith(held):
            self._held = held
            return []
        text = held.removeprefix(self._given)
        self._given = self._held = ""
        return [replace(event, text=text)] if text else []

    def rest(self, choice: int) -> list[ChatEvent]:
        """What is still held at the end: it only began like what was given."""
        held, self._held = self._held, ""
        return [TextDelta(held, choice)] if held else []


def _overlap(text: str, tag: str) -> int:
    """How many characters at the end of `text` may be the beginning of `tag`."""
    return next((n for n in range(len(tag) - 1, 0, -1) if text.endswith(tag[:n])), 0)


class Shape:
    """Both for all choices of one answer."""

    def __init__(self, *, think: bool, given: str, sure: bool) -> None:
        self._think, self._given, self._sure = think, given, sure
        self._choices: dict[int, list[Thinking | Unrepeated]] = {}

    def events(self, found: Iterable[ChatEvent]) -> list[ChatEvent]:
        """`found` in their new shape."""
        made: list[ChatEvent] = []
        for event in found:
            if type(event) is TextDelta and not event.metadata:
                made += self._through(event, self._steps(event.choice))
            elif type(event) is Finish or type(event) is Usage:
                made += [*self.rest(), event]
            else:
                made.append(event)
        return made

    def rest(self) -> list[ChatEvent]:
        """What is held back, when nothing more comes."""
        made: list[ChatEvent] = []
        for choice, steps in self._choices.items():
            for place, step in enumerate(steps):
                for event in step.rest(choice):
                    later = steps[place + 1 :]
                    made += self._through(event, later) if type(event) is TextDelta else [event]
        return made

    def _steps(self, choice: int) -> list[Thinking | Unrepeated]:
        if choice not in self._choices:
            steps: list[Thinking | Unrepeated] = []
            if self._given:
                steps.append(Unrepeated(self._given, sure=self._sure))
            if self._think:
                steps.append(Thinking())
            self._choices[choice] = steps
        return self._choices[choice]

    def _through(self, event: TextDelta, steps: Iterable[Thinking | Unrepeated]) -> list[ChatEvent]:
        found: list[ChatEvent] = [event]
        for step in steps:
            taken: list[ChatEvent] = []
            for each in found:
                taken += step.take(each) if type(each) is TextDelta else [each]
            found = taken
        return found


class ShapedReply(Reply):
    """A reply whose events pass through a shape; every piece is read the long way."""

    __slots__ = ("_shape",)

    def __init__(self, answer: Answer, top: int, secrets: tuple[str, ...], shape: Shape) -> None:
        super().__init__(answer, top, secrets)
        self._shape = shape
        self.text = _no_short_cut  # type: ignore[assignment]  # it gives nothing, ever

    def take(self, data: bytes) -> list[ChatEvent]:
        return self._shape.events(super().take(data))

    def end(self) -> list[ChatEvent]:
        return self._shape.events(super().end())


def _no_short_cut(_: bytes) -> None:
    return None
