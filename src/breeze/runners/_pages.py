"""What a server lists: in one piece, or page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import NamedTuple, Protocol, TypeVar

from breeze.contracts.errors import ProcessingError
from breeze.runners._http import HttpClient
from breeze.runners._http_error_words import Says
from breeze.runners._http_errors import refusal
from breeze.runners._http_json import listed

MOST = 16 * 1024 * 1024
"""Bytes of a list, or of one page."""
MOST_PAGES = 100


class Page(Protocol):
    """Some of a list."""

    @property
    def following(self) -> str | None:
        """What the next page is asked for with; None or empty on the last."""


T = TypeVar("T")
P = TypeVar("P", bound=Page)


class Listing(NamedTuple):
    """A server that is asked for a list of `what`.

    Its refusals name `field`. `remedy` is what to do about a list without end; where it is empty,
    the pages that were read count as all.
    """

    http: HttpClient
    secrets: tuple[str, ...]
    says: Says
    field: str = "base_url"
    what: str = "models"
    remedy: str = "Set modelId in config.json."

    async def read(self, path: str, form: type[T]) -> T:
        """What is listed at `path`. Raises a RunnerError when the server does not say."""
        answer = await self.http.get(path, limit=MOST, whole=True)
        if answer.status != 200:
            raise await refusal(answer, secrets=self.secrets, field=self.field, says=self.says)
        return listed(answer.body(), form, answer.where, self.what)

    async def pages(self, path: Callable[[str | None], str], form: type[P]) -> AsyncIterator[P]:
        """Each page; `path` is told what the one before is followed by, None for the first.

        Raises a RunnerError, also for a list without end that has a remedy.
        """
        after: str | None = None
        for _ in range(MOST_PAGES):
            page = await self.read(path(after), form)
            yield page
            if page.following in (None, "", after):
                return
            after = page.following
        if self.remedy:
            raise ProcessingError(
                f"{self.http.target.authority} lists {self.what} without end: {MOST_PAGES} pages "
                f"were read. {self.remedy}",
                detail="malformed",
                retryable=False,
            )
