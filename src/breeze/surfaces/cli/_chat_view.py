"""How a person sees a chat: the text as it comes."""

from __future__ import annotations

import sys

from breeze.contracts.answers import ChatAnswer, Result
from breeze.contracts.events import AnyEvent, ReasoningDelta, Redacted, TextDelta
from breeze.surfaces.cli._terminal import is_terminal, write_aside
from breeze.surfaces.cli._view import PersonView


class ChatView(PersonView):
    """Text to standard output at once; reasoning aside, for a terminal only."""

    def __init__(self) -> None:
        super().__init__()
        self._amended = False
        self._thinking = False

    def piece(self, event: AnyEvent) -> None:
        if isinstance(event, TextDelta):
            self._end_reasoning()
            self.text(event.text)
        elif isinstance(event, ReasoningDelta) and is_terminal(sys.stderr):
            self.bar.end()
            self._thinking = True
            write_aside(event.text)
        elif isinstance(event, Redacted):
            self._amended = True
            self.note(f"withdrawn: characters {event.start} to {event.end}. {event.why}")

    def whole(self, result: Result) -> None:
        self._end_reasoning()
        if not isinstance(result, ChatAnswer):
            return
        if self._amended:
            self.end_line()
            self.text(result.text)
        for call in result.tool_calls:
            self.end_line()
            self.text(f"{call.name}({call.arguments})\n")

    def _end_reasoning(self) -> None:
        if self._thinking:
            self._thinking = False
            write_aside("\n")
