"""What a server's refusal means: one error of our tree for each.

Read in this order: the machine word in the body, the kind of error it names, the HTTP status.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import msgspec

from breeze.contracts.errors import RunnerError, UnavailableError
from breeze.contracts.unreadable import UNREADABLE
from breeze.runners._http_answer import Answer
from breeze.runners._http_error_words import USUAL, Kind, Says, kind_of
from breeze.runners._http_json import tolerant
from breeze.runners._http_retry import retry_after, told_to_retry

_MOST = 64 * 1024
"""Bytes of an error's body that are read."""
_PATIENCE = 5.0
"""Seconds for it to come."""
_LONGEST = 600
"""Characters of a server's message that are passed on."""
_BEARER = re.compile(r"(?i)\b(bearer|api[-_ ]?key)([:= ]+)(?![a-z']{1,15}[.,:;!?)]*(?: |$))\S+")
"""A key behind its label. Plain words stay: “API key not valid” must not become its contrary."""
_MARKUP = re.compile(r"<(?:script|style).*?</(?:script|style)>|<[^>]*>", re.S)


async def refusal(
    answer: Answer, *, secrets: Iterable[str], field: str, says: Says = USUAL
) -> RunnerError:
    """The error that an answer stands for that is no success. Reads its body, and closes it.

    `field`: what to name when the server does not say which part of the request is wrong. `says`:
    how this vendor names its errors, where that is not as others do.
    """
    with answer:
        body = b"" if answer.encoded else await _read(answer)
    error = reported(_decoded(body, answer), answer, secrets=secrets, field=field, says=says)
    if not 300 <= answer.status < 400:
        return error
    to = scrubbed(answer.header("location") or "another place", secrets)
    return UnavailableError(
        f"{answer.where} redirects to {to}, and redirects are not followed. Set base_url to the "
        "server that answers.",
        retryable=False,
    )


def reported(
    said: Any, answer: Answer, *, secrets: Iterable[str], field: str, says: Says = USUAL
) -> RunnerError:
    """The error for what a server said, be it text or an object, within an answer or as one."""
    found = _found(said)
    status = answer.status if answer.status >= 400 else _status(found.get("code"))
    kind = kind_of(found, status, says)
    wait = says.wait(found) if says.wait else None
    message = scrubbed(_message(found), secrets)
    return kind.error(
        _sentence(answer.where, status, message, kind),
        field=scrubbed(_field(found), secrets) or kind.field or field,
        detail=kind.detail,
        retryable=told_to_retry(answer.headers),
        retry_after=(retry_after(answer.headers) if wait is None else wait) if kind.waits else None,
        data={
            "upstream_status": answer.status,
            "upstream_code": scrubbed(str(found.get("code") or ""), secrets),
        },
    )


def scrubbed(text: str, secrets: Iterable[str]) -> str:
    """`text` on one line, without secrets, not longer than a message may be."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    text = _BEARER.sub(r"\1\2***", " ".join(text.split()))
    text = "".join(c for c in text if c.isprintable())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


async def _read(answer: Answer) -> bytes:
    """The beginning of the body, as far as it comes."""
    body = b""
    with suppress(RunnerError, TimeoutError):  # the status says enough
        async with asyncio.timeout(_PATIENCE):
            async for data in answer:
                body += data
                if len(body) >= _MOST:
                    break
    return body[:_MOST]


def _decoded(body: bytes, answer: Answer) -> Any:
    try:
        return tolerant(body)
    except UNREADABLE:
        text = body.decode("utf-8", "replace")
        return _MARKUP.sub(" ", text) if "html" in answer.header("content-type") else text


def _found(said: Any) -> dict[str, Any]:
    """The object that describes the error, in whatever shape it came."""
    if isinstance(said, Mapping):
        inner = said.get("error") or said.get("detail")
        if isinstance(inner, Mapping):
            return dict(inner)
        if isinstance(inner, list) and inner and isinstance(inner[0], Mapping):
            return _invalid(inner)
        inner = said.get("error")
        if isinstance(inner, str) and inner:
            return {**said, "message": said.get("message") or inner}
        if isinstance(inner, list) and all(isinstance(each, str) for each in inner):
            return {**said, "message": said.get("message") or "; ".join(inner)}
        return dict(said)
    if isinstance(said, list):
        return _found(said[0]) if said else {}
    return {"message": said, "error": said} if isinstance(said, str) else {}


def _invalid(problems: list[Any]) -> dict[str, Any]:
    """What validators of web frameworks list: where, and what is wrong there."""
    told = []
    for problem in (each for each in problems if isinstance(each, Mapping)):
        where = problem.get("loc")
        steps = where if isinstance(where, list) else [where] if where else []
        path = [str(part) for part in steps if part != "body"]
        told.append((".".join(path), str(problem.get("msg") or problem.get("message") or "")))
    text = "; ".join(f"{where}: {what}" if where else what for where, what in told)
    return {"message": text, "param": told[0][0]}


def _message(found: Mapping[str, Any]) -> str:
    for name in ("message", "detail", "error_description", "title"):
        value = found.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
        if value:
            return msgspec.json.encode(value).decode()
    return ""


def _status(code: Any) -> int:
    """The status that a code inside a body stands for; 0 when it is none."""
    text = str(code)
    number = int(text) if len(text) == 3 and text.isdecimal() else 0
    return number if 400 <= number < 600 else 0


def _field(found: Mapping[str, Any]) -> str:
    param = found.get("param")
    return param if isinstance(param, str) and len(param) <= 200 else ""


def _sentence(where: str, status: int, message: str, kind: Kind) -> str:
    answered = f"{where} answered {status}" if status else f"{where} reported an error"
    told = f"{answered}: {message}" if message else answered
    return f"{told.rstrip('.')}.{f' {kind.remedy}' if kind.remedy else ''}"
