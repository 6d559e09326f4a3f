"""Text up to the first of some stop texts, as it comes: what might begin one is held back."""

from __future__ import annotations


class Until:
    """Lets text pass until one of `stops` is in it. `over`: one was, and nothing more comes."""

    def __init__(self, stops: tuple[str, ...]) -> None:
        self._stops = stops
        self._held = ""
        self.over = False

    def feed(self, text: str) -> str:
        """What may be shown now that `text` came."""
        if self.over:
            return ""
        text = self._held + text
        ends = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        if ends:
            self.over, self._held = True, ""
            return text[: min(ends)]
        keep = max((_begun(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def end(self) -> str:
        """What was held back, now that no more text comes."""
        held, self._held = self._held, ""
        return held


def _begun(text: str, stop: str) -> int:
    """How many last characters of `text` begin `stop`."""
    longest = min(len(stop) - 1, len(text))
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)
