"""One file: resumed where it stopped, from mirror after mirror, and right in the end."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import aclosing

from breeze.contracts.clock import Clock
from breeze.contracts.errors import DownloadError, RateLimitError, RunnerError, UnavailableError
from breeze.models.disk import digests_of, disk_error, in_thread
from breeze.models.part import Journal, Part
from breeze.models.plan import Wanted
from breeze.models.refusals import refusal
from breeze.models.settings import MIB, StoreSettings
from breeze.models.web import Web, shown
from breeze.models.web_answer import Answer, BrokenOffError

_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15}|\*)")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SHA1 = re.compile(r"[0-9a-f]{40}")
_SOME = 64 * 1024
"""Bytes that count as progress, so that an address which gives fewer is given up."""
_STEP = 16 * MIB
"""Bytes of a file that has no end in sight between two looks for room."""
_FIRST_WAIT, _LONGEST_WAIT = 0.2, 8.0


class ChangedError(Exception):
    """What came is of another version or place than what is here."""


class Download:
    """`came(bytes)` is told of what comes, `back(bytes)` of what is thrown away, `room(bytes)` how
    much is to come when nobody knew before, and raises when there is no room; `waits(1)`
    when a server is to be asked again later, `waits(-1)` when it is.
    """

    def __init__(
        self,
        web: Web,
        wanted: Wanted,
        part: Part,
        settings: StoreSettings,
        clock: Clock,
        *,
        came: Callable[[int], object] = lambda count: None,
        back: Callable[[int], object] = lambda count: None,
        room: Callable[[int], object] = lambda count: None,
        waits: Callable[[int], object] = lambda change: None,
    ) -> None:
        self._web = web
        self._part = part
        self._settings = settings
        self._clock = clock
        self._came, self._back, self._room, self._waits = came, back, room, waits
        self.wanted = wanted

    async def run(self) -> str:
        """Fetch the rest and put the file in its place; its SHA-256.

        Raises what the last mirror failed with; what came stays for the next time.
        """
        failed: list[RunnerError] = []
        for url in self.wanted.urls:
            try:
                return await self._from(url)
            except RunnerError as error:
                if error.detail in ("disk_full", "quota"):
                    raise
                failed.append(error)
        if len(failed) == 1:
            raise failed[0]
        raise DownloadError(
            f"None of the {len(failed)} places has {self.wanted.path}: "
            + " ".join(error.message for error in failed),
            field="model",
            retryable=any(error.retryable for error in failed),
        )

    async def _from(self, url: str) -> str:
        """The file from this address, however often it breaks off while something comes."""
        failures = changes = 0
        while True:
            before = self._part.have
            try:
                await self._attempt(url)
                return await self._checked(url)
            except BrokenOffError as error:
                problem: RunnerError = UnavailableError(
                    f"{shown(url)} cannot be fetched: {error}. Check the network and pull again: "
                    "it goes on where it stopped.",
                    detail="network",
                )
            except ChangedError as error:
                self._forget()
                changes += 1  # it begins anew each time: what comes is no progress
                problem = DownloadError(
                    f"{shown(url)} changes while it is fetched ({error}). Pull again later.",
                    detail="changed",
                )
            except (RateLimitError, UnavailableError) as error:
                problem = error
            except DownloadError as error:
                if error.detail != "digest":
                    raise
                problem = error
            failures = 1 if self._part.have > before + _SOME else failures + 1
            if max(failures, changes) >= self._settings.tries or (
                problem.detail == "digest" and failures > 1
            ):
                raise problem
            await self._pause(problem, failures)

    async def _pause(self, problem: RunnerError, failures: int) -> None:
        if (asked := problem.retry_after) is not None and asked > self._settings.patience:
            raise problem
        usual = 0.0 if failures == 1 else min(_LONGEST_WAIT, _FIRST_WAIT * 2**failures)
        seconds = max(usual, asked or 0.0)
        if seconds:
            self._waits(1)
            try:
                await self._clock.sleep(seconds)
            finally:
                self._waits(-1)

    async def _attempt(self, url: str) -> None:
        """Ask for what is missing, and take it."""
        part, have = self._part, self._part.have
        if have and self.wanted.size and have == self.wanted.size:
            return
        async with self._web.get(url, self._asking(url, have)) as answer:
            if answer.status == 416 and have:
                self._at_the_end(answer, have)
                return
            if answer.status not in (200, 206):
                raise refusal(answer.status, answer.headers, answer.url, self.wanted.path)
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise DownloadError(f"{shown(url)} sends it compressed. Name another source.")
            self._learn(answer.said)
            begin, total = self._extent(answer)
            self._same(url, answer, total)
            if begin > have:
                raise ChangedError("another range came than was asked for")
            if total and not (self.wanted.size or part.journal.total):
                self._room(total - have)
            journal = Journal(url, answer.headers.get("etag", ""), total)
            await self._disk(lambda: part.note(journal))
            await self._take(answer, have - begin, self.wanted.size or total)

    def _asking(self, url: str, have: int) -> Mapping[str, str]:
        if not have:
            return {}
        journal = self._part.journal
        if not journal.url:
            self._forget()
            return {}
        asked = {"range": f"bytes={have}-"}
        if journal.url == url and journal.strong and not self._digest_known:
            asked["if-range"] = journal.strong
        return asked

    @property
    def _digest_known(self) -> bool:
        return bool(self.wanted.sha256 or self.wanted.blob)

    def _at_the_end(self, answer: Answer, have: int) -> None:
        """There is nothing behind what is here: it is whole, or not the beginning of this file."""
        total = answer.headers.get("content-range", "").partition("/")[2]
        if total != str(have) or (self.wanted.size and self.wanted.size != have):
            raise ChangedError(f"it ends before byte {have}")

    def _extent(self, answer: Answer) -> tuple[int, int]:
        """Where what comes begins, and how long the whole file is; 0 when that is not said."""
        if answer.status == 200:
            length = answer.headers.get("content-length", "")
            return 0, int(length) if length.isdecimal() and len(length) < 16 else 0
        found = _RANGE.fullmatch(answer.headers.get("content-range", ""))
        if found is None:
            raise ChangedError("a part came that does not say which")
        return int(found[1]), int(found[3]) if found[3] != "*" else 0

    def _same(self, url: str, answer: Answer, total: int) -> None:
        """Raises ChangedError when this is no continuation of what is here."""
        size, journal = self.wanted.size, self._part.journal
        if size and total and total != size:
            raise DownloadError(
                f"{self.wanted.path} has {total} bytes at {shown(url)}, not {size}.",
                field="model", detail="size", retryable=False,
            )  # fmt: skip
        if not self._part.have:
            return
        etag = answer.headers.get("etag", "")
        if journal.total and total and journal.total != total:
            raise ChangedError("its size is another than before")
        if journal.url == url and journal.etag and etag and journal.etag != etag:
            raise ChangedError("its ETag is another than before")
        if not self._digest_known and not (journal.strong and journal.strong == etag):
            raise ChangedError("nothing proves that it is what it was")

    def _learn(self, said: Mapping[str, str]) -> None:
        """Take the digest that a hub tells on the way, when none was known."""
        if self._digest_known:
            return
        digest = said.get("x-linked-etag", "").removeprefix("W/").strip('"')
        if _SHA256.fullmatch(digest):
            self.wanted = _with(self.wanted, sha256=digest)
        elif _SHA1.fullmatch(own := said.get("etag", "").strip('"')) and "x-repo-commit" in said:
            self.wanted = _with(self.wanted, blob=own)

    async def _take(self, answer: Answer, skip: int, most: int) -> None:
        """Write what comes, apart from the first `skip` bytes, which are here."""
        have, waiting = self._part.have, bytearray()
        try:
            async with aclosing(answer.pieces()) as pieces:
                async for piece in pieces:
                    if skip:
                        piece, skip = piece[skip:], max(0, skip - len(piece))
                    have += len(piece)
                    if most and have > most:
                        raise ChangedError(f"more than {most} bytes come")
                    waiting += piece
                    self._came(len(piece))
                    if len(waiting) >= MIB:
                        if not most and have // _STEP > (have - len(waiting)) // _STEP:
                            await self._disk(lambda: self._room(1))
                        data, waiting = bytes(waiting), bytearray()
                        await self._disk(lambda data=data: self._part.append(data))  # type: ignore[misc]
        finally:
            await self._disk(lambda: self._part.append(bytes(waiting)))
        if most and have < most:
            raise BrokenOffError(f"ended after {have} of {most} bytes")

    async def _disk(self, call: Callable[[], object]) -> None:
        try:
            await in_thread(call)
        except OSError as error:
            raise disk_error(error, self._part.path.parent) from error

    async def _checked(self, url: str) -> str:
        """Compare digests and finish; the SHA-256. Raises DownloadError for a wrong one."""
        part, wanted = self._part, self.wanted
        if not part.path.exists():
            await self._disk(lambda: part.append(b""))
        found = await digests_of(part.path)
        if (wanted.sha256 and found.sha256 != wanted.sha256) or (
            wanted.blob and found.blob != wanted.blob
        ):
            self._forget()
            raise DownloadError(
                f"{wanted.path} from {shown(url)} is damaged: its digest is not the one that was "
                "published. Pull again, or name another source.",
                field="model",
                detail="digest",
            )
        await self._disk(part.finish)
        return found.sha256

    def _forget(self) -> None:
        self._back(self._part.have)
        self._part.restart()


def _with(wanted: Wanted, *, sha256: str = "", blob: str = "") -> Wanted:
    return Wanted(wanted.path, wanted.urls, wanted.size, sha256, blob, wanted.type)
