"""What travels between two Breeze servers: the request, its events, and their errors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from breeze.contracts.errors import ProcessingError, RunnerError, UnavailableError, from_info
from breeze.contracts.events import (
    EVENTS,
    Finish,
    ImageReady,
)
from breeze.contracts.request import AUTO, Request, new_id
from breeze.contracts.service import Upload
from breeze.contracts.unreadable import UNREADABLE
from breeze.contracts.values import ErrorInfo
from breeze.contracts.wire import decode_event
from breeze.runners._http_answer import Answer
from breeze.runners._http_error_words import Kind, Says
from breeze.runners._http_errors import refusal, reported, scrubbed
from breeze.runners._http_lines import LineSplitter

LONGEST = 1024 * 1024 * 1024
"""Bytes of one event: a long recording as base64 fits."""
_LONGEST_WAIT = 86_400.0
"""Seconds to wait for another try, as servers may ask for."""
_MOST = 1024 * 1024
"""Bytes of an error's body."""
_LINES = "application/x-ndjson"
_STRANGER = Kind(UnavailableError, "It is no Breeze server: check base_url.", detail="stranger")
_SAYS = Says(judge=lambda found, status: _STRANGER if status in (404, 405) else None)
_info = msgspec.json.Decoder(ErrorInfo)


def outgoing(request: Request[Any]) -> Request[Any]:
    """`request` as the other server gets it: the route is its own, and so is the id.

    A second try must not meet the first under the same id. The guardian's options are for the
    server that was asked first.
    """
    named = request.model not in (AUTO, "")
    given = {name: getattr(request, name) for name in request.__struct_fields__}
    own = {
        "id": f"{request.id[:91]}-{new_id()}",
        "runner": "",
        "model": request.model if named else AUTO,
        "strict": request.strict and named,
        "guardian": None,
    }
    return type(request)(**{**given, **own})


async def refused(answer: Answer, secrets: Iterable[str]) -> RunnerError:
    """The error that an answer stands for: theirs as it is, or that this is no Breeze server."""
    if 300 <= answer.status < 400:
        return await refusal(answer, secrets=secrets, field="base_url")
    body = b""
    with answer:
        async for data in answer:
            body += data
            if len(body) > _MOST:
                break
    try:
        return theirs(_info.decode(body), secrets)
    except UNREADABLE:
        pass
    try:
        said = msgspec.json.decode(body)
    except UNREADABLE:
        said = ""  # a page of whoever stands between
    return reported(said, answer, secrets=secrets, field="base_url", says=_SAYS)


def theirs(info: ErrorInfo, secrets: Iterable[str]) -> RunnerError:
    """Their error as ours, without our key. Which runner it was stands in front of the model."""
    told = msgspec.json.encode(info)  # anew, as they may have written the key in any way
    for secret in filter(None, secrets):
        told = told.replace(msgspec.json.encode(secret)[1:-1], b"***")
    info = _info.decode(told)
    model = "/".join(filter(None, (info.runner, info.model)))
    wait = info.retry_after
    error = from_info(
        msgspec.structs.replace(
            info,
            runner="",
            model=model,
            delivered=0,
            message=scrubbed(info.message, secrets),
            retry_after=None if wait is None or wait < 0 else min(wait, _LONGEST_WAIT),
        )
    )
    error.relayed = bool(info.runner)
    return error


def upload_of(answer: Answer) -> str:
    """The id of what was sent ahead. Raises ProcessingError when the answer does not say."""
    try:
        return msgspec.json.decode(answer.body(), type=Upload).id
    except UNREADABLE as error:
        raise ProcessingError(
            f"{answer.where} did not say what it keeps a file as: {error}.", detail="malformed"
        ) from error


class Reader:
    """Their events out of the bytes of an answer. `over`: the end has come."""

    def __init__(self, answer: Answer, method: str, secrets: tuple[str, ...]) -> None:
        self._answer = answer
        self._secrets = secrets
        self._allowed = frozenset(EVENTS[method])
        self._lines = LineSplitter(largest=LONGEST)
        self.count = 0
        self.over = False
        if not answer.header("content-type").startswith(_LINES):
            raise self._malformed("its answer is no stream of events: is it a Breeze server?")

    def take(self, data: bytes) -> Iterable[Any]:
        """The events that `data` completes. Raises the error that one of them is."""
        for line in self._lines.feed(data):
            if not self.over:
                yield self._read(line)

    def end(self) -> None:
        """There is no more. Raises ProcessingError when the end has not come."""
        if not self.over:
            raise ProcessingError(
                f"{self._answer.where} ended its answer after {self.count} events without an "
                "end. Send the request again.",
                detail="cut",
            )

    def _read(self, line: bytes) -> Any:
        try:
            event = decode_event(line)
        except UNREADABLE as error:
            why = scrubbed(str(error), self._secrets)
            raise self._malformed(f"event {self.count + 1} is none ({why})") from None
        if isinstance(event, ErrorInfo):
            self.over = True
            self._answer.release()
            raise theirs(event, self._secrets)
        if type(event) not in self._allowed:
            raise self._malformed(f"a {type(event).__name__} is no part of such an answer")
        self.count += 1
        if type(event) is ImageReady and event.file:  # a file of that machine, which is none here
            return msgspec.structs.replace(event, file="")
        if type(event) is Finish:
            self.over = True
            self._answer.release()
            return _end(event)
        return event

    def _malformed(self, what: str) -> ProcessingError:
        return ProcessingError(
            f"{self._answer.where}: {what}.", detail="malformed", retryable=False
        )


def _end(finish: Finish) -> Finish:
    """Their end without the whole answer, which is added up here again."""
    metadata = dict(finish.metadata or {})
    metadata.pop("processing_time_ms", None)
    result = finish.result
    if result is not None and (result.runner or result.model):
        metadata["model_name"] = "/".join(filter(None, (result.runner, result.model)))
    return Finish(finish.reason, metadata=metadata or None)
