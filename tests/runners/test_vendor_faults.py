"""Every way in which a stand-in can go wrong, and what the caller of its runner gets."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from typing import Any

import pytest

from breeze.contracts.answers import ChatAnswer
from breeze.contracts.errors import (
    AuthenticationError,
    BlockedError,
    InputError,
    QuotaError,
    RateLimitError,
    RunnerError,
)
from breeze.contracts.events import TextDelta
from breeze.contracts.requests import ChatRequest
from breeze.contracts.runner import Runner
from breeze.runners.anthropic import AnthropicRunner
from breeze.runners.google import GoogleRunner
from breeze.testing.standins.anthropic import AnthropicStandin
from breeze.testing.standins.google import GoogleStandin
from tests.runners.bad_days import CODES, FINE, had
from tests.runners.chat_vendors import VENDORS
from tests.runners.vendor import running

OWN = {
    ("anthropic", "loading"): "E505", ("google", "loading"): "E505",
    ("google", "blocked"): "G100", ("google", "bare-error"): "E505",
}  # fmt: skip
"""Codes that depend on the vendor."""
BIG = {"huge-event", "gigantic-event", "gzip-bomb", "endless"}
SAID = "You said: Good day to you, my friend."
CASES = [
    (vendor, fault)
    for vendor, (_, kind) in VENDORS.items()
    for fault in kind.all_faults()
    if fault.name not in BIG and fault.name != "altered"  # one bit of it may be anything
]


def asking(**fields: Any) -> ChatRequest:
    return ChatRequest.of("Good day to you, my friend.", model="parrot-1", **fields)


async def texts_of(runner: Runner[Any], texts: list[str]) -> None:
    """Put every text that comes into `texts`, until the end or an error."""
    async with aclosing(runner.stream(asking())) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                texts.append(event.text)


@pytest.mark.parametrize("whole", [False, True], ids=["stream", "whole"])
@pytest.mark.parametrize(("name", "fault"), CASES, ids=[f"{v}-{f.name}" for v, f in CASES])
async def test_what_comes_of_it(name: str, fault: Any, whole: bool) -> None:
    runner, standin = VENDORS[name]
    async with standin.serving(strict=False) as vendor:
        vendor.fault(fault.name, times=None)
        found = await had(runner, vendor, asking(whole=whole), timeout=1)
        vendor.release()
    assert len(vendor.calls) == 1  # nothing is retried here, and no redirect followed
    code = OWN.get((name, fault.name), CODES.get(fault.name))
    if isinstance(found, ChatAnswer):
        fine = fault.harmless or fault.name in FINE or (whole and fault.phase == "shape")
        over = (name, fault.name, whole) == ("anthropic", "length-long", False)  # it said so itself
        assert fine or over or code is None, f"{fault.name} went unnoticed: {found}"
        if fault.harmless and fault.name not in ("bad-utf8", "split-utf8"):
            assert found.text == SAID
        return
    assert found.code == code, found
    assert "test-key" not in str(found.info())


@pytest.mark.parametrize("name", VENDORS)
async def test_what_came_before_is_delivered(name: str) -> None:
    runner, standin = VENDORS[name]
    for fault in ("stream-cut", "stream-reset", "early-end", "stream-error", "malformed"):
        async with standin.serving() as vendor, running(runner, vendor.url) as asked:
            vendor.fault(fault, after=5)
            texts: list[str] = []
            with pytest.raises(RunnerError):
                await texts_of(asked, texts)
            assert texts, fault
            assert SAID.startswith("".join(texts))


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize(("fault", "passes"), [("huge-event", True), ("gigantic-event", False)])
async def test_large_events(name: str, fault: str, passes: bool) -> None:
    runner, standin = VENDORS[name]
    async with standin.serving(strict=False) as vendor:
        vendor.fault(fault, after=4)
        found = await had(runner, vendor, asking())
    if passes:
        assert isinstance(found, ChatAnswer)
        assert len(found.text) > 20 * 2**20
    else:
        assert isinstance(found, RunnerError)
        assert (found.code, found.retryable) == ("E101", False)


@pytest.mark.parametrize("name", VENDORS)
async def test_hints_when_to_come_again(name: str) -> None:
    runner, standin = VENDORS[name]
    async with standin.serving() as vendor:
        vendor.fault("rate-limit", wait=3)
        found = await had(runner, vendor, asking())
        assert isinstance(found, RateLimitError)
        assert found.retry_after == 3
        vendor.fault("quota")
        spent = await had(runner, vendor, asking())
        assert isinstance(spent, QuotaError)
        assert not spent.retryable


async def test_gemini_words_in_an_array_count_too() -> None:
    async with GoogleStandin.serving() as vendor:
        vendor.fault("rate-limit", wait=3, spelling="array")
        found = await had(GoogleRunner, vendor, asking())
    assert isinstance(found, RateLimitError)
    assert found.retry_after == 3


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize("whole", [False, True])
async def test_a_wrong_key_is_told_and_not_repeated(name: str, whole: bool) -> None:
    runner, standin = VENDORS[name]
    async with standin.serving() as vendor:
        found = await had(runner, vendor, asking(whole=whole), api_key="wrong-key-0123")
    assert isinstance(found, AuthenticationError)
    assert "wrong-key-0123" not in str(found.info())


@pytest.mark.parametrize("name", VENDORS)
async def test_too_much_context_is_named(name: str) -> None:
    runner, standin = VENDORS[name]
    async with standin.serving() as vendor:
        vendor.fault("context")
        found = await had(runner, vendor, asking())
    assert isinstance(found, InputError)
    assert found.detail == "context_length_exceeded"


async def test_who_refuses_a_prompt_and_who_an_answer() -> None:
    async with GoogleStandin.serving() as google:
        google.fault("blocked")
        assert isinstance(await had(GoogleRunner, google, asking()), BlockedError)
    async with AnthropicStandin.serving() as anthropic:
        anthropic.fault("blocked")
        found = await had(AnthropicRunner, anthropic, asking())
        assert isinstance(found, ChatAnswer)
        assert found.finish_reason == "content_filter"


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize("fault", ["slow-head", "slow-first", "stall", "endless"])
async def test_closing_closes_the_vendors_socket_at_once(name: str, fault: str) -> None:
    """While waiting for the status, for the first event, amid silence, amid a flood."""
    runner, standin = VENDORS[name]
    async with standin.serving(strict=False) as vendor, running(runner, vendor.url) as asked:
        gone = asyncio.Event()
        vendor.on_call = lambda call: gone.set()
        vendor.fault(fault, times=None)
        reading = asyncio.ensure_future(texts_of(asked, []))
        done, _ = await asyncio.wait({reading}, timeout=0.1)  # well into the fault
        assert vendor.calls
        assert not done
        began = time.perf_counter()
        reading.cancel()
        await asyncio.wait_for(gone.wait(), 5)
        assert time.perf_counter() - began < 0.1
        assert vendor.calls[0].outcome == "left"
        await asyncio.gather(reading, return_exceptions=True)
        assert asked.work.active == 0


@pytest.mark.parametrize("name", VENDORS)
async def test_after_a_bad_day_the_same_runner_works_again(name: str) -> None:
    runner, standin = VENDORS[name]
    async with standin.serving() as vendor, running(runner, vendor.url) as asked:
        for fault in ("reset", "stream-cut", "error-500", "early-end"):
            vendor.fault(fault)
            with pytest.raises(RunnerError):
                await texts_of(asked, [])
        texts: list[str] = []
        await texts_of(asked, texts)
    assert "".join(texts) == SAID
