"""Files that were put on the server to be searched: once each, and removed in the end."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from breeze.contracts.errors import InputError, ProcessingError, RunnerError, UnavailableError
from breeze.runners._http_multipart import Part, multipart
from breeze.runners._http_target import segment
from breeze.runners._llama_stack_files import FIELD, Source
from breeze.runners._llama_stack_server import Server

_FIRST, _SLOWEST = 0.05, 1.0
"""Seconds between two looks at a file that is being read in."""
_TIDY = 10.0
"""Seconds that tidying up may take at most."""


@dataclass
class Placed:
    """A file in a vector store of its own, so that any of them can be searched together."""

    file: str
    store: str
    users: int = 0


class Shelf:
    """The files of one runner on its server, by what is in them."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._placed: dict[str, Placed] = {}
        self._stray: list[str] = []
        self._locks: dict[str, asyncio.Lock] = {}

    async def place(self, source: Source) -> Placed:
        """Where the source is, put there if it is not yet. It stays until `release`."""
        async with self._locks.setdefault(source.digest, asyncio.Lock()):
            if (found := self._placed.pop(source.digest, None)) is None:
                await self._make_room()
                found = await self._put(source)
            self._placed[source.digest] = found  # the last one used
            found.users += 1
            return found

    def release(self, placed: Iterable[Placed]) -> None:
        """These may be removed when there is need for room."""
        for one in placed:
            one.users -= 1

    async def clear(self) -> None:
        """Remove everything from the server, as far as it lets us."""
        paths = [path for one in self._placed.values() for path in self._paths(one)]
        paths += self._stray
        self._placed.clear()
        self._stray.clear()
        self._locks.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(_TIDY):
                for path in paths:
                    await self._remove(path)

    async def _make_room(self) -> None:
        idle = [(digest, one) for digest, one in self._placed.items() if not one.users]
        surplus = len(self._placed) + 1 - self._server.parameters.rag_kept
        for digest, one in idle[: max(0, surplus)]:
            self._placed.pop(digest, None)
            if digest in self._locks and not self._locks[digest].locked():
                del self._locks[digest]
            self._stray += self._paths(one)
        while self._stray:
            await self._remove(self._stray.pop())

    def _paths(self, one: Placed) -> list[str]:
        store, file = segment(one.store), segment(one.file)
        return [self._server.at(f"/vector_stores/{store}"), self._server.at(f"/files/{file}")]

    async def _remove(self, path: str) -> None:
        with suppress(RunnerError):  # it may be gone, and the server too
            (await self._server.ask("DELETE", path)).close()

    async def _put(self, source: Source) -> Placed:
        made: list[str] = []
        try:
            file = await self._upload(source)
            made.append(self._server.at(f"/files/{segment(file)}"))
            store = await self._new_store(source)
            made.append(self._server.at(f"/vector_stores/{segment(store)}"))
            await self._read_in(source.name, store, file)
        except BaseException:  # a cancellation too: somebody has to remove it some time
            self._stray += made
            raise
        return Placed(file, store)

    async def _upload(self, source: Source) -> str:
        form = [
            Part("purpose", b"assistants"),
            Part("file", source.data, source.name, source.mime or "application/octet-stream"),
        ]
        path = self._server.at("/files")
        answer = await self._server.ask("POST", path, *multipart(form), whole=True)
        return self._id(await self._server.read(answer, FIELD))

    async def _new_store(self, source: Source) -> str:
        path, body = self._server.at("/vector_stores"), await self._store_of(source)
        return self._id(await self._server.json("POST", path, body, field=FIELD))

    def _id(self, made: Any) -> str:
        found = made.get("id") if isinstance(made, dict) else None
        if not isinstance(found, str) or not found:
            raise ProcessingError("The server made something without id.", detail="malformed")
        return found

    async def _store_of(self, source: Source) -> dict[str, Any]:
        """A new vector store. On older servers its name is its id, and it needs a model."""
        server = self._server
        body: dict[str, Any] = {"name": f"breeze-{source.digest[:12]}-{secrets.token_hex(4)}"}
        model = server.parameters.embedding_model
        if server.offer.number < (0, 3) and not model:
            model = await server.only("embedding", "embedding_model")
        if model:
            model = await server.model_named(model)
            body["embedding_model"] = model
            sizes = [m.dimension for m in await server.models() if m.id == model]
            if any(sizes):
                body["embedding_dimension"] = sizes[0]
        return body

    async def _read_in(self, name: str, store: str, file: str) -> None:
        """Have the file read in, and wait until it is."""
        path, pause = self._server.at(f"/vector_stores/{segment(store)}/files"), _FIRST
        said = await self._server.json("POST", path, {"file_id": file}, field=FIELD)
        try:
            async with asyncio.timeout(self._server.parameters.timeout):
                while isinstance(said, dict) and said.get("status") == "in_progress":
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, _SLOWEST)
                    said = await self._server.json("GET", f"{path}/{segment(file)}", field=FIELD)
        except TimeoutError:
            raise UnavailableError(
                f"The server did not read {name!r} in within the timeout. Raise timeout.",
                detail="timeout",
                field=FIELD,
            ) from None
        status = said.get("status") if isinstance(said, dict) else None
        if status != "completed":
            why = said.get("last_error") if isinstance(said, dict) else None
            told = why.get("message") if isinstance(why, dict) else status
            raise InputError(f"The server cannot read {name!r} in: {told}.", field=FIELD)
