"""Bad days of ElevenLabs: what the caller sees, who waits for whom, and that nothing stays open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from breeze.contracts.errors import (
    AuthenticationError,
    BlockedError,
    InputError,
    NotFoundError,
    OverloadedError,
    ProcessingError,
    QuotaError,
    RateLimitError,
    RunnerError,
    TooLargeError,
    UnavailableError,
)
from breeze.contracts.events import AudioChunk
from breeze.runners._elevenlabs_errors import SAYS
from breeze.runners._http_error_words import kind_of
from breeze.runners.elevenlabs import ElevenLabsRunner
from breeze.testing.media import wav
from breeze.testing.standins._elevenlabs_sound import sound
from breeze.testing.standins.elevenlabs import ElevenLabsStandin
from tests.http.leavers import until
from tests.runners.elevenlabs_asking import TEXT, heard, hearing, running, saying, spoken
from tests.runners.standin import Exchange, StandIn


@pytest.fixture
async def vendor() -> AsyncIterator[ElevenLabsStandin]:
    async with ElevenLabsStandin.serving(key="canary-key") as vendor:
        yield vendor


@pytest.fixture
async def runner(vendor: ElevenLabsStandin) -> AsyncIterator[ElevenLabsRunner]:
    async with running(vendor) as runner:
        yield runner


BEFORE: dict[str, tuple[type[RunnerError], bool]] = {
    "rate-limit": (RateLimitError, True),
    "quota": (QuotaError, False),
    "key-refused": (AuthenticationError, False),
    "key-refused-empty": (AuthenticationError, False),
    "forbidden": (AuthenticationError, False),
    "model-missing": (NotFoundError, False),
    "error-500": (UnavailableError, True),
    "error-502-page": (UnavailableError, True),
    "error-503": (OverloadedError, True),
    "error-504": (UnavailableError, True),
    "context": (TooLargeError, False),
    "invalid": (InputError, False),
    "blocked": (BlockedError, False),
    "refused": (UnavailableError, True),
    "reset": (UnavailableError, True),
    "closed": (UnavailableError, True),
    "html-page": (ProcessingError, True),
    "error-200": (OverloadedError, True),
    "redirect": (UnavailableError, False),
    "gzip": (ProcessingError, False),
    "reflected": (InputError, False),
}


async def asked(runner: ElevenLabsRunner, way: str) -> None:
    """Speak or hear in one of six ways."""
    if way == "hear":
        await heard(runner, hearing(audio=wav(1.0)))
    else:
        params = {"timestamps": way == "timed", "verify_end": "plain" not in way}
        request = saying(whole="whole" in way, params=params)
        await spoken(runner, request)


@pytest.mark.parametrize("way", ["stream", "whole", "plain", "plain whole", "timed", "hear"])
@pytest.mark.parametrize("fault", BEFORE)
async def test_a_refusal_is_told_as_what_it_is(
    vendor: ElevenLabsStandin, runner: ElevenLabsRunner, fault: str, way: str
) -> None:
    kind, retryable = BEFORE[fault]
    vendor.fault(fault)
    with pytest.raises(kind) as refused:
        await asked(runner, way)
    assert refused.value.retryable is retryable
    assert "canary" not in repr(refused.value.info())
    assert len(vendor.calls) == 1
    assert runner.work.active == 0


@pytest.mark.parametrize("profile", ElevenLabsStandin.profiles)
async def test_a_401_may_be_the_quota(profile: str) -> None:
    """The word counts more than the status, in the older form of errors and in the newer one."""
    async with ElevenLabsStandin.serving(profile=profile) as vendor, running(vendor) as runner:
        vendor.fault("quota")
        with pytest.raises(QuotaError, match="answered 401: This request exceeds") as refused:
            await spoken(runner, saying())
        assert refused.value.data["upstream_status"] == 401
        vendor.fault("key-refused")
        with pytest.raises(AuthenticationError, match="Invalid API key"):
            await spoken(runner, saying())


async def test_too_many_at_once_is_no_busy_day(
    vendor: ElevenLabsStandin, runner: ElevenLabsRunner
) -> None:
    vendor.fault("rate-limit;spelling=none")
    with pytest.raises(RateLimitError) as often:
        await spoken(runner, saying())
    vendor.fault("error-529")
    with pytest.raises(OverloadedError) as busy:
        await spoken(runner, saying())
    assert (often.value.retry_after, busy.value.retry_after) == (None, None)


@pytest.mark.parametrize(
    ("status", "word", "kind", "field"),
    [
        (401, "missing_permissions", AuthenticationError, ""),
        (401, "detected_unusual_activity", AuthenticationError, ""),
        (400, "voice_not_found", NotFoundError, "voice"),
        (400, "max_character_limit_exceeded", TooLargeError, "text"),
        (403, "output_format_not_allowed", AuthenticationError, ""),
        (429, "concurrent_limit_exceeded", RateLimitError, ""),
        (429, "system_busy", OverloadedError, ""),
        (400, "something_new", InputError, ""),
    ],
)
def test_words_are_understood(status: int, word: str, kind: type[RunnerError], field: str) -> None:
    for found in ({"status": word}, {"status": "old", "code": word}):
        known = kind_of(found, status, SAYS)
        assert (known.error, known.field) == (kind, field)


DURING = {
    "stream-cut": "cut",
    "stream-reset": "cut",
    "early-close": "cut",
    "length-long": "cut",
    "stream-error": "",
}


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("fault", DURING)
async def test_what_came_before_a_fault_is_delivered(
    vendor: ElevenLabsStandin, runner: ElevenLabsRunner, fault: str, plain: bool
) -> None:
    vendor.fault(fault)
    data = b""
    broken: RunnerError | None = None
    try:
        params = {"verify_end": not plain}
        async for event in runner.speak(saying(format="pcm", params=params)):
            assert isinstance(event, AudioChunk)
            data += event.data
    except RunnerError as error:
        broken = error
    assert broken is not None
    assert (broken.detail, broken.retryable) == (DURING[fault], True)
    assert data
    # A connection may break off amid a chunk, whose beginning is rubbish here.
    assert sound(TEXT, "pcm_24000").startswith(data.removesuffix(b"da"))
    assert runner.work.active == 0


async def test_an_answer_without_sound_is_none(runner: ElevenLabsRunner) -> None:
    async def nothing(exchange: Exchange) -> None:
        await exchange.whole(b"", content_type="audio/mpeg")

    async with StandIn.serving(nothing) as server:
        silent = ElevenLabsRunner(runner.parameters.model_copy(update={"base_url": server.url}))
        await silent.load("")
        with pytest.raises(ProcessingError, match="sent no sound") as empty:
            await spoken(silent, saying())
        await silent.unload()
    assert empty.value.detail == "malformed"


@pytest.mark.parametrize("fault", ["slow-head", "slow-first", "stall", "endless"])
@pytest.mark.parametrize("checked", [False, True])
async def test_leaving_closes_the_connection_at_once(
    vendor: ElevenLabsStandin, runner: ElevenLabsRunner, fault: str, checked: bool
) -> None:
    vendor.fault(fault)
    reading = asyncio.ensure_future(spoken(runner, saying(params={"verify_end": checked})))
    await until(lambda: bool(vendor.calls))
    await asyncio.wait([reading], timeout=0.02)
    assert not reading.done()
    reading.cancel()
    await asyncio.wait([reading])
    async with asyncio.timeout(0.1):
        await vendor.idle()
    assert vendor.calls[0].outcome == "left"
    assert runner.work.active == 0
    assert (await spoken(runner, saying())).audio


# As many at once as the account may have


async def test_the_others_wait_here_and_not_at_the_vendor(
    vendor: ElevenLabsStandin, runner: ElevenLabsRunner
) -> None:
    vendor.at_once = 2
    await spoken(runner, saying())  # tells the limit
    vendor.fault("stall", times=2)
    streams = [runner.speak(saying()) for _ in range(2)]
    for stream in streams:
        await anext(stream)
    waiting = [asyncio.ensure_future(spoken(runner, saying())) for _ in range(3)]
    await asyncio.wait(waiting, timeout=0.05)
    assert len(vendor.calls) == 3
    waiting.pop(0).cancel()  # who leaves the queue takes nobody's turn
    await streams.pop().aclose()
    found = await asyncio.gather(*waiting)
    assert all(speech.audio for speech in found)
    assert len(vendor.calls) == 5
    await streams.pop().aclose()
    assert runner.work.active == 0


async def test_while_the_limit_is_not_known_nobody_waits(
    vendor: ElevenLabsStandin, runner: ElevenLabsRunner
) -> None:
    vendor.fault("slow-head", times=3)
    waiting = [asyncio.ensure_future(spoken(runner, saying())) for _ in range(3)]
    await until(lambda: len(vendor.calls) == 3)
    for each in waiting:
        each.cancel()
    await asyncio.wait(waiting)


async def test_a_turn_given_to_one_who_leaves_goes_on_to_the_next(
    vendor: ElevenLabsStandin, runner: ElevenLabsRunner
) -> None:
    vendor.at_once = 1
    await spoken(runner, saying())
    vendor.fault("stall")
    async with aclosing(runner.speak(saying())) as first:
        await anext(first)
        leaves, stays = (asyncio.ensure_future(spoken(runner, saying())) for _ in range(2))
        await asyncio.wait([leaves, stays], timeout=0.05)
    leaves.cancel()  # its turn has come, and it has not begun
    assert (await stays).audio
    assert leaves.cancelled()
