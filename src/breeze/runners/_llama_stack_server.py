"""One server: which version it is, which routes it has, which models it lists."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from breeze.contracts.errors import RunnerError, UnavailableError, VersionError
from breeze.runners._http import JSON, HttpClient
from breeze.runners._http_answer import Answer
from breeze.runners._http_error_words import STATUS, Kind, Says
from breeze.runners._http_errors import refusal, reported
from breeze.runners._http_json import decoded, encoded
from breeze.runners._llama_stack_models import Model, models_of
from breeze.runners._llama_stack_parameters import MODEL, LlamaStackParameters
from breeze.runners._only_model import the_only

_FRESH = 60.0
"""Seconds for which the list of models is believed."""
_LIMIT = 16 * 1024 * 1024
_VERSION = re.compile(r"[\w.+!-]{0,64}", re.ASCII)
_LEADING = re.compile(r"(\d{3}): ")
_OLDER = Kind(VersionError, "Send the request again: the server changed its version meanwhile.")


def _judge(found: Mapping[str, Any], status: int) -> Kind | None:
    """Errors within a stream begin with their status."""
    if status == 426:
        return _OLDER
    message = found.get("message")
    leading = _LEADING.match(message) if isinstance(message, str) else None
    kind = STATUS.get(int(leading[1])) if leading and not status else None
    return None if kind is STATUS[400] else kind  # its text says more


SAYS = Says(judge=_judge)


def is_error(said: Any) -> bool:
    """Whether something that came as a success is none."""
    return isinstance(said, dict) and bool(said.get("error") or said.keys() == {"detail"})


def mended(data: bytes) -> bytes:
    """The same, with marks in the place of bytes that are no text."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace").encode()
    return data


class Offer(NamedTuple):
    """What a server offers. `routes` are as `POST /v1/responses`; None when it does not tell."""

    version: str
    routes: frozenset[str] | None

    @property
    def ogx(self) -> bool:
        """True for the server under its new name, which began with version 1."""
        return self.version.partition(".")[0].isdecimal() and self.number[0] >= 1

    @property
    def number(self) -> tuple[int, int]:
        """Major and minor version; of a server that does not tell, the last of the old name."""
        found = re.match(r"(\d{1,9})\.(\d{1,9})", self.version)
        return (int(found[1]), int(found[2])) if found else (0, 7)

    @property
    def prefix(self) -> str:
        """What stands before the paths that are OpenAI's."""
        routes = self.routes or frozenset()
        old = "/v1/openai/v1"
        if "POST /v1/chat/completions" not in routes and f"POST {old}/chat/completions" in routes:
            return old
        return "/v1"

    def has(self, path: str, method: str = "POST") -> bool:
        """Whether there is such a path, which may begin with `/v1` or with the prefix."""
        if self.routes is None:
            return path not in ("/v1/moderations", "/v1/safety/run-shield")
        return f"{method} {path}" in self.routes or f"{method} {self.prefix}{path}" in self.routes

    @property
    def header(self) -> dict[str, str]:
        """Our version, which has to be the server's own or it refuses us."""
        name = "x-ogx-client-version" if self.ogx else "x-llamastack-client-version"
        return {name: self.version} if self.version else {}


class Server:
    """Requests to one server, with what it is known to offer.

    Raises UnavailableError from `look` when it cannot be reached or is something else.
    """

    def __init__(self, parameters: LlamaStackParameters) -> None:
        self.parameters = parameters
        headers = parameters.sent_headers()
        self.http = HttpClient(parameters.root, headers, timeout=parameters.timeout)
        self.secrets = parameters.secrets()
        self.offer = Offer("", None)
        self._models: tuple[Model, ...] = ()
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def look(self) -> None:
        """Find out what the server is."""
        said = await self._told("/v1/version")
        version = said.get("version") if isinstance(said, dict) else None
        if isinstance(version, str) and not _VERSION.fullmatch(version):
            version = ""  # it is sent back in a header, and may not be anything
        routes = await self._told("/v1/inspect/routes")
        listed = routes.get("data") if isinstance(routes, dict) else None
        if not isinstance(version, str) and not isinstance(listed, list):
            raise UnavailableError(
                f"{self.http.target.authority} tells neither its version nor its routes: it is no "
                "Llama Stack or OGX server. Set endpoint to one.",
                field="endpoint",
            )
        found = None
        if isinstance(listed, list):
            whole = [r for r in listed if isinstance(r, dict)]
            found = frozenset(f"{r.get('method')} {r.get('route')}" for r in whole)
        self.offer = Offer(version if isinstance(version, str) else "", found)

    async def _told(self, path: str) -> Any:
        answer = await self.http.get(path, limit=_LIMIT, whole=True)
        if answer.status in (404, 405):
            answer.close()
            return None
        if answer.status != 200:
            raise await refusal(answer, secrets=self.secrets, field="endpoint", says=SAYS)
        return decoded(answer.body(), self.http.target.authority)

    async def ask(
        self, method: str, path: str, body: bytes = b"", mime: str = JSON, *, whole: bool = False
    ) -> Answer:
        """The answer to a request, whatever its status. One that finds another version than
        before is sent again with this version.
        """
        for again in (True, False):
            headers = self.offer.header
            answer = await self.http.ask(
                method, path, body, mime if body else "", headers=headers, whole=whole
            )
            if answer.status != 426 or not again:
                break
            answer.close()
            await self.look()
        return answer

    async def json(self, method: str, path: str, body: Any = None, *, field: str) -> Any:
        """What a request with a JSON body is answered. Raises the error that came instead."""
        data = encoded(body, field) if body is not None else b""
        answer = await self.ask(method, path, data, whole=True)
        return await self.read(answer, field)

    async def read(self, answer: Answer, field: str) -> Any:
        """The JSON of a whole answer. Raises the error that it is instead."""
        if not 200 <= answer.status < 300:
            raise await self.refused(answer, field)
        return self.checked(answer.body(), answer, field)

    def checked(self, data: bytes, answer: Answer, field: str = "messages") -> Any:
        """What JSON within an answer says. Raises the error that it is instead."""
        said = decoded(data, answer.where)
        if is_error(said):
            raise reported(said, answer, secrets=self.secrets, field=field, says=SAYS)
        return said

    async def refused(self, answer: Answer, field: str) -> RunnerError:
        """The error that an answer stands for."""
        return await refusal(answer, secrets=self.secrets, field=field, says=SAYS)

    def at(self, path: str) -> str:
        """Where one of OpenAI's paths is on this server."""
        return f"{self.offer.prefix}{path}"

    # models -------------------------------------------------------------------------------

    async def models(self, *, anew: bool = False) -> tuple[Model, ...]:
        """What the server lists, remembered for a minute."""
        async with self._reading:
            if anew or time.monotonic() - self._read_at >= _FRESH:
                said = await self.json("GET", "/v1/models", field="endpoint")
                self._models = models_of(said, self.http.target.authority)
                self._read_at = time.monotonic()
            return self._models

    async def model_named(self, name: str) -> str:
        """The id of the model that is called so, with its provider or without."""
        listed = await self.models()
        if any(model.id == name for model in listed):
            return name
        found = [m.id for m in listed if name in (m.id.partition("/")[2], m.resource)]
        return found[0] if len(found) == 1 else name

    async def only(self, kind: str, field: str) -> str:
        """The model to ask when nobody named one: the default where it is listed, or the only one.

        Raises NotFoundError that names some.
        """
        found = [model for model in await self.models() if model.kind == kind]
        default = await self.model_named(MODEL) if kind == "llm" else ""
        if any(model.id == default for model in found):
            return default
        return the_only(found, self.http.target.authority, "this", field)
