"""What is replayed, how fast, and what goes wrong on demand."""

from __future__ import annotations

from pathlib import Path

from breeze.contracts.errors import (
    AuthenticationError,
    BlockedError,
    NotLoadedError,
    OverloadedError,
    ProcessingError,
    QuotaError,
    RateLimitError,
    RunnerError,
    UnavailableError,
)
from breeze.contracts.fields import Choice, choice, integer, number, path
from breeze.contracts.parameters import Parameters

FAULTS: dict[str, type[RunnerError]] = {
    "cut": ProcessingError,
    "malformed": ProcessingError,
    "rate_limit": RateLimitError,
    "quota": QuotaError,
    "authentication": AuthenticationError,
    "overloaded": OverloadedError,
    "not_loaded": NotLoadedError,
    "unavailable": UnavailableError,
    "blocked": BlockedError,
}
"""The error of each fault."""
STALL = "stall"


class ReplayParameters(Parameters):
    """A folder of recordings. A request may ask for another speed, and for faults."""

    folder: Path | None = path(
        None,
        "Folder that `--record` has written",
        must_exist=False,
        directory=True,
        requires_reload=True,
    )
    speed: float = number(
        0.0,
        "1 is the speed at which it was recorded, 2 twice that; 0 is as fast as possible",
        low=0,
        high=1000,
        per_request=True,
    )
    fault: str = choice(
        "none",
        [
            Choice("none", "None", "What was recorded"),
            Choice("cut", "Cut", "The stream ends without an end (E101)"),
            Choice("malformed", "Malformed", "Something comes that is no answer (E101)"),
            Choice("rate_limit", "Rate limit", "Too many requests (E429)"),
            Choice("quota", "Quota", "Nothing is left of what was paid for (E402)"),
            Choice("authentication", "Authentication", "The key is refused (E401)"),
            Choice("overloaded", "Overloaded", "The queue is full (E505)"),
            Choice("not_loaded", "Not loaded", "The model is still loading (E502)"),
            Choice("unavailable", "Unavailable", "The server is down (E501)"),
            Choice("blocked", "Blocked", "The content is refused (G100)"),
            Choice(STALL, "Stall", "Nothing comes any more"),
        ],
        "What goes wrong in each answer, to see what callers make of it",
        category="Faults",
        per_request=True,
    )
    after: int = integer(
        0,
        "Events that come before the fault; it comes in the place of the end at the latest",
        category="Faults",
        low=0,
        high=1_000_000,
        per_request=True,
    )
    retry_after: float = number(
        0.0,
        "Time after which a rate limit, an overload or a loading model may be tried again",
        category="Faults",
        low=0,
        high=86_400,
        unit="s",
        per_request=True,
    )

    def failure(self) -> RunnerError:
        """The error of the fault that is set."""
        wait = self.retry_after or None
        waits = self.fault in ("rate_limit", "overloaded", "not_loaded", "unavailable")
        return FAULTS[self.fault](
            f"A fault of the replay: {self.fault}, after {self.after} events, as the parameters "
            "fault and after ask.",
            detail=self.fault if self.fault in ("cut", "malformed") else "",
            retry_after=wait if waits else None,
        )
