"""Faults before any output: refusals, redirects, silence."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from email.utils import formatdate
from time import time
from typing import Any

import msgspec

from breeze.testing.standins._fault import Fault, Play, Scene
from breeze.testing.standins._reply import JSON, SSE, Reply

_PAGE = b"<!doctype html><html><head><title>%b</title></head><body><h1>%b</h1></body></html>"


def _refused(kind: str) -> Play:
    return lambda scene: scene.vendor.refusal(kind, scene.call)


def _status(kind: str, status: int) -> Play:
    return lambda scene: scene.vendor.refusal(kind, scene.call).but(status=status)


def _page(status: int, words: str) -> Play:
    page = _PAGE % (words.encode(), words.encode())
    return lambda scene: Reply.raw(page, "text/html; charset=utf-8", status=status)


def _empty(status: int) -> Play:
    return lambda scene: Reply(status)


_HINTS: dict[str, Callable[[float], dict[str, str]]] = {
    "seconds": lambda wait: {"retry_after": f"{wait:g}"},
    "ms": lambda wait: {"retry_after_ms": f"{wait * 1000:g}"},
    "date": lambda wait: {"retry_after": formatdate(time() + wait, usegmt=True)},
    "none": lambda wait: {},
}


def _rate_limit(scene: Scene) -> Reply:
    refusal = scene.vendor.refusal("rate_limit", scene.call)
    kept = {n: v for n, v in refusal.headers.items() if not n.lower().startswith("retry-after")}
    hint = _HINTS[scene.values["spelling"]](scene.number("wait"))
    return refusal.but(headers=kept).having(**hint)


def _hint(value: str) -> Play:
    return lambda scene: scene.vendor.told_to_wait(value, scene.call)


def _refuse_connections(scene: Scene) -> Reply:
    """Broken off, and nobody listens any more."""
    asyncio.ensure_future(scene.vendor.stop_listening())  # noqa: RUF006  # ends at once
    return Reply(begins=False, ending="reset")


def _redirect(to: Callable[[Scene], str]) -> Play:
    def play(scene: Scene) -> Reply:
        location = scene.values.get("to") or to(scene)
        return Reply(int(scene.number("status")), {"location": location})

    return play


def _reflected(scene: Scene) -> Reply:
    """A refusal that repeats the headers of the request, the key among them."""
    refusal = scene.vendor.refusal("invalid_input", scene.call)
    told = "; ".join(f"{name}: {value}" for name, value in scene.call.fields)
    body = msgspec.json.encode(_with_text(msgspec.json.decode(refusal.body), f" Headers: {told}"))
    return Reply(refusal.status, {"content-type": JSON}, (body,))


def _with_text(value: Any, more: str) -> Any:
    """The same with `more` after each text of several words."""
    if isinstance(value, str):
        return value + more if " " in value else value
    if isinstance(value, Mapping):
        return {name: _with_text(inner, more) for name, inner in value.items()}
    return [_with_text(inner, more) for inner in value] if isinstance(value, list) else value


_SILENT_BODY = Reply(headers={"content-type": SSE}, framing="chunked", ending="silence")
_MOVED = {"status": "307", "to": ""}


BEFORE: tuple[Fault, ...] = (
    Fault("rate-limit", 1, "Too many requests", "429 with a hint when to come again; spelling="
          "seconds, ms, date or none", "before", _rate_limit, {"wait": "2", "spelling": "seconds"}),
    Fault("quota", 2, "Out of credit", "the refusal for a bill that is not paid", "before",
          _refused("quota")),
    Fault("retry-after-huge", 3, "A hint of a day", "429 with a hint of 99999 s", "before",
          _hint("99999")),
    Fault("retry-after-negative", 3, "A hint in the past", "429 with a hint of -5 s", "before",
          _hint("-5")),
    Fault("retry-after-rubbish", 3, "A hint that is none", "429 with a hint of soon", "before",
          _hint("soon")),
    Fault("key-refused", 4, "The key is wrong", "401 in the vendor's words", "before",
          _refused("authentication")),
    Fault("key-refused-empty", 4, "The key is wrong, without a word", "401 with an empty body",
          "before", _empty(401)),
    Fault("forbidden", 4, "The key may not", "403 in the vendor's words", "before",
          _refused("permission")),
    Fault("forbidden-empty", 4, "The key may not, without a word", "403 with an empty body",
          "before", _empty(403)),
    Fault("model-missing", 5, "No such model", "404 in the vendor's words", "before",
          _refused("not_found")),
    Fault("error-500", 6, "It failed", "500 in the vendor's words", "before",
          _status("internal", 500)),
    Fault("error-502-page", 6, "A bad gateway", "502 with a page of HTML", "before",
          _page(502, "502 Bad Gateway")),
    Fault("error-503", 6, "Overloaded", "the vendor's words with 503", "before",
          _status("overloaded", 503)),
    Fault("error-503-page", 6, "Down for maintenance", "503 with a page of HTML", "before",
          _page(503, "Service Unavailable")),
    Fault("error-504", 6, "Too slow", "504 in the vendor's words", "before",
          _status("timeout", 504)),
    Fault("error-524-page", 6, "The edge gave up", "524 with a page of HTML", "before",
          _page(524, "A timeout occurred")),
    Fault("error-529", 6, "Overloaded, by its own number", "529 in the vendor's words", "before",
          _status("overloaded", 529)),
    Fault("context", 6, "Longer than the model's window", "the vendor's refusal of a long prompt",
          "before", _refused("context")),
    Fault("invalid", 6, "The request is wrong", "the vendor's refusal of a wrong field", "before",
          _refused("invalid_input")),
    Fault("loading", 7, "The model is still loading", "503 until it is ready; ask with `times`",
          "before", _refused("model_not_loaded")),
    Fault("refused", 8, "Nobody listens", "broken off, then connections are refused", "before",
          _refuse_connections),
    Fault("reset", 8, "Broken off before an answer", "a reset connection", "before",
          lambda scene: Reply(begins=False, ending="reset")),
    Fault("closed", 8, "Closed before an answer", "a closed connection", "before",
          lambda scene: Reply(begins=False, ending="close")),
    Fault("slow-head", 9, "No answer", "silence after the request", "before",
          lambda scene: Reply(begins=False, ending="silence")),
    Fault("slow-first", 9, "No first event", "a status and headers, then silence", "before",
          lambda scene: _SILENT_BODY),
    Fault("slow-comments", 9, "Comments only", "a status and headers, then comments for ever",
          "before", lambda scene: _SILENT_BODY.but(life=b": still working\n\n")),
    Fault("html-page", 18, "A proxy's page", "200 with a page of HTML", "before",
          _page(200, "Welcome")),
    Fault("error-200", 19, "An error that calls itself a success", "200 with an error object",
          "before", _status("overloaded", 200)),
    Fault("redirect", 20, "Sent to another host", "a redirect; status=301, 302, 307 or 308, "
          "to=an address", "before", _redirect(lambda s: f"https://elsewhere.invalid{s.call.path}"),
          _MOVED),
    Fault("redirect-plain", 20, "Sent to plain HTTP", "a redirect to http at another port",
          "before", _redirect(lambda s: f"http://127.0.0.1:9{s.call.path}"), _MOVED),
    Fault("redirect-loop", 20, "Sent in a circle", "a redirect to itself", "before",
          _redirect(lambda s: s.call.target), _MOVED),
    Fault("redirect-private", 21, "Sent inside", "a redirect to a private address", "before",
          _redirect(lambda s: "http://169.254.169.254/latest/meta-data"), _MOVED),
    Fault("blocked", 27, "The prompt is not allowed", "the vendor's refusal of the content",
          "before", _refused("content_blocked")),
    Fault("reflected", 35, "Headers in the error", "a refusal that repeats what was sent, key and "
          "all", "before", _reflected),
)  # fmt: skip
