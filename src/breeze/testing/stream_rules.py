"""The rules of a stream that look back: indexes, tool calls, segments, the form of the sound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from breeze.contracts.events import (
    AudioChunk,
    Embedding,
    ImageReady,
    Restarted,
    ToolCallDelta,
    Transcript,
)
from breeze.contracts.values import Usage


class Broken(Exception):
    """A rule and how it was broken."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message


class Memory:
    """What must be remembered of a stream. `open_segment`: the one that awaits its final text."""

    def __init__(self) -> None:
        self._usage = False
        self._forget()

    def _forget(self) -> None:
        self._next = 0
        self._calls: dict[int, int] = {}
        self._segment = 0
        self.open_segment: int | None = None
        self._form: tuple[int, int, str] | None = None
        self._size = 0

    def take(self, event: Any) -> None:
        """Remember `event`. Raises Broken."""
        if (rule := _LOOK.get(type(event))) is not None:
            rule(self, event)

    def _take_usage(self, _: Usage) -> None:
        if self._usage:
            raise Broken("stream.usage-once", "usage came twice")
        self._usage = True

    def _take_restart(self, _: Restarted) -> None:
        self._forget()
        self._usage = False

    def _take_index(self, event: AudioChunk | ImageReady | Embedding) -> None:
        if event.index != self._next:
            raise Broken("stream.indexes", f"index {event.index} came, {self._next} was due")
        self._next += 1

    def _take_audio(self, event: AudioChunk) -> None:
        self._take_index(event)
        form = (event.sample_rate, event.channels, event.format)
        if self._form not in (None, form):
            raise Broken("stream.audio-form", f"it went from {self._form} to {form}")
        self._form = form

    def _take_vector(self, event: Embedding) -> None:
        self._take_index(event)
        if self._size not in (0, len(event.vector)):
            raise Broken("stream.values", "the vectors differ in their number of dimensions")
        self._size = len(event.vector)

    def _take_call(self, event: ToolCallDelta) -> None:
        due = self._calls.get(event.choice, 0)
        if event.index < due:
            return
        if event.index > due:
            raise Broken("stream.tool-calls", f"call {event.index} came, {due} was due")
        if not event.id or not event.name:
            raise Broken("stream.tool-calls", f"call {event.index} began without id or name")
        self._calls[event.choice] = due + 1

    def _take_transcript(self, event: Transcript) -> None:
        if event.segment != self._segment:
            raise Broken(
                "stream.segments", f"segment {event.segment} came, {self._segment} was due"
            )
        self.open_segment = None if event.is_final else event.segment
        self._segment += event.is_final


_LOOK: dict[type, Callable[[Memory, Any], None]] = {
    Usage: Memory._take_usage,
    Restarted: Memory._take_restart,
    AudioChunk: Memory._take_audio,
    ImageReady: Memory._take_index,
    Embedding: Memory._take_vector,
    ToolCallDelta: Memory._take_call,
    Transcript: Memory._take_transcript,
}
