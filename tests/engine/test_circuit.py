"""A runner that keeps failing is left alone, then tried by one request at a time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from breeze.contracts.errors import (
    AuthenticationError,
    CancelledError,
    InputError,
    RateLimitError,
    RunnerError,
    UnavailableError,
)
from breeze.contracts.events import Finish, TextDelta
from breeze.contracts.fields import integer
from breeze.contracts.parameters import Parameters
from breeze.contracts.service import RunnerStatus
from breeze.testing.clock import settle
from breeze.testing.scripted import Gate, Steps
from tests.engine.lines import FINE, Line, Lined

DOWN: Steps = [UnavailableError("down")]
ONCE = {"attempts": 1}
CIRCUIT = {"failures": 3, "cooldownMs": 30_000}


def state(line: Line, name: str = "a") -> RunnerStatus:
    return next(status for status in line.engine.runners() if status.name == name)


async def opened_circuit(line: Line) -> None:
    """Let the first runner of `line` fail until it is left alone."""
    for _ in range(3):
        await line.read()
    assert state(line).circuit == "open"
    line.calls.clear()


async def test_one_that_failed_often_enough_is_passed_by(lined: Lined) -> None:
    async with lined(ONCE, circuit=CIRCUIT, a=[DOWN], b=[FINE]) as line:
        await opened_circuit(line)
        events, failed = await line.read()
    assert (events, failed, line.calls) == (FINE, [], ["b"])


async def test_failures_count_only_in_a_row(lined: Lined) -> None:
    async with lined(ONCE, circuit=CIRCUIT, a=[DOWN, DOWN, FINE, DOWN, DOWN, FINE]) as line:
        for _ in range(6):
            await asyncio.gather(line.read(), return_exceptions=True)
        assert state(line).circuit == "closed"
    assert line.calls == ["a"] * 6


@pytest.mark.parametrize(
    "error", [InputError("no"), RateLimitError("slow", retry_after=60)], ids=repr
)
async def test_what_says_nothing_of_its_health_does_not_count(
    lined: Lined, error: RunnerError
) -> None:
    async with lined(ONCE, circuit={"failures": 1}, a=[[error]]) as line:
        for _ in range(5):
            with pytest.raises(type(error)):
                await line.read()
        assert state(line).circuit == "closed"


async def test_being_stopped_does_not_count(lined: Lined) -> None:
    gate = Gate()
    async with lined(circuit={"failures": 1}, a=[[gate]]) as line:
        events = line.stream()
        reading = asyncio.create_task(anext(events))
        await gate.started.wait()
        events.cancel()
        with pytest.raises(CancelledError):
            await reading
        assert state(line).circuit == "closed"


async def test_silence_counts_and_so_does_a_deadline_that_ends_it(lined: Lined) -> None:
    limits = {"attempts": 1, "deadlineMs": 25_000}
    async with lined(limits, circuit={"failures": 1}, a=[[Gate()]]) as line:
        with pytest.raises(UnavailableError):
            await line.outcome()
        assert state(line).circuit == "open"
    async with lined(limits, circuit={"failures": 1}, a=[[Gate()]]) as line:
        with pytest.raises(RunnerError, match="longer than the 25 s"):
            await line.whole()
        assert state(line).circuit == "open"


async def test_a_deadline_that_was_short_does_not_count(lined: Lined) -> None:
    async with lined(circuit={"failures": 1}, a=[[Gate()]]) as line:
        with pytest.raises(RunnerError, match="longer than the 5 s"):
            await line.outcome(deadline=5)
        assert state(line).circuit == "closed"


# the probe ------------------------------------------------------------------------------------


async def test_after_the_cool_down_one_request_probes_and_others_pass_by(lined: Lined) -> None:
    gate = Gate()
    lines: list[Steps] = [DOWN, DOWN, DOWN, [gate, *FINE], FINE]
    async with lined(ONCE, circuit=CIRCUIT, a=lines, b=[FINE]) as line:
        await opened_circuit(line)
        await line.clock.advance(30)
        probe = asyncio.create_task(line.read())
        await gate.started.wait()
        assert state(line).circuit == "probing"
        others = await asyncio.gather(*(line.read() for _ in range(5)))
        assert all(events == FINE for events, _ in others)
        assert line.calls == ["a"] + ["b"] * 5
        gate.release.set()
        assert (await probe)[0] == FINE
        assert state(line).circuit == "closed"
        await line.read()
    assert line.calls[-1] == "a"  # back within one cool-down


async def test_its_first_output_frees_the_way_and_not_only_its_end(lined: Lined) -> None:
    gate = Gate()
    lines: list[Steps] = [DOWN, DOWN, DOWN, [TextDelta("long"), gate, Finish()], FINE]
    async with lined(ONCE, circuit=CIRCUIT, a=lines, b=[FINE]) as line:
        await opened_circuit(line)
        await line.clock.advance(30)
        probe = asyncio.create_task(line.read())
        await gate.started.wait()
        assert state(line).circuit == "closed"
        await line.read()
        assert line.calls == ["a", "a"]
        gate.release.set()
        await probe


async def test_a_probe_that_fails_closes_the_way_again_and_is_not_repeated(lined: Lined) -> None:
    async with lined({"attempts": 3}, circuit=CIRCUIT, a=[DOWN], b=[FINE]) as line:
        await line.outcome()
        assert state(line).circuit == "open"
        line.calls.clear()
        await line.clock.advance(30)
        assert (await line.read())[0] == FINE  # no time passes
        assert line.calls == ["a", "b"]
        assert (state(line).circuit, state(line).retry_in) == ("open", 30)
        await line.read()
    assert line.calls == ["a", "b", "b"]


async def test_a_probe_that_breaks_after_its_first_output_closes_it_too(lined: Lined) -> None:
    half: Steps = [TextDelta("half"), UnavailableError("cut")]
    async with lined(ONCE, circuit=CIRCUIT, a=[DOWN, DOWN, DOWN, half], b=[FINE]) as line:
        await opened_circuit(line)
        await line.clock.advance(30)
        with pytest.raises(UnavailableError, match="cut"):
            await line.read()
        assert state(line).circuit == "open"


async def test_a_probe_that_is_stopped_leaves_its_place_to_the_next(lined: Lined) -> None:
    gate = Gate()
    async with lined(ONCE, circuit=CIRCUIT, a=[DOWN, DOWN, DOWN, [gate], FINE], b=[FINE]) as line:
        await opened_circuit(line)
        await line.clock.advance(30)
        probe = asyncio.create_task(line.read())
        await gate.started.wait()
        probe.cancel()
        await asyncio.wait([probe])
        await line.read()
        assert state(line).circuit == "closed"
    assert line.calls == ["a", "a"]


# when there is nobody else --------------------------------------------------------------------


async def fails(line: Line, **changes: Any) -> RunnerError:
    with pytest.raises(RunnerError) as caught:
        await line.read(**changes)
    return caught.value


async def test_the_only_one_is_tried_though_it_rests(lined: Lined) -> None:
    async with lined(ONCE, circuit=CIRCUIT, a=[DOWN, DOWN, DOWN, FINE]) as line:
        for _ in range(3):
            await fails(line)
        assert (await line.read())[0] == FINE
        assert state(line).circuit == "closed"


async def test_it_is_tried_by_one_at_a_time_and_the_others_get_its_verdict(lined: Lined) -> None:
    gate = Gate()
    broken: Steps = [gate, UnavailableError("still down")]
    async with lined(ONCE, circuit=CIRCUIT, a=[DOWN, DOWN, DOWN, broken]) as line:
        for _ in range(3):
            await fails(line)
        tasks = [asyncio.create_task(fails(line)) for _ in range(5)]
        await gate.started.wait()
        await settle()
        assert line.scripts["a"].active == 1
        gate.release.set()
        errors = await asyncio.gather(*tasks)
    assert len(line.calls) == 4
    assert [error.detail for error in errors] == ["", *["resting"] * 4]
    assert "failed 4 times in a row and rests for 30 s" in errors[1].message
    assert (errors[1].retry_after, errors[1].attempts) == (30, ())


async def test_when_it_works_again_all_who_waited_go_there(lined: Lined) -> None:
    gate = Gate()
    async with lined(ONCE, circuit=CIRCUIT, a=[DOWN, DOWN, DOWN, [gate, *FINE], FINE]) as line:
        for _ in range(3):
            await fails(line)
        tasks = [asyncio.create_task(line.read()) for _ in range(5)]
        await gate.started.wait()
        gate.release.set()
        assert [events for events, _ in await asyncio.gather(*tasks)] == [FINE] * 5


async def test_who_waits_for_a_probe_that_is_stopped_probes_in_its_place(lined: Lined) -> None:
    gate = Gate()
    async with lined(ONCE, circuit=CIRCUIT, a=[DOWN, DOWN, DOWN, [gate], FINE]) as line:
        for _ in range(3):
            await fails(line)
        probe = asyncio.create_task(line.read())
        await gate.started.wait()
        others = [asyncio.create_task(line.read()) for _ in range(3)]
        await settle()
        probe.cancel()
        assert [events for events, _ in await asyncio.gather(*others)] == [FINE] * 3


async def test_of_several_who_rest_the_one_who_rested_longest_is_tried(lined: Lined) -> None:
    circuit = {"failures": 1, "cooldownMs": 30_000}
    async with lined(ONCE, circuit=circuit, a=[DOWN], b=[DOWN, FINE]) as line:
        await fails(line, runner="b", strict=True)
        await line.clock.advance(5)
        await fails(line, runner="a", strict=True)
        line.calls.clear()
        assert (await line.read())[0] == FINE
    assert line.calls == ["b"]


async def test_one_that_rests_is_better_than_none(lined: Lined) -> None:
    """The last one fails too: then those are tried who were passed by."""
    lines: list[Steps] = [DOWN, DOWN, DOWN, FINE]
    async with lined(ONCE, circuit=CIRCUIT, a=lines, b=[FINE, FINE, FINE, DOWN]) as line:
        await opened_circuit(line)
        events, failed = await line.read()
    assert (events, line.calls) == (FINE, ["b", "a"])
    assert [attempt.runner for attempt in failed] == ["b"]


# a key that is refused ------------------------------------------------------------------------

REFUSED: Steps = [AuthenticationError("Set api_key to a valid key.", data={"upstream_status": 401})]
FORBIDDEN: Steps = [AuthenticationError("Not this model.", data={"upstream_status": 403})]


async def test_a_refused_key_is_not_sent_again_for_a_cool_down(lined: Lined) -> None:
    async with lined(circuit=CIRCUIT, a=[REFUSED, FINE]) as line:
        await fails(line)
        await line.clock.advance(10)
        error = await fails(line)
        assert line.calls == ["a"]
        assert isinstance(error, AuthenticationError)
        assert error.message == (
            "Set api_key to a valid key. It is not asked for 20 s, or until its settings change."
        )
        await line.clock.advance(20)
        assert (await line.read())[0] == FINE


async def test_what_the_key_may_not_do_says_nothing_of_the_rest(lined: Lined) -> None:
    async with lined(circuit=CIRCUIT, a=[FORBIDDEN, FINE]) as line:
        await fails(line)
        assert (await line.read())[0] == FINE


class Warm(Parameters):
    """Has something to set."""

    warmth: int = integer(3, "Of the tone")


async def test_new_settings_give_it_a_new_chance(lined: Lined) -> None:
    facts = {"a": {"parameters": Warm}, "b": {"parameters": Warm}}
    async with lined(circuit=CIRCUIT, facts=facts, a=[REFUSED, FINE], b=[FINE]) as line:
        await line.read()
        line.engine.layers.store.set("b", "warmth", 4, secret=False)
        await line.engine.refresh()
        assert state(line).circuit == "open"  # its own are the same
        line.engine.layers.store.set("a", "warmth", 4, secret=False)
        await line.engine.refresh()
        await line.read()
    assert line.calls == ["a", "b", "a"]


# what people see ------------------------------------------------------------------------------


async def test_its_state_can_be_seen(lined: Lined) -> None:
    async with lined(ONCE, circuit=CIRCUIT, a=[DOWN], b=[FINE]) as line:
        assert (state(line).circuit, state(line).failures) == ("closed", 0)
        await line.read()
        assert (state(line).circuit, state(line).failures) == ("closed", 1)
        await line.read()
        await line.read()
        await line.clock.advance(10)
        seen = state(line)
    assert (seen.circuit, seen.failures, seen.retry_in) == ("open", 3, 20)
    assert (seen.last_error, seen.reason) == ("down", "")


async def test_explain_tells_who_rests_and_why(lined: Lined) -> None:
    async with lined(ONCE, circuit=CIRCUIT, a=[DOWN], b=[FINE]) as line:
        before = await line.engine.explain(line.request)
        await opened_circuit(line)
        await line.clock.advance(5)
        after = await line.engine.explain(line.request)
        await line.clock.advance(25)
        due = await line.engine.explain(line.request)
    assert [choice.name for choice in before.order] == ["a", "b"]
    assert [choice.name for choice in after.order] == ["b", "a"]
    assert after.order[1].why.endswith("; rests for 25 s more: it failed 3 times in a row")
    assert after.id == before.id
    assert due.order[0].name == "a"
    assert due.order[0].why.endswith("; due for a probe: it failed 3 times in a row")


# many at once ---------------------------------------------------------------------------------


async def test_healthy_requests_are_unharmed_beside_fifty_dead_ones(lined: Lined) -> None:
    """Fifty hang at a server that says nothing; who asks another is served at once."""
    gates = [Gate() for _ in range(50)]
    dead: list[Steps] = [[gate] for gate in gates]
    facts = {"a": {"concurrency": 100}, "b": {"concurrency": 100}}
    async with lined(ONCE, circuit=CIRCUIT, facts=facts, a=dead, b=[FINE]) as line:
        stuck = [asyncio.create_task(line.read()) for _ in range(50)]
        await gates[-1].started.wait()
        for _ in range(20):
            assert (await line.read(runner="b"))[0][-2:] == FINE  # no time passes
        await line.clock.advance(20.1)
        assert [(await task)[0] for task in stuck] == [FINE] * 50
        assert line.scripts["a"].active == 0
        line.calls.clear()
        assert (await line.read())[0] == FINE
    assert line.calls == ["b"]
