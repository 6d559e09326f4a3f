"""What a server can be asked about the files of its models. Changes need a key that may operate."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from urllib.parse import quote

import msgspec

from breeze.client.connection import Connection
from breeze.client.lines import Lines
from breeze.client.problems import Lost, cut, stranger, unanswered
from breeze.contracts.errors import from_info
from breeze.contracts.events import Finish, Progress
from breeze.contracts.shelf import ModelNamed, PullStatus, PullWanted, Shelf
from breeze.contracts.unreadable import UNREADABLE
from breeze.contracts.values import ErrorInfo

_JSON = {"content-type": "application/json"}
_LINES = {**_JSON, "accept": "application/x-ndjson"}
_event = msgspec.json.Decoder(Progress | Finish | ErrorInfo)


class ShelfAsking:
    """The questions; a base of `Client`."""

    _connection: Connection

    async def shelf(self) -> Shelf:
        """The models on the server's disk, in its catalogue, and on their way."""
        return await self._connection.ask("GET", "/v2/models/store", Shelf)

    async def pull(self, model: str, *, again: bool = False) -> AsyncGenerator[Progress | Finish]:
        """Have the server fetch a model: Progress in bytes, then one Finish. Raises RunnerError.

        Closing this ends the watching: the server goes on. Whoever pulls again watches again.
        """
        body = msgspec.json.encode(PullWanted(model, again))
        place, count = self._connection.place, 0
        try:
            response = await self._connection.begin(
                "POST", "/v2/models/pull", data=body, headers=_LINES
            )
            async with response:
                lines = Lines()
                with self._connection.failures():
                    while piece := await response.content.readany():
                        for line in lines.feed(piece):
                            count += 1
                            event = _read(line, place, response.status)
                            yield event
                            if isinstance(event, Finish):
                                return
        except Lost as lost:
            if not count:
                raise unanswered(place, str(lost)) from lost
            raise cut(place, count, str(lost), _REMEDY) from lost
        raise cut(place, count, "it ended without an end", _REMEDY)

    async def pause_pull(self, id: str) -> PullStatus:
        """Stop a pull there; what has come stays."""
        return await self._told("pause", id)

    async def resume_pull(self, id: str) -> PullStatus:
        """Go on with a pull that rests, in the background."""
        return await self._told("resume", id)

    async def cancel_pull(self, id: str) -> None:
        """Stop a pull there and forget what has come of it."""
        body = msgspec.json.encode(ModelNamed(id))
        await self._connection.ask("POST", "/v2/models/cancel", dict, data=body, headers=_JSON)

    async def remove_model(self, id: str) -> int:
        """Delete a model from the server's disk; bytes that are free now."""
        path = f"/v2/models/{quote(id, safe='')}"
        answer = await self._connection.ask("DELETE", path, dict[str, str | bool | int])
        return int(answer["freed"])

    async def _told(self, what: str, id: str) -> PullStatus:
        body = msgspec.json.encode(ModelNamed(id))
        path = f"/v2/models/{what}"
        return await self._connection.ask("POST", path, PullStatus, data=body, headers=_JSON)


_REMEDY = "The server goes on: pull again to watch."


def _read(line: bytes, place: str, status: int) -> Progress | Finish:
    """One event. Raises the error that it is."""
    try:
        event: Progress | Finish | ErrorInfo = _event.decode(line)
    except UNREADABLE as error:
        raise stranger(place, status, "", line) from error
    if isinstance(event, ErrorInfo):
        raise from_info(event)
    return event
