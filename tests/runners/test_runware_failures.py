"""What goes wrong with tasks, and that nothing of it is paid twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.errors import (
    AuthenticationError,
    BlockedError,
    InputError,
    NotLoadedError,
    ProcessingError,
    QuotaError,
    RateLimitError,
    RunnerError,
    UnavailableError,
)
from breeze.contracts.requests import DrawRequest
from breeze.testing.standins.runware import PRICE, RunwareStandin
from tests.runners.runware_bench import Hasty, draw, expected, prompts, rounds, running, sent


@pytest.fixture
async def vendor() -> AsyncIterator[RunwareStandin]:
    async with RunwareStandin.serving() as served:
        yield served


WORDS: list[tuple[str, type[RunnerError], bool]] = [
    ("key-refused", AuthenticationError, False),
    ("key-refused-empty", AuthenticationError, False),
    ("forbidden", AuthenticationError, False),
    ("quota", QuotaError, False),
    ("rate-limit", RateLimitError, True),
    ("invalid", InputError, False),
    ("blocked", BlockedError, False),
    ("loading", NotLoadedError, True),
    ("error-500", ProcessingError, True),
    ("error-502-page", UnavailableError, True),
    ("error-503", UnavailableError, True),
    ("error-504", UnavailableError, True),
    ("error-200", UnavailableError, True),
    ("html-page", ProcessingError, False),
    ("redirect", UnavailableError, False),
    ("malformed", ProcessingError, False),
    ("reset", UnavailableError, True),
]


@pytest.mark.parametrize(("fault", "kind", "retryable"), WORDS, ids=[w[0] for w in WORDS])
async def test_a_refusal_of_everything_is_told_at_once_as_what_it_is(
    vendor: RunwareStandin, fault: str, kind: type[RunnerError], retryable: bool
) -> None:
    """Whether another runner shall be asked is for the engine to decide: nothing is paid yet."""
    vendor.fault(fault, times=None)
    clock = Hasty()
    async with running(vendor, clock=clock) as runner:
        with pytest.raises(kind) as caught:
            await draw(runner, DrawRequest(prompts(9)))
    assert (caught.value.retryable, clock.slept) == (retryable, [])
    assert len(sent(vendor)) == 4
    assert "test-key" not in str(caught.value.info())
    vendor.heal()


async def test_one_of_several_fails_by_itself(vendor: RunwareStandin) -> None:
    asked = ("a sea", "a bomb fail:contentPolicyViolation", "a hill", "x fail:invalidSteps")
    async with running(vendor) as runner:
        answer = await draw(runner, DrawRequest(asked))
    assert [(p.prompt, p.data) for p in answer.images] == [
        (0, expected(vendor, "a sea")),
        (2, expected(vendor, "a hill")),
    ]
    told = [(f.prompt, f.number, f.error.code) for f in answer.failures]
    assert told == [(1, 0, "G100"), (3, 0, "E400")]
    assert "contentPolicyViolation (stand-in)" in answer.failures[0].error.message
    assert answer.usage is not None
    assert answer.usage.cost == pytest.approx(2 * PRICE) == pytest.approx(vendor.work.cost)


async def test_when_nothing_came_to_be_it_is_an_error(vendor: RunwareStandin) -> None:
    async with running(vendor) as runner:
        with pytest.raises(BlockedError) as caught:
            await draw(runner, DrawRequest(("a fail:promptBlocked", "b fail:invalidSeed")))
    assert caught.value.data["failures"] == 2


@pytest.mark.parametrize("code", ["inferenceError", "timeoutProvider", "noAvailableServer"])
async def test_what_fails_by_itself_is_tried_again_as_a_new_task(
    vendor: RunwareStandin, code: str
) -> None:
    clock = Hasty()
    async with running(vendor, clock=clock) as runner:
        answer = await draw(runner, DrawRequest(("a sea", f"a hill flaky:{code}")))
    assert (len(answer.images), answer.failures) == (2, ())
    hills = [task for task in sent(vendor) if "hill" in task["positivePrompt"]]
    assert len({task["taskUUID"] for task in hills}) == len(hills) == 2
    assert 1.0 in clock.slept
    assert vendor.work.cost == pytest.approx(2 * PRICE)


async def test_tries_are_1_2_4_8_seconds_apart_and_then_it_is_told(vendor: RunwareStandin) -> None:
    clock = Hasty()
    async with running(vendor, clock=clock, retries=4) as runner:
        answer = await draw(runner, DrawRequest(("a sea", "a hill fail:inferenceError")))
    assert [seconds for seconds in clock.slept if seconds >= 1] == [1, 2, 4, 8]
    assert [f.error.code for f in answer.failures] == ["E101"]
    assert len(sent(vendor)) == 6


async def test_what_was_begun_is_seen_through_with_the_pause_that_is_asked_for(
    vendor: RunwareStandin,
) -> None:
    clock = Hasty()
    async with running(vendor, clock=clock, batch_size=1, in_flight=1) as runner:
        vendor.on_call = _after(2, lambda: vendor.fault("rate-limit;wait=7"))
        answer = await draw(runner, DrawRequest(prompts(3)))
    vendor.on_call = None
    assert len(answer.images) == 3
    assert 7.0 in clock.slept


def _after(calls: int, do: Any) -> Any:
    """Do it once, when so many requests are over."""
    left = [calls]

    def count(_: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            do()

    return count


async def test_who_comes_while_the_server_wants_rest_does_not_knock(
    vendor: RunwareStandin,
) -> None:
    clock = Hasty()
    vendor.fault("rate-limit;wait=30")
    async with running(vendor, clock=clock) as runner:
        with pytest.raises(RateLimitError) as caught:
            await draw(runner, DrawRequest.of("a sea"))
        assert caught.value.retry_after == 30
        await clock.advance(20)
        with pytest.raises(RateLimitError, match="left alone for another 10 s"):
            await draw(runner, DrawRequest.of("a sea"))
        assert len(vendor.calls) == 1
        await clock.advance(10)
        assert len((await draw(runner, DrawRequest.of("a sea"))).images) == 1


@pytest.mark.parametrize("fault", ["stream-cut", "stream-reset", "early-close", "malformed"])
async def test_an_answer_that_is_lost_is_asked_for_not_sent_again(
    vendor: RunwareStandin, fault: str
) -> None:
    """The tasks were accepted, and paid; only nobody heard of it."""
    vendor.fault(fault)
    async with running(vendor) as runner:
        answer = await draw(runner, DrawRequest(prompts(3)))
    assert len(answer.images) == 3
    assert len(vendor.work.billed) == 3
    assert answer.usage is not None
    assert answer.usage.cost == pytest.approx(vendor.work.cost)


async def test_a_poll_that_fails_is_made_again(vendor: RunwareStandin) -> None:
    vendor.work.polls = 3
    clock = Hasty()
    async with running(vendor, clock=clock) as runner:
        vendor.on_call = _after(2, lambda: vendor.fault("error-503", times=2))
        answer = await draw(runner, DrawRequest(prompts(2)))
    assert len(answer.images) == 2
    assert [s for s in clock.slept if s in (1.0, 2.0)] == [1.0, 2.0]
    assert len(sent(vendor)) == 2


async def test_a_task_that_is_never_done_is_given_up(vendor: RunwareStandin) -> None:
    vendor.work.polls = 10_000
    clock = Hasty()
    async with running(vendor, clock=clock, poll_timeout=100) as runner:
        with pytest.raises(UnavailableError, match="not done within 100 s") as caught:
            await draw(runner, DrawRequest.of("a sea"))
    assert not caught.value.retryable  # it may be done any moment, and is paid
    assert clock.now() < 120


async def test_a_refused_key_is_not_shown_again_for_a_while(vendor: RunwareStandin) -> None:
    clock = Hasty()
    async with running(vendor, clock=clock, api_key="wrong-key") as runner:
        for _ in range(3):
            with pytest.raises(AuthenticationError, match="Set api_key to a valid key") as caught:
                await draw(runner, DrawRequest(prompts(9)))
            assert "wrong-key" not in str(caught.value.info())
        assert len(vendor.calls) == 1
        await clock.advance(61)
        with pytest.raises(AuthenticationError):
            await draw(runner, DrawRequest(prompts(9)))
    assert len(vendor.calls) == 2


async def test_a_key_that_is_refused_amid_a_batch_stops_the_rest(vendor: RunwareStandin) -> None:
    async with running(vendor, batch_size=2, in_flight=1) as runner:
        vendor.on_call = _after(2, lambda: setattr(vendor, "key", "another"))
        answer = await draw(runner, DrawRequest(prompts(10)))
    assert [p.prompt for p in answer.images] == [0, 1]
    assert {f.error.code for f in answer.failures} == {"E401"}
    assert len(answer.failures) == 8
    assert len(vendor.calls) == 3


async def test_the_same_request_again_is_not_paid_again(vendor: RunwareStandin) -> None:
    """As the engine does it when the first try came to nothing."""
    request = DrawRequest(prompts(3))
    async with running(vendor, retries=0) as runner:
        vendor.on_call = _after(1, lambda: vendor.fault("error-503"))
        with pytest.raises(UnavailableError):
            await draw(runner, request)
        answer = await draw(runner, request)
    assert len(answer.images) == 3
    assert len(sent(vendor)) == len(vendor.work.billed) == 3


async def test_another_process_goes_on_with_what_has_keys(
    vendor: RunwareStandin, tmp_path: Path
) -> None:
    """The first was stopped after its tasks were accepted; the second asks for them."""
    keys = ("k:0", "k:1", "k:2")
    vendor.work.polls = 3
    async with running(vendor, home=tmp_path, batch_size=2) as first:
        events = first.draw(DrawRequest(prompts(3), keys=keys))
        while len(sent(vendor)) < 3:
            await anext(events)
        await events.aclose()
    async with running(vendor, home=tmp_path, batch_size=2) as second:
        answer = await draw(second, DrawRequest(prompts(3)[1:], keys=keys[1:]))
        assert len(sent(vendor)) == 3
        whole = await draw(second, DrawRequest(prompts(3), keys=keys))
    assert [p.data for p in whole.images[1:]] == [p.data for p in answer.images]
    assert len(vendor.work.billed) == 3
    assert len(sent(vendor)) == 3


async def test_what_the_server_never_got_is_sent(vendor: RunwareStandin, tmp_path: Path) -> None:
    request = DrawRequest(prompts(2), keys=("k:0", "k:1"))
    vendor.fault("error-503", times=1)
    async with running(vendor, home=tmp_path) as runner:
        with pytest.raises(UnavailableError):
            await draw(runner, request)
    async with running(vendor, home=tmp_path) as runner:
        answer = await draw(runner, request)
    assert len(answer.images) == 2
    assert rounds(vendor)[1] == "getResponse"
    assert len(vendor.work.billed) == 2


async def test_a_picture_that_is_flagged_is_refused(vendor: RunwareStandin) -> None:
    request = DrawRequest(("a sea", "an nsfw thing"), params={"safety": "fast"})
    async with running(vendor) as runner:
        answer = await draw(runner, request)
    assert [(f.prompt, f.error.code) for f in answer.failures] == [(1, "G100")]
    assert [task["safety"] for task in sent(vendor)] == [{"checkContent": True, "mode": "fast"}] * 2
