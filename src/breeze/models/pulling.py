"""How far a pull is, as an event and as what lies on disk for other processes to read."""

from __future__ import annotations

import msgspec

from breeze.contracts.events import Progress


class Pulling(msgspec.Struct, frozen=True, omit_defaults=True):
    """A pull at one moment.

    `stage`: `resolve` asks what there is to fetch, `pull` fetches, `wait` until a server may be
    asked again or another process is done, `unpack` takes archives apart (`done` and `total` are
    bytes of the archives then), `check` looks at the files, `publish` puts it in place;
    at rest: `paused` by somebody, `stopped` with its process, `failed` for what `problem` says.
    `done` and `total` in bytes, `speed` in bytes a second, `eta` in seconds.
    """

    id: str
    stage: str = "resolve"
    done: int = 0
    total: int = 0
    speed: float = 0.0
    eta: float | None = None
    files: int = 0
    files_total: int = 0
    source: str = ""
    problem: str = ""

    @property
    def progress(self) -> Progress:
        """The same as an event of a stream."""
        return Progress("pull", float(self.done), float(self.total), self.eta)

    @property
    def at_rest(self) -> bool:
        """True when nobody works on it."""
        return self.stage in ("paused", "stopped", "failed")


class Meter:
    """Bytes a second over the last seconds, each sample weighing less the older it is."""

    _KEEP = 0.8

    def __init__(self, now: float) -> None:
        self._at = now
        self._bytes = 0
        self.speed = 0.0

    def add(self, count: int) -> None:
        """So many bytes came."""
        self._bytes += count

    def tick(self, now: float) -> None:
        """Take a sample, when enough time has passed for one."""
        passed = now - self._at
        if passed < 0.2:
            return
        sample = self._bytes / passed
        self.speed = (
            sample if not self.speed else (self.speed * self._KEEP + sample * (1 - self._KEEP))
        )
        self._at, self._bytes = now, 0
