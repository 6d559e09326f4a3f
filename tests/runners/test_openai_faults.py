"""Every fault that the stand-in plays, on every route: told for what it is, or not noticed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from breeze.contracts.errors import RunnerError
from breeze.contracts.request import Request
from breeze.contracts.requests import (
    ChatRequest,
    DrawRequest,
    EmbedRequest,
    ModerateRequest,
    SpeakRequest,
    TranscribeRequest,
)
from breeze.testing.media import wav
from breeze.testing.standins.openai import OpenAIStandin
from tests.runners.openai_vendor import KEY, MODEL, loaded, whole

SAY = "Say hello to the engine please"
ROUTES: dict[str, Callable[[], Request[Any]]] = {
    "chat": lambda: ChatRequest.of(SAY, model=MODEL),
    "whole chat": lambda: ChatRequest.of(SAY, model=MODEL, whole=True),
    "speech": lambda: SpeakRequest(SAY, model=MODEL),
    "hearing": lambda: TranscribeRequest(audio=wav(0.2), model=MODEL, timestamps="none"),
    "whole hearing": lambda: TranscribeRequest(audio=wav(0.2), model=MODEL),
    "pictures": lambda: DrawRequest.of(SAY, model=MODEL, size="16x16"),
    "verdict": lambda: ModerateRequest(SAY),
    "vectors": lambda: EmbedRequest.of(SAY, model=MODEL),
}
TOLD = {
    "rate-limit": "E429", "quota": "E402", "retry-after-huge": "E429",
    "retry-after-rubbish": "E429",
    "key-refused": "E401", "key-refused-empty": "E401", "forbidden": "E401",
    "model-missing": "E404",
    "error-500": "E501", "error-502-page": "E501", "error-503": "E505", "error-504": "E501",
    "error-524-page": "E501", "error-529": "E505", "context": "E400", "invalid": "E400",
    "loading": "E502", "refused": "E501", "reset": "E501", "closed": "E501", "stream-cut": "E101",
    "stream-reset": "E101", "early-close": "E101", "early-end": "E101", "html-page": "E101",
    "error-200": "E505", "redirect": "E501", "redirect-plain": "E501", "redirect-private": "E501",
    "blocked": "G100", "gzip": "E101", "gzip-bomb": "E101", "reflected": "E400",
}  # fmt: skip
"""What goes wrong in the same way wherever it happens, and the code of its error."""
MARKED = {"stream-error": "E505", "malformed": "E101", "error-event-text": "E101",
          "error-event-named": "E501", "length-short": "E101"}  # fmt: skip
"""What shows only where an answer has a form: not amid the bytes of a sound."""
UNSEEN = (
    "framing-crlf", "framing-cr", "framing-bom", "framing-comments", "framing-multi-line",
    "framing-no-space", "framing-together", "framing-bytewise", "no-done", "double-done",
    "data-after-done", "usage-null", "usage-missing", "usage-everywhere", "unknown-event",
    "unknown-field", "unknown-reason", "whole-for-stream",
)  # fmt: skip
"""What must make no difference."""
SILENT = ("slow-head", "slow-first", "slow-comments", "stall")


def cases() -> Iterator[tuple[str, str, str]]:
    for route in ROUTES:
        yield from ((fault, route, code) for fault, code in TOLD.items())
        yield from ((fault, route, "") for fault in UNSEEN)
        if route != "speech":
            yield from ((fault, route, code) for fault, code in MARKED.items())


@pytest.mark.parametrize(("fault", "route", "code"), [*cases()])
async def test_a_fault_is_told_for_what_it_is(fault: str, route: str, code: str) -> None:
    async with OpenAIStandin.serving() as vendor, loaded(vendor) as runner:
        vendor.fault(fault)
        if not code:
            assert await whole(runner, ROUTES[route]())
            return
        with pytest.raises(RunnerError) as caught:
            await whole(runner, ROUTES[route]())
    assert caught.value.code == code
    assert caught.value.message
    assert KEY not in f"{caught.value.message} {caught.value.data}"
    assert len(vendor.calls) <= 1, "the runner itself tries nothing again"


@pytest.mark.parametrize("route", ["chat", "speech", "hearing", "vectors"])
@pytest.mark.parametrize("fault", SILENT)
async def test_silence_ends_in_time(fault: str, route: str) -> None:
    async with OpenAIStandin.serving() as vendor, loaded(vendor, timeout=1) as runner:
        vendor.fault(fault)
        async with asyncio.timeout(5):
            with pytest.raises(RunnerError) as caught:
                await whole(runner, ROUTES[route]())
    assert (caught.value.code, caught.value.detail) == ("E501", "timeout")
