"""A server for recognition that somebody runs: Whisper servers of many kinds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator

from breeze.contracts.capability import Capability, RunnerKind
from breeze.contracts.errors import RunnerError, UnavailableError
from breeze.contracts.events import TranscribeEvent
from breeze.contracts.requests import TranscribeRequest
from breeze.contracts.runner import ModelInfo, runner
from breeze.runners._http import HttpClient
from breeze.runners._http_errors import refusal
from breeze.runners._http_json import decoded
from breeze.runners._only_model import ANY, the_only
from breeze.runners._remote import RemoteRunner
from breeze.runners._selfhosted_asr_heard import Heard
from breeze.runners._selfhosted_asr_parameters import FORM, SelfhostedASRParameters
from breeze.runners._selfhosted_asr_wire import SAYS, sent, unheard
from breeze.runners._whole_sound import heard_first, sound_file

_MOST = 100 * 1024 * 1024
"""Bytes of sound."""
_PROBE = 5.0
"""Seconds for /health to answer."""
_NAMELESS = "whisper-1"
"""The name for servers that list no model and want one all the same."""
_log = logging.getLogger("breeze.runners")


@runner(
    "selfhosted_asr",
    vendor="Self-hosted",
    kind=RunnerKind.CLOUD,
    needs=("httptools",),
    extra="remote",
    concurrency=64,
    queue=1024,
    automatic=False,
)
class SelfhostedASRRunner(RemoteRunner[SelfhostedASRParameters]):
    """Speech recognition by a server of one's own.

    It is sent the whole recording, 100 MiB at most. The model is the one asked for, else the only
    one that the server lists.
    """

    def __init__(self, parameters: SelfhostedASRParameters) -> None:
        super().__init__(parameters)
        self._only = ""

    async def load(self, model: str) -> None:
        first = self._http is None
        await super().load(model)
        if first and not self.parameters.assume_connectivity:
            await self._probe()

    def check(self) -> str | None:
        if missing := super().check():
            return missing
        if not self.parameters.is_set:
            return "no server: set base_url to the address of the recogniser"
        return None

    async def models(self) -> tuple[ModelInfo, ...]:
        """What the server lists; nothing where it has no such list."""
        async with self._connection() as http:
            return await self._listed(http)

    async def transcribe(self, request: TranscribeRequest) -> AsyncGenerator[TranscribeEvent]:
        http, p = self._http or self._unloaded(), self.parameters_for(request)
        model = await self._model(http, request.model)
        for note in unheard(request, p):
            yield note
        with self.work.stream() as work:
            if request.live is not None:
                yield heard_first()
            sound = await sound_file(request, _MOST)
            path, body, kind = sent(request, model, sound, p)
            with await http.post(path, body, kind) as answer:
                if answer.status != 200:
                    raise await refusal(answer, secrets=self._secrets, field="audio", says=SAYS)
                heard = Heard(answer, request, sound.seconds, self._secrets)
                async for data in answer:
                    work.steps += 1
                    for event in heard.take(data):
                        yield event
                for event in heard.end(model):
                    yield event

    async def _model(self, http: HttpClient, asked: str) -> str:
        """The model to name. Raises NotFoundError when there are several to choose from."""
        if asked not in ANY:
            return asked
        if self._only or self.parameters.endpoint != FORM:
            return self._only
        found = await self._listed(http)
        self._only = the_only(found, http.target.authority) if found else _NAMELESS
        return self._only

    async def _listed(self, http: HttpClient) -> tuple[ModelInfo, ...]:
        answer = await http.get("/v1/models", limit=_MOST, whole=True)
        if answer.status in (404, 405):
            answer.close()
            return ()
        if answer.status != 200:
            raise await refusal(answer, secrets=self._secrets, field="base_url", says=SAYS)
        said = decoded(answer.body(), answer.where)
        items = said.get("data") if isinstance(said, dict) else said
        listed = items if isinstance(items, list) else ()
        names = [item.get("id") for item in listed if isinstance(item, dict)]
        ids = dict.fromkeys(name for name in names if isinstance(name, str) and name)
        return tuple(ModelInfo(id, (Capability.ASR,)) for id in ids)

    async def _probe(self) -> None:
        """Ask whether it is there; the log says so if not. The first request may find it ready."""
        http = self._client()  # its own, so that the first request has a connection of its own
        try:
            async with asyncio.timeout(_PROBE):
                with await http.get("/health") as answer:
                    if answer.status < 500:
                        return
                    why = f"it answers {answer.status}"
        except (RunnerError, TimeoutError) as error:
            why = str(error) or f"no answer within {_PROBE:g} s"
        finally:
            await http.close()
        _log.warning("%s: %s is not ready: %s", self.info.name, http.target.authority, why)

    def _client(self) -> HttpClient:
        if not self.parameters.is_set:
            raise UnavailableError(
                "There is no server to ask: set base_url.", field="base_url", retryable=False
            )
        return super()._client()
