"""What a hub says of a repository: its commit, and the files of that commit with their digests."""

from __future__ import annotations

import re
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote, urljoin

import msgspec

from breeze.contracts.clock import Clock
from breeze.contracts.errors import DownloadError, RateLimitError, RunnerError, UnavailableError
from breeze.contracts.unreadable import UNREADABLE
from breeze.models.refusals import refusal
from breeze.models.settings import MIB, StoreSettings
from breeze.models.web import Web, origin, shown
from breeze.models.web_answer import Answer, BrokenOffError

T = TypeVar("T")
_MOST_FILES = 20_000
_MOST_PAGES = 200
_MOST_BYTES = 8 * MIB
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_NEXT = re.compile(r'<([^>]+)>\s*;\s*rel="?next"?')


class _Large(msgspec.Struct):
    oid: str = ""
    size: int = 0


class _Entry(msgspec.Struct):
    path: str
    type: str = "file"
    size: int = 0
    oid: str = ""
    lfs: _Large | None = None


class _About(msgspec.Struct):
    sha: str
    id: str = ""
    pipeline_tag: str | None = None
    library_name: str | None = None
    tags: list[str] = []
    cardData: dict[str, Any] | None = None  # as it is in the answer


class HubFile(NamedTuple):
    """A file of a repository. `sha256` for large ones, `blob` (its git id) for small ones."""

    path: str
    size: int
    sha256: str
    blob: str
    url: str


class Repository(NamedTuple):
    """A repository at one commit, which does not change any more."""

    name: str
    commit: str
    files: tuple[HubFile, ...]
    task: str
    library: str
    licence: str


class Hub:
    """The hub at `settings.endpoint`."""

    def __init__(self, web: Web, settings: StoreSettings, clock: Clock) -> None:
        self._web = web
        self._settings = settings
        self._clock = clock

    async def repository(self, name: str, revision: str = "") -> Repository:
        """What `name` has at `revision`, by default its main branch.

        Raises NotFoundError, AuthenticationError, RateLimitError, UnavailableError, DownloadError.
        """
        asked = quote(revision or "main", safe="")
        what = f"{name}@{revision}" if revision else name
        api = f"{self._settings.endpoint}/api/models/{quote(name)}"
        about, _ = await self._json(f"{api}/revision/{asked}", what, _About)
        if not _COMMIT.fullmatch(about.sha):
            raise _strange(what, "names no commit")
        entries = await self._entries(f"{api}/tree/{about.sha}?recursive=true&expand=false", what)
        files = tuple(self._file(name, about.sha, e) for e in entries if e.type == "file")
        licence = next((t[8:] for t in about.tags if t.startswith("license:")), "")
        return Repository(
            name, about.sha, files, about.pipeline_tag or "", about.library_name or "", licence
        )

    def _file(self, name: str, commit: str, entry: _Entry) -> HubFile:
        large = entry.lfs
        return HubFile(
            entry.path,
            large.size if large else entry.size,
            large.oid.removeprefix("sha256:") if large else "",
            "" if large else entry.oid,
            f"{self._settings.endpoint}/{quote(name)}/resolve/{commit}/{quote(entry.path)}",
        )

    async def _entries(self, url: str, what: str) -> list[_Entry]:
        found: list[_Entry] = []
        seen: set[str] = set()
        while url:
            seen.add(url)
            page, answer = await self._json(url, what, list[_Entry])
            found += page
            if len(found) > _MOST_FILES:
                raise _strange(what, "lists files without end")
            following = _NEXT.search(answer.headers.get("link", ""))
            onward = urljoin(url, following[1]) if following else ""
            if onward and origin(onward) != origin(self._settings.endpoint):
                raise _strange(what, "goes on at another host")
            url = onward
            if url in seen or len(seen) >= _MOST_PAGES:
                raise _strange(what, "lists files without end")
        return found

    async def _json(self, url: str, what: str, type: type[T]) -> tuple[T, Answer]:
        failures = 0
        while True:
            try:
                return await self._once(url, what, type)
            except BrokenOffError as error:
                problem: RunnerError = UnavailableError(
                    f"{shown(url)} cannot be reached: {error}. Check the network and HF_ENDPOINT.",
                    detail="network",
                )
            except (RateLimitError, UnavailableError) as error:
                problem = error
            failures += 1
            wait = max(0.2 * 2**failures, problem.retry_after or 0.0)
            if failures >= self._settings.tries or wait > self._settings.patience:
                raise problem
            await self._clock.sleep(wait)

    async def _once(self, url: str, what: str, type: type[T]) -> tuple[T, Answer]:
        async with self._web.get(url) as answer:
            if answer.status != 200:
                raise refusal(answer.status, answer.headers, url, what)
            body = await answer.small(_MOST_BYTES)
        try:
            return msgspec.json.decode(body, type=type), answer
        except UNREADABLE:
            raise _strange(what, "was answered with something else than a repository") from None


def _strange(what: str, why: str) -> RunnerError:
    return DownloadError(
        f"{what}: the hub {why}. Check HF_ENDPOINT, or name another hub.",
        field="model",
        retryable=False,
    )
