"""What is remembered on disk of an account: tasks that were sent, and what they cost.

Both are plain files that only grow, one for each day: a line is written in one piece, so several
processes may do it at once, and a kill loses nothing that was written.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from breeze.contracts.errors import QuotaError, UnavailableError

_PLAIN = re.compile(r"[A-Za-z0-9_:-]{1,80}")
_KEPT = 7
"""Days for which a task that was sent is remembered; the server keeps no result that long."""
_REMEMBERED = 10_000
"""Tasks without a good end that this process remembers."""


def today() -> date:
    """The day of the account: UTC."""
    return datetime.now(UTC).date()


def account(base_url: str, key: str) -> str:
    """A name for the account that `key` belongs to, from which nobody learns the key."""
    return hashlib.sha256(f"{base_url}\0{key}".encode()).hexdigest()[:12]


class Notes:
    """A file of lines for each day under `folder`; kept in memory only where `folder` is None."""

    def __init__(self, folder: Path | None, name: str, day: Callable[[], date] = today) -> None:
        self._folder = folder
        self._name = name
        self._day = day
        self._memory: dict[date, list[str]] = {}
        self._read: dict[Path, tuple[int, list[str]]] = {}

    @property
    def day(self) -> date:
        """The present day."""
        return self._day()

    def add(self, lines: Iterable[str]) -> None:
        """Write down, durably. Raises UnavailableError when the disk refuses."""
        text = "".join(f"{line}\n" for line in lines)
        if self._folder is None:
            self._memory.setdefault(self.day, []).extend(text.splitlines())
            return
        path = self._path(self.day)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(handle, text.encode())
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise UnavailableError(
                f"{path} could not be written: {error.strerror}. Nothing was sent, so that nothing "
                "is paid twice; free some space or allow writing there.",
                retryable=False,
            ) from error

    def lines(self, days: int = 1) -> Iterator[str]:
        """What was written on this day and the `days` - 1 before it, whole lines only."""
        for back in range(days):
            day = self.day - timedelta(days=back)
            yield from self._memory.get(day, ()) if self._folder is None else self._of(day)

    def _of(self, day: date) -> list[str]:
        """The lines of a day. What was read once is not read again."""
        path = self._path(day)
        at, known = self._read.get(path, (0, []))
        try:
            with path.open("rb") as file:
                file.seek(at)
                data = file.read()
        except OSError:
            return known
        whole = data[: data.rfind(b"\n") + 1]
        known = known + whole.decode("ascii", "replace").splitlines()
        for old in list(self._read)[:-_KEPT]:  # a process may live for many days
            del self._read[old]
        self._read[path] = (at + len(whole), known)
        return known

    def _path(self, day: date) -> Path:
        assert self._folder is not None
        return self._folder / f"{self._name}-{day.isoformat()}.log"


class Sent:
    """Which tasks were sent already, in this process or, where they have names, in another."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._here: dict[str, None] = {}

    def add(self, uuids: Iterable[str], *, named: bool) -> None:
        """These are about to be sent. `named`: they may be asked for again by another process."""
        fresh = [uuid for uuid in uuids if uuid not in self._here]
        self._here.update(dict.fromkeys(fresh))
        for oldest in list(self._here)[: max(0, len(self._here) - _REMEMBERED)]:
            del self._here[oldest]
        if named and fresh:
            self._notes.add(fresh)

    def among(self, uuids: Iterable[str], *, named: bool) -> set[str]:
        """Those of `uuids` that were sent before."""
        wanted = set(uuids)
        found = wanted & self._here.keys()
        if named and found != wanted:
            found |= wanted.intersection(self._notes.lines(_KEPT))
        return found

    def forget(self, uuids: Iterable[str]) -> None:
        """These came to a good end, so nobody in this process will ask again."""
        for uuid in uuids:
            self._here.pop(uuid, None)


class Spending:
    """What was spent today on an account, and whether more may be. Dollars; 0 is no limit."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._dearest = 0.0
        self._day: date | None = None
        self._known: set[str] = set()
        self._loose: list[tuple[date, float]] = []
        self.pending = 0
        """Pictures that were sent for and whose price is not known yet."""

    @property
    def today(self) -> float:
        """Dollars since midnight UTC."""
        return sum(self._prices())

    def add(self, result: str, cost: float) -> None:
        """A result and its price. One that is known already, as after a restart, counts once."""
        if not _PLAIN.fullmatch(result):  # the server chose it: it must not be a line of its own
            result = hashlib.sha256(result.encode("utf-8", "replace")).hexdigest()[:32]
        if self._day != self._notes.day:
            self._day, self._known = self._notes.day, set()
        if not self._known:
            self._known = {line.partition(" ")[0] for line in self._notes.lines(2)}
        if result not in self._known:
            self._known.add(result)
            try:
                self._notes.add([f"{result} {cost!r}"])
            except UnavailableError:  # a full disk must not cost the picture, which is paid
                self._loose.append((self._notes.day, cost))

    def check(self, limit: float) -> None:
        """Raises QuotaError when what is pending could pass `limit`, at the dearest price seen."""
        if not limit:
            return
        prices = list(self._prices())
        spent, dearest = sum(prices), max(prices, default=0.0)
        if spent >= limit or spent + self.pending * dearest > limit + 1e-9:
            raise QuotaError(
                f"${spent:.4f} of the daily limit of ${limit:g} are spent, and more could pass it. "
                "Raise daily_limit, or wait until midnight UTC.",
                detail="daily_limit",
                data={"spent": spent, "limit": limit},
            )

    def _prices(self) -> Iterator[float]:
        for line in self._notes.lines():
            _, _, price = line.partition(" ")
            try:
                spent = float(price)
            except ValueError:  # somebody wrote into the file
                continue
            if 0 <= spent < float("inf"):
                yield spent
        yield from (price for day, price in self._loose if day == self._notes.day)
