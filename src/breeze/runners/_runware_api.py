"""One exchange with the server: an array of tasks there, their results and errors back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from breeze.contracts.errors import ProcessingError, RunnerError
from breeze.contracts.unreadable import UNREADABLE
from breeze.runners._http import HttpClient
from breeze.runners._http_answer import Answer
from breeze.runners._http_errors import refusal, reported
from breeze.runners._http_json import decoded, encoded
from breeze.runners._runware_says import SAYS, field_of

Json = Mapping[str, Any]
_LARGEST = 64 * 1024 * 1024
_MOST = 256 * 1024
"""Bytes of an answer, and of one that refuses."""


_SINGLE = (400, 404, 422)
"""Statuses that may be about single tasks."""


class Reply(NamedTuple):
    """What stands in one answer: results, and errors by the task they belong to ("": to all)."""

    data: tuple[Json, ...]
    errors: tuple[tuple[str, RunnerError], ...]


class Api:
    """The one address that takes tasks."""

    def __init__(self, http: HttpClient, secrets: tuple[str, ...]) -> None:
        self._http = http
        self._secrets = secrets

    async def post(self, tasks: Sequence[Json], field: str) -> Reply:
        """The answer to `tasks`. Raises the error that stands for all of it."""
        path = "" if self._http.target.path else "/"
        with await self._http.post(path, encoded(tasks, field), limit=_LARGEST) as answer:
            if answer.status != 200:
                return await self._refused(answer, field)
            body = b"".join([piece async for piece in answer])
        return self._read(decoded(body, answer.where), answer, field)

    def _read(self, said: Any, answer: Answer, field: str) -> Reply:
        if not isinstance(said, Mapping) or not ({"data", "errors", "error"} & said.keys()):
            raise ProcessingError(
                f"{answer.where} answered without data. Is base_url right?",
                detail="malformed",
                retryable=False,
            )
        data = said.get("data") or ()
        errors = said.get("errors") or ([said["error"]] if said.get("error") else [])
        if not isinstance(data, list | tuple) or not isinstance(errors, list):
            raise ProcessingError(
                f"{answer.where} answered in another form.", detail="malformed", retryable=False
            )
        results = tuple(item for item in data if isinstance(item, Mapping))
        wrong = [self._error(item, answer, field) for item in errors]
        wrong += [
            self._error({**(item.get("error") or {}), "taskUUID": item.get("taskUUID")},
                        answer, field)
            for item in results if item.get("status") == "error"
        ]  # fmt: skip
        if wrong and not results and not any(uuid for uuid, _ in wrong):
            raise wrong[0][1]
        return Reply(tuple(i for i in results if i.get("status") != "error"), tuple(wrong))

    def _error(self, item: Any, answer: Answer, field: str) -> tuple[str, RunnerError]:
        found = item if isinstance(item, Mapping) else {"message": str(item)}
        about = field_of(found) or field
        error = reported({"error": found}, answer, secrets=self._secrets, field=about, says=SAYS)
        return str(found.get("taskUUID") or ""), error

    async def _refused(self, answer: Answer, field: str) -> Reply:
        """What an answer that refuses says of each task. Raises what it says of all of them."""
        if 300 <= answer.status < 400 or answer.encoded:
            raise await refusal(answer, secrets=self._secrets, field=field, says=SAYS)
        body = b""
        try:
            async for piece in answer:
                body += piece
                if len(body) > _MOST:
                    break
            said = msgspec.json.decode(body)
        except (RunnerError, *UNREADABLE):  # the status says enough
            said = body.decode("utf-8", "replace")[:2000] if b"<" not in body else ""
        if isinstance(said, Mapping) and isinstance(said.get("errors"), list) and said["errors"]:
            errors = tuple(self._error(item, answer, field) for item in said["errors"])
            if answer.status in _SINGLE and all(uuid for uuid, _ in errors):
                return Reply((), errors)
            raise errors[0][1]
        if isinstance(said, Mapping) and isinstance(said.get("error"), Mapping):
            raise self._error(said["error"], answer, field)[1]
        raise reported(said, answer, secrets=self._secrets, field=field, says=SAYS)
