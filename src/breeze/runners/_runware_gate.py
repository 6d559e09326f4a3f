"""The way in for requests that send tasks: one after the other, and closed to a refused key."""

from __future__ import annotations

from breeze.contracts.clock import Clock
from breeze.contracts.errors import AuthenticationError, RateLimitError


class Gate:
    """Spaces the requests that send tasks, and lets none through after the key was refused."""

    PAUSE = 60.0

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next = float("-inf")
        self._held = float("-inf")
        self._refused: tuple[float, AuthenticationError] | None = None

    async def enter(self, delay: float, *, patient: bool) -> None:
        """Wait for one's turn. Raises AuthenticationError while the key is known to be refused.

        Raises RateLimitError while the server wants to be left alone, unless `patient`.
        """
        self.check()
        now = self._clock.now()
        if now < self._held and not patient:
            raise RateLimitError(
                f"The server asked to be left alone for another {self._held - now:.0f} s.",
                retry_after=self._held - now,
                data={"upstream_status": 429},
            )
        turn = max(now, self._next, self._held)
        self._next = turn + delay
        if turn > now:
            await self._clock.sleep(turn - now)
            self.check()

    def check(self) -> None:
        """Raises AuthenticationError while the key is known to be refused."""
        if self._refused is None:
            return
        until, error = self._refused
        if self._clock.now() < until:
            raise AuthenticationError(
                error.message, field=error.field, detail=error.detail, data=error.data
            )
        self._refused = None

    def hold(self, seconds: float) -> None:
        """The server wants nothing more for so long."""
        self._held = max(self._held, self._clock.now() + seconds)

    def close(self, error: AuthenticationError) -> None:
        """The key was refused: nobody knocks again for a while."""
        if self._refused is None:
            self._refused = (self._clock.now() + self.PAUSE, error)
