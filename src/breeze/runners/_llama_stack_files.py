"""The files that a request wants searched: where they are, and their bytes."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from breeze.contracts.errors import InputError, TooLargeError
from breeze.contracts.messages import FilePart
from breeze.contracts.requests import ChatRequest
from breeze.runners._fetch import Policy, fetch
from breeze.runners._llama_stack_parameters import LlamaStackParameters, is_address, lines

FIELD = "params.rag_sources"
MOST = 32
"""Sources of one request."""
LARGEST = 50_000_000
"""Bytes of one source."""


class Source(NamedTuple):
    """One file. `digest` says what is in it."""

    name: str
    data: bytes
    mime: str
    digest: str

    @classmethod
    def of(cls, name: str, data: bytes, mime: str = "") -> Source:
        """A file with these bytes."""
        return cls(name, data, mime, hashlib.sha256(data).hexdigest())


def wanted(request: ChatRequest, p: LlamaStackParameters) -> list[str | FilePart]:
    """What a request wants searched: names, addresses, and the files in its messages."""
    attached = [part for m in request.messages for part in m.parts if isinstance(part, FilePart)]
    return [*lines(p.rag_sources), *attached]


async def read_all(asked: list[str | FilePart], p: LlamaStackParameters) -> list[Source]:
    """The sources with their bytes. Raises InputError or TooLargeError that names the field."""
    if len(asked) > MOST:
        raise TooLargeError(
            f"{len(asked)} sources are too many: name at most {MOST}.",
            field=FIELD,
            data={"limit": MOST, "asked": len(asked)},
        )
    folder = p.rag_folder
    return [await _read(source, i, folder) for i, source in enumerate(asked)]


async def _read(source: str | FilePart, index: int, folder: Path | None) -> Source:
    if isinstance(source, FilePart):
        if not source.data:
            raise InputError("A file in messages has no bytes: send them.", field="messages")
        return Source.of(source.name or f"file-{index + 1}", source.data, source.mime)
    if is_address(source):
        found = await fetch(source, FIELD, Policy(limit=LARGEST))
        name = Path(unquote(urlsplit(found.url).path)).name or urlsplit(found.url).netloc
        return Source.of(name, found.data, found.mime)
    if folder is None:
        raise InputError(
            f"{source!r} is a file, and there is no folder for such: set rag_folder.", field=FIELD
        )
    return await asyncio.to_thread(_from_folder, source, folder)


def _from_folder(name: str, folder: Path) -> Source:
    """A file in the folder, links followed. What is outside is as if it were not there."""
    root = folder.resolve()
    try:
        place = (root / name).resolve()
        inside = place.is_relative_to(root) and place.is_file()
        size = place.stat().st_size if inside else 0
    except (OSError, ValueError):  # a name that no file can have
        inside, size = False, 0
    if not inside:
        raise InputError(f"rag_folder holds no file {name!r}.", field=FIELD)
    if size > LARGEST:
        raise TooLargeError(
            f"{name!r} has {size} bytes, the limit is {LARGEST}.",
            field=FIELD,
            data={"limit": LARGEST, "asked": size},
        )
    return Source.of(place.name, place.read_bytes())
