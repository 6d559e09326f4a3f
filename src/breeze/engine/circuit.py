"""Runners that keep failing are left alone for a while, then tried by one request at a time.

closed → open (after `failures` in a row, or a refused key) → probing → closed, or open again

Only instances that failed lately are on record, so a healthy one costs nothing.
"""

from __future__ import annotations

import asyncio

import msgspec

from breeze.contracts.clock import Clock
from breeze.contracts.errors import AuthenticationError, RunnerError, UnavailableError
from breeze.contracts.service import Decision, RunnerStatus


class Circuit:
    """One instance that failed lately. `until`: when its rest ends, None while it is closed.

    `barred`: its key was refused, so nobody is sent before. `probing`: one request tries it.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.failures = 0
        self.until: float | None = None
        self.barred = False
        self.probing = False
        self.message = ""
        self._news = asyncio.Event()

    def admits(self, now: float) -> bool:
        """Whether somebody may be sent there now, as a probe when it is not closed."""
        return self.until is None or (now >= self.until and not self.probing)

    def claim(self) -> Circuit | None:
        """Send somebody there: this, when it is as a probe."""
        if self.until is None:
            return None
        self.probing = True
        return self

    def tell(self) -> None:
        """Wake who waits for the probe."""
        self.probing = False
        self._news.set()
        self._news = asyncio.Event()

    async def verdict(self) -> bool:
        """Wait while others probe. True when the way is free, be it only for a probe of one's own;
        False when a probe has failed meanwhile.
        """
        failures = self.failures
        while self.until is not None and self.probing:
            await self._news.wait()
            if self.failures > failures:  # a way that is free has fewer
                return False
        return True

    def rest(self, now: float) -> float:
        """Seconds until the next probe."""
        return 0.0 if self.until is None else max(0.0, self.until - now)

    def error(self, now: float) -> RunnerError:
        """What to tell who cannot be sent there."""
        rest = max(self.rest(now), 0.001)
        if self.barred:
            return AuthenticationError(
                f"{self.message.rstrip('.')}. It is not asked for {rest:.0f} s, or until its "
                "settings change.",
                runner=self.name,
            )
        return UnavailableError(
            f"{self.name} {times_failed(self.failures)} and rests for {rest:.0f} s; "
            f"the last time: {self.message}",
            detail="resting",
            runner=self.name,
            retry_after=rest,
        )


class Circuits:
    """Those of one engine. `failures` in a row open one, for `cooldown` seconds."""

    def __init__(self, clock: Clock, failures: int, cooldown: float) -> None:
        self._clock = clock
        self._most = failures
        self._cooldown = cooldown
        self.known: dict[str, Circuit] = {}
        """Who failed lately, by name."""

    def failed(self, name: str, error: RunnerError, probe: Circuit | None, *, barred: bool) -> None:
        """A try of `name` failed in a way that tells of its health."""
        circuit = probe or self.known.setdefault(name, Circuit(name))
        if circuit.until is not None and circuit is not probe:
            return  # it began before the circuit opened
        circuit.failures += 1
        circuit.message = error.message
        if probe is not None or barred or circuit.failures >= self._most:
            circuit.barred = barred
            circuit.until = self._clock.now() + self._cooldown
            circuit.tell()

    def succeeded(self, name: str) -> None:
        """A try of `name` went well to its end."""
        circuit = self.known.get(name)
        if circuit is not None and circuit.until is None:
            del self.known[name]

    def proved(self, probe: Circuit) -> None:
        """A probe has brought output: the way is free, though the next failure closes it again."""
        probe.until, probe.barred = None, False
        probe.failures = self._most - 1
        probe.tell()

    def forget(self, name: str) -> None:
        """Its settings changed: what is known of it counts no more."""
        circuit = self.known.pop(name, None)
        if circuit is not None:
            circuit.until, circuit.failures = None, 0
            circuit.tell()

    def explained(self, decision: Decision) -> Decision:
        """`decision` as it works out now: who is left alone comes last, with the reason."""
        now, told = self._clock.now(), []
        for choice in decision.order:
            circuit = self.known.get(choice.name)
            aside = circuit is not None and not circuit.admits(now)
            if circuit is not None and circuit.until is not None:
                choice = msgspec.structs.replace(choice, why=f"{choice.why}; {self.state(circuit)}")
            told.append((aside, choice))
        told.sort(key=lambda pair: pair[0])
        return msgspec.structs.replace(decision, order=tuple(choice for _, choice in told))

    def shown(self, status: RunnerStatus) -> RunnerStatus:
        """`status` with what is known of the runner's health."""
        circuit = self.known.get(status.name)
        if circuit is None:
            return status
        stands = "closed" if circuit.until is None else "probing" if circuit.probing else "open"
        return msgspec.structs.replace(
            status,
            circuit=stands,
            failures=circuit.failures,
            retry_in=round(circuit.rest(self._clock.now()), 3),
            last_error=circuit.message,
        )

    def state(self, circuit: Circuit) -> str:
        """Where it stands, in words."""
        why = "its key was refused" if circuit.barred else f"it {times_failed(circuit.failures)}"
        if circuit.probing:
            return f"being probed after {why}"
        rest = circuit.rest(self._clock.now())
        return f"rests for {rest:.0f} s more: {why}" if rest else f"due for a probe: {why}"


def times_failed(failures: int) -> str:
    """How often, in words."""
    return "failed" if failures == 1 else f"failed {failures} times in a row"
