"""A runner fails amid its answer: what is withdrawn, what is gone on with, and what is not."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from breeze.contracts.answers import ChatAnswer
from breeze.contracts.errors import InputError, ProcessingError, UnavailableError
from breeze.contracts.events import (
    Adjusted,
    Finish,
    Progress,
    ReasoningDelta,
    Restarted,
    TextDelta,
    ToolCallDelta,
    Usage,
)
from breeze.contracts.fields import text
from breeze.contracts.messages import Message, ResponseFormat, Tool
from breeze.contracts.parameters import Parameters
from breeze.contracts.requests import ChatRequest, TranscribeRequest
from breeze.testing.scripted import Steps
from tests.engine.lines import FINE, Lined

BROKE = UnavailableError("it broke")
RESTART = {"afterOutput": "restart", "attempts": 1}
CONTINUE = {"afterOutput": "continue", "attempts": 1}
WITHDRAWN = Restarted("a", "b", "it broke")


def pieces(*texts: str) -> list[TextDelta]:
    return [TextDelta(piece) for piece in texts]


# beginning again ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("again", "sent"),
    [
        (["Hello", " world"], [" world"]),
        (["Hel", "lo world"], [" world"]),
        (["H", "e", "llo", " world"], [" world"]),
        (["Hello world"], [" world"]),
        (["Hello"], []),
        (["Hello", ""], [""]),
    ],
    ids=repr,
)
async def test_the_same_text_again_is_not_withdrawn_and_only_its_rest_is_sent(
    lined: Lined, again: list[str], sent: list[str]
) -> None:
    first: Steps = [*pieces("Hel", "lo"), BROKE]
    async with lined(RESTART, a=[first], b=[[*pieces(*again), Finish()]]) as line:
        events, failed = await line.outcome()
    assert events == [*pieces("Hel", "lo", *sent), Finish()]
    assert [attempt.runner for attempt in failed] == ["a"]


@pytest.mark.parametrize("again", [["Hallo"], ["Hel", "p"], ["Hell"], ["H"], [""], []], ids=repr)
async def test_another_text_withdraws_what_was_sent_and_comes_from_its_beginning(
    lined: Lined, again: list[str]
) -> None:
    first: Steps = [*pieces("Hel", "lo"), BROKE]
    async with lined(RESTART, a=[first], b=[[*pieces(*again), Finish()]]) as line:
        events, _ = await line.outcome()
    said = pieces(*filter(None, again))  # an empty text says nothing
    assert events == [*pieces("Hel", "lo"), WITHDRAWN, *said, Finish()]


async def test_what_was_sent_stays_until_there_is_something_in_its_place(lined: Lined) -> None:
    """The next may fail as well: then the caller still has the beginning."""
    first: Steps = [TextDelta("Hel"), BROKE]
    held: Steps = [Adjusted("seed", 1, None, "none"), TextDelta("He"), UnavailableError("too")]
    async with lined(RESTART, a=[first], b=[held]) as line:
        events = line.stream()
        assert await anext(events) == TextDelta("Hel")
        with pytest.raises(UnavailableError) as caught:
            await anext(events)
    assert caught.value.delivered == 1
    assert [attempt.message for attempt in caught.value.attempts] == ["it broke", "too"]


async def test_a_third_is_held_against_what_the_first_has_said(lined: Lined) -> None:
    first: Steps = [TextDelta("Hel"), BROKE]
    second: Steps = [Progress("load"), TextDelta("He"), UnavailableError("too")]
    third: Steps = [TextDelta("Hell"), Finish()]
    async with lined(RESTART, a=[first], b=[second], c=[third]) as line:
        events, _ = await line.outcome()
    assert events == [TextDelta("Hel"), Progress("load"), TextDelta("l"), Finish()]


async def test_after_a_withdrawal_the_new_beginning_counts(lined: Lined) -> None:
    first: Steps = [TextDelta("one"), BROKE]
    second: Steps = [TextDelta("two"), UnavailableError("too")]
    third: Steps = [TextDelta("two more"), Finish()]
    async with lined(RESTART, a=[first], b=[second], c=[third]) as line:
        events, _ = await line.outcome()
    assert events == [TextDelta("one"), WITHDRAWN, *pieces("two", " more"), Finish()]


async def test_who_delivered_is_named_though_others_failed_between(lined: Lined) -> None:
    first: Steps = [TextDelta("one"), BROKE]
    async with lined(RESTART, a=[first], b=[[UnavailableError("off")]], c=[FINE]) as line:
        events, _ = await line.outcome()
    assert events == [TextDelta("one"), Restarted("a", "c", "it broke"), *FINE]


@pytest.mark.parametrize(
    "said",
    [
        [ReasoningDelta("hm"), TextDelta("fi")],
        [TextDelta("fi", choice=1)],
        [TextDelta("fi"), Usage(1, 1)],
    ],
    ids=repr,
)
async def test_what_is_more_than_a_text_is_withdrawn(lined: Lined, said: Steps) -> None:
    async with lined(RESTART, a=[[*said, BROKE]], b=[FINE]) as line:
        events, _ = await line.outcome()
    assert events == [*said, WITHDRAWN, *FINE]


async def test_notes_come_after_the_withdrawal_and_before_the_text(lined: Lined) -> None:
    note = Adjusted("seed", 1, None, "it has none")
    first: Steps = [TextDelta("one"), BROKE]
    async with lined(RESTART, a=[first], b=[[note, Usage(3, 1), *FINE]]) as line:
        events, _ = await line.outcome()
    assert events == [TextDelta("one"), WITHDRAWN, note, Usage(3, 1), *FINE]


# calls of tools -------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["stop", "restart", "continue"])
async def test_nothing_is_replayed_after_a_call_was_delivered(lined: Lined, mode: str) -> None:
    call = ToolCallDelta(0, "1", "pay", "{")
    async with lined({"afterOutput": mode}, a=[[call, BROKE]], b=[FINE]) as line:
        with pytest.raises(UnavailableError, match="it broke"):
            await line.outcome(tools=(Tool("pay"),))
    assert line.calls == ["a"]


async def test_a_call_that_nobody_got_is_no_hindrance(lined: Lined) -> None:
    call = ToolCallDelta(0, "1", "pay", "{")
    async with lined(RESTART, a=[[call, BROKE]], b=[FINE]) as line:
        answer = await line.whole(tools=(Tool("pay"),))
    assert (answer.text, answer.tool_calls) == ("fine", ())


@pytest.mark.parametrize("failing", [BROKE, UnavailableError("refused", retryable=False)], ids=repr)
async def test_a_live_source_is_listened_to_only_once(
    lined: Lined, failing: UnavailableError
) -> None:
    async def source() -> AsyncGenerator[bytes]:
        yield b"1234"

    asked = TranscribeRequest(live=source(), sample_rate=16_000)
    async with lined(RESTART | {"attempts": 3}, a=[[failing]], b=[FINE], request=asked) as line:
        with pytest.raises(UnavailableError):
            await line.outcome()
    assert line.calls == ["a"]


# going on -------------------------------------------------------------------------------------


class Able(Parameters):
    """Goes on with an assistant's turn."""

    prefill: str = text("yes", "How it goes on with a text")


ABLE = {"b": {"parameters": Able}}


async def test_the_next_goes_on_with_the_text_so_far(lined: Lined) -> None:
    first: Steps = [*pieces("Once", " upon"), BROKE]
    rest: Steps = [TextDelta(" a time"), Usage(9, 2), Finish()]
    async with lined(CONTINUE, a=[first], b=[rest], facts=ABLE) as line:
        events, _ = await line.outcome()
    note = Adjusted("runner", "a", "b", "a stopped amid its answer, and b goes on")
    assert events == [*pieces("Once", " upon"), note, *rest]
    assert line.asked[1].messages == (Message("user", "Hi"), Message("assistant", "Once upon"))


async def test_what_it_adds_up_to_is_one_text(lined: Lined) -> None:
    first: Steps = [TextDelta("Once "), BROKE]
    async with lined(CONTINUE, a=[first], b=[[TextDelta("more"), Finish()]], facts=ABLE) as line:
        async with line.stream() as events:
            *_, end = [event async for event in events]
    assert isinstance(end.result, ChatAnswer)
    assert (end.result.text, end.result.runner) == ("Once more", "b")


@pytest.mark.parametrize("rest", ["  there", "there"])
async def test_blanks_at_the_end_are_kept_back_and_come_only_once(lined: Lined, rest: str) -> None:
    """Servers refuse a turn that ends in blanks."""
    first: Steps = [TextDelta("Once  "), BROKE]
    async with lined(CONTINUE, a=[first], b=[[TextDelta(rest), Finish()]], facts=ABLE) as line:
        events, _ = await line.outcome()
    assert "".join(e.text for e in events if isinstance(e, TextDelta)) == "Once  there"
    assert line.asked[1].messages[-1].content == "Once"


async def test_a_beginning_of_the_callers_own_is_gone_on_with_too(lined: Lined) -> None:
    asked = ChatRequest((Message("user", "Hi"), Message("assistant", "Well,")))
    first: Steps = [TextDelta(" once"), BROKE]
    async with lined(CONTINUE, a=[first], b=[FINE], facts=ABLE, request=asked) as line:
        await line.outcome()
    assert line.asked[1].messages[-1] == Message("assistant", "Well, once")


async def test_a_third_goes_on_with_all_of_it(lined: Lined) -> None:
    facts = {"b": {"parameters": Able}, "c": {"parameters": Able}}
    first: Steps = [TextDelta("one"), BROKE]
    second: Steps = [TextDelta(" two"), BROKE]
    async with lined(CONTINUE, a=[first], b=[second], c=[FINE], facts=facts) as line:
        await line.outcome()
    assert line.asked[2].messages[-1] == Message("assistant", "one two")


async def test_what_was_delivered_counts_against_the_limit_of_tokens(lined: Lined) -> None:
    first: Steps = [*pieces("one", " two"), BROKE]
    async with lined(CONTINUE, a=[first], b=[FINE], facts=ABLE) as line:
        events, _ = await line.outcome(max_tokens=10)
    assert line.asked[1].max_tokens == 8
    assert [e.used for e in events if isinstance(e, Adjusted)] == ["b", 8]


@pytest.mark.parametrize(
    "wanted",
    [
        {"n": 2},
        {"tools": (Tool("pay"),)},
        {"response_format": ResponseFormat("json_object")},
        {"logprobs": True},
    ],
    ids=repr,
)
async def test_what_has_a_form_begins_again(lined: Lined, wanted: dict[str, Any]) -> None:
    first: Steps = [TextDelta("one"), BROKE]
    async with lined(CONTINUE, a=[first], b=[FINE], facts=ABLE) as line:
        events, _ = await line.outcome(**wanted)
    assert events == [TextDelta("one"), WITHDRAWN, *FINE]
    assert len(line.asked[1].messages) == 1


@pytest.mark.parametrize("said", [[ReasoningDelta("hm"), TextDelta("one")], pieces(" ")], ids=repr)
async def test_what_cannot_be_gone_on_with_begins_again(lined: Lined, said: Steps) -> None:
    async with lined(CONTINUE, a=[[*said, BROKE]], b=[FINE], facts=ABLE) as line:
        events, _ = await line.outcome()
    assert events == [*said, WITHDRAWN, *FINE]


async def test_one_who_cannot_go_on_begins_again(lined: Lined) -> None:
    first: Steps = [TextDelta("fi"), BROKE]
    async with lined(CONTINUE, a=[first], b=[FINE]) as line:
        events, _ = await line.outcome()
    assert events == [*pieces("fi", "ne"), Finish()]
    assert len(line.asked[1].messages) == 1


# who is asked at all --------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["restart", "continue"])
async def test_who_delivered_some_is_not_asked_again(lined: Lined, mode: str) -> None:
    first: Steps = [TextDelta("one"), BROKE]
    async with lined({"afterOutput": mode, "attempts": 3}, a=[first]) as line:
        with pytest.raises(UnavailableError, match="it broke"):
            await line.outcome()
    assert line.calls == ["a"]


async def test_the_next_may_be_tried_twice_as_ever(lined: Lined) -> None:
    first: Steps = [TextDelta("one"), BROKE]
    second: list[Steps] = [[UnavailableError("off")], FINE]
    async with lined(RESTART | {"attempts": 2}, a=[first], b=second) as line:
        events, _ = await line.outcome()
    assert line.calls == ["a", "b", "b"]
    assert events == [TextDelta("one"), WITHDRAWN, *FINE]


async def test_a_request_that_is_wrong_is_wrong_after_output_too(lined: Lined) -> None:
    first: Steps = [TextDelta("one"), InputError("no", field="x")]
    async with lined(RESTART, a=[first], b=[FINE]) as line:
        with pytest.raises(InputError):
            await line.outcome()
    assert line.calls == ["a"]


async def test_an_end_that_never_comes_is_a_failure_like_any_other(lined: Lined) -> None:
    async with lined(RESTART, a=[[TextDelta("one")]], b=[[TextDelta("two")]]) as line:
        with pytest.raises(ProcessingError) as caught:
            await line.outcome()
    assert [attempt.code for attempt in caught.value.attempts] == ["E101", "E101"]
    assert caught.value.detail == "cut"
