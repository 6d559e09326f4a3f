"""Another Breeze server as a runner, for any kind of work, with the events as they come there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from typing import Any, TypeVar

from breeze.contracts import hops
from breeze.contracts.capability import RunnerKind
from breeze.contracts.errors import RunnerError, UnavailableError
from breeze.contracts.events import ALIVE
from breeze.contracts.request import Request
from breeze.contracts.runner import ModelInfo, runner
from breeze.contracts.wire import encode
from breeze.runners._http import JSON, HttpClient
from breeze.runners._http_target import segment
from breeze.runners._peer_files import gathered, lightened
from breeze.runners._peer_models import list_models
from breeze.runners._peer_parameters import PeerParameters
from breeze.runners._peer_wire import LONGEST, Reader, outgoing, refused, upload_of
from breeze.runners._remote import RemoteRunner

E = TypeVar("E")
_PATIENCE = 5.0
"""Seconds for a list of models: two servers may wait for each other's."""


@runner(
    "peer",
    vendor="Breeze",
    kind=RunnerKind.CLOUD,
    needs=("httptools",),
    extra="remote",
    concurrency=16_384,
    queue=16_384,
    automatic=False,
)
class PeerRunner(RemoteRunner[PeerParameters]):
    """Any kind of work on another Breeze server.

    Its models are called as there: `<this instance>/<their instance>/<model>`; without one the
    other server selects. Events, adjustments and errors are those of the other server.
    """

    vision = True

    def __init__(self, parameters: PeerParameters) -> None:
        super().__init__(parameters)
        self._errands: set[asyncio.Task[None]] = set()

    async def unload(self) -> None:
        for errand in tuple(self._errands):
            errand.cancel()
        await super().unload()

    def check(self) -> str | None:
        if missing := super().check():
            return missing
        if not self.parameters.is_set:
            return "no server: set base_url to the address of another Breeze server"
        return None

    async def models(self) -> tuple[ModelInfo, ...]:
        """What the other server serves itself; not what its own peers do."""
        if hops.passed():  # whoever asks is a peer: it may be the very one that we would ask
            raise self._circle("A list of models")
        async with self._connection() as http:
            try:
                async with asyncio.timeout(_PATIENCE):
                    return await list_models(http, self._secrets, self.info.name)
            except TimeoutError:
                raise UnavailableError(
                    f"{http.target.authority} did not list its models within {_PATIENCE:g} s."
                ) from None

    async def _answer(self, request: Request[E]) -> AsyncGenerator[E]:
        """The other server's events for `request`."""
        http = self._http or self._unloaded()
        own = {n: v for n, v in request.params.items() if n in self.parameters.facts}
        self.parameters.for_request(own)  # the rest is for their runner, which knows it
        if hops.passed() >= self.parameters.hops:
            raise self._circle("The request")
        headers = {hops.HEADER: str(hops.passed() + 1)}
        sent: list[str] = []

        async def put(data: bytes, mime: str) -> str:
            sent.append(await self._put(http, data, mime))
            return sent[-1]

        with self.work.stream() as work:
            whole, note = await gathered(request)
            if note is not None:
                yield note  # type: ignore[misc]  # every kind of answer may hold one
            try:
                body = encode(await lightened(outgoing(whole), put))  # type: ignore[arg-type]
                path = f"/v2/stream/{request.needs.value.lower()}"
                with await http.ask(
                    "POST", path, body, JSON, headers=headers, limit=LONGEST
                ) as answer:
                    if answer.status != 200:
                        raise await refused(answer, self._secrets)
                    reader = Reader(answer, request.capability.method, self._secrets)
                    async for data in answer:
                        work.steps += 1
                        silent = True
                        for event in reader.take(data):
                            silent = False
                            yield event
                        if silent:  # a sign of life, or a part of something large
                            yield ALIVE  # type: ignore[misc]
                        if reader.over:
                            break
                    reader.end()
            finally:
                for id in sent:
                    self._errand(self._discard(http, id))

    chat = transcribe = speak = moderate = draw = embed = _answer

    async def _put(self, http: HttpClient, data: bytes, mime: str) -> str:
        answer = await http.ask("POST", "/v2/uploads", data, mime, whole=True)
        if answer.status != 201:
            raise await refused(answer, self._secrets)
        return upload_of(answer)

    async def _discard(self, http: HttpClient, id: str) -> None:
        """Free what was sent ahead; the other server does so by itself in an hour."""
        try:
            (await http.ask("DELETE", f"/v2/uploads/{segment(id)}", whole=True)).close()
        except RunnerError:
            return

    def _errand(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    def _circle(self, what: str) -> UnavailableError:
        return UnavailableError(
            f"{what} has passed {hops.passed()} Breeze servers and stops here: do two of them "
            "name each other as peer? Take one of the two entries out of its config.json, or "
            "raise hops.",
            detail="loop",
            retryable=False,
        )
