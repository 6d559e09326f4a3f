"""The voices of the account, page by page, and which of them a name means."""

from __future__ import annotations

import re
from difflib import get_close_matches

import msgspec

from breeze.contracts.errors import NotFoundError
from breeze.contracts.fields import Choice
from breeze.runners._elevenlabs_errors import SAYS
from breeze.runners._http import HttpClient
from breeze.runners._http_target import with_query
from breeze.runners._pages import Listing

_PAGE = 100
"""Voices on a page."""
_ID = re.compile(r"[A-Za-z0-9]{20}")


class Voice(msgspec.Struct):
    """One voice."""

    voice_id: str
    name: str | None = None
    labels: dict[str, str | None] | None = None
    description: str | None = None

    def choice(self) -> Choice:
        """As it is shown to a person."""
        labels = ", ".join(filter(None, (self.labels or {}).values()))
        return Choice(self.voice_id, self.name or self.voice_id, labels or self.description or "")


class _Page(msgspec.Struct):
    """Some of them. The token leads to the next page."""

    voices: list[Voice]
    has_more: bool | None = False
    next_page_token: str | None = None

    @property
    def following(self) -> str | None:
        return self.next_page_token if self.has_more else None


def _path(token: str | None) -> str:
    return with_query("/v2/voices", {"next_page_token": token, "page_size": _PAGE})


async def list_voices(http: HttpClient, secrets: tuple[str, ...]) -> tuple[Voice, ...]:
    """All voices of the account, in the vendor's order. Raises a RunnerError."""
    listing = Listing(http, secrets, SAYS, "voice", "voices", remedy="")
    found: dict[str, Voice] = {}
    async for page in listing.pages(_path, _Page):
        found |= {voice.voice_id: voice for voice in page.voices}
    return tuple(found.values())


def is_id(name: str) -> bool:
    """True for what looks like the id of a voice: one need not be on the list of the account."""
    return _ID.fullmatch(name) is not None


def named(voices: tuple[Voice, ...], name: str) -> Voice:
    """The voice of that id or name, or whose name begins so: `Rachel` is “Rachel - calm”.

    Raises NotFoundError that names near ones.
    """
    wanted = name.strip().casefold()
    for voice in voices:
        if name == voice.voice_id or wanted == (voice.name or "").casefold():
            return voice
    for voice in voices:
        if wanted == re.split(r"\W", (voice.name or "").casefold())[0] != "":
            return voice
    names = {(voice.name or "").casefold(): voice.name or "" for voice in voices}
    near = get_close_matches(wanted, names, n=3, cutoff=0.5)
    hint = ", ".join(names[key] for key in near) or "run breeze say --list-voices"
    raise NotFoundError(f"There is no voice {name!r} in the account: {hint}.", field="voice")
