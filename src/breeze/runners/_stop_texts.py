"""Cutting an answer at the first of its stop texts, for runtimes that know no such thing."""

from __future__ import annotations


class StopTexts:
    """Passes pieces on but for what may be the beginning of a stop text.

    `found` is true once one came; it and all after it are not part of the answer.
    """

    def __init__(self, texts: tuple[str, ...]) -> None:
        self._texts = texts
        self._held = ""
        self.found = False

    def feed(self, piece: str) -> str:
        """What of the answer is certain after `piece`."""
        if not self._texts or self.found:
            return "" if self.found else piece
        text = self._held + piece
        places = [at for at in (text.find(stop) for stop in self._texts) if at >= 0]
        if places:
            self.found, self._held = True, ""
            return text[: min(places)]
        keep = max(_begun(text, stop) for stop in self._texts)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def rest(self) -> str:
        """What was held back in vain, at the end of the answer."""
        held, self._held = self._held, ""
        return held


def _begun(text: str, stop: str) -> int:
    """Characters at the end of `text` with which `stop` begins."""
    most = min(len(text), len(stop) - 1)
    return next((n for n in range(most, 0, -1) if text.endswith(stop[:n])), 0)
