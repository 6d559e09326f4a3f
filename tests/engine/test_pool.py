"""Loaded once, shared under leases, unloaded when idle: the pool, with a clock moved by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from breeze.contracts.errors import InputError, NotLoadedError, OverloadedError, UnavailableError
from breeze.contracts.parameters import Parameters
from breeze.engine.entry import State
from breeze.engine.pool import Key, Pool
from breeze.testing.clock import ManualClock, settle
from breeze.testing.scripted import Gate, Script, ScriptedRunner, scripted
from tests.engine.conftest import lease

KEY = Key("one", "tiny")


def maker(script: Script, **facts: object) -> Callable[[], ScriptedRunner]:
    kind = scripted("one", script, **facts)  # type: ignore[arg-type]
    return lambda: kind(Parameters())


async def hold(pool: Pool, make: Callable[[], ScriptedRunner], gate: Gate) -> None:
    async with lease(pool, KEY, make):
        await gate()


async def test_many_callers_share_one_load() -> None:
    loading = Gate()
    script = Script(on_load=[loading])
    pool, make = Pool(ManualClock()), maker(script)
    gates = [Gate() for _ in range(5)]
    callers = [asyncio.create_task(hold(pool, make, gate)) for gate in gates]
    await loading.started.wait()
    assert [entry.state for entry in pool.entries] == [State.LOADING]
    loading.release.set()
    for gate in gates:
        await gate.started.wait()
        gate.release.set()
    await asyncio.gather(*callers)
    assert (script.loads, script.loaded_models) == (1, ["tiny"])
    assert [entry.state for entry in pool.entries] == [State.READY]


async def test_a_cancelled_caller_leaves_the_load_to_the_others() -> None:
    loading = Gate()
    script = Script(on_load=[loading])
    pool, make, gate = Pool(ManualClock()), maker(script), Gate()
    first = asyncio.create_task(hold(pool, make, Gate()))
    second = asyncio.create_task(hold(pool, make, gate))
    await loading.started.wait()
    first.cancel()
    await asyncio.wait([first])
    assert first.cancelled()
    loading.release.set()
    await gate.started.wait()
    gate.release.set()
    await second
    assert script.loads == 1


async def test_when_the_last_caller_leaves_the_load_is_stopped() -> None:
    script = Script(on_load=[Gate()])
    pool, make = Pool(ManualClock()), maker(script)
    caller = asyncio.create_task(hold(pool, make, Gate()))
    await settle()
    caller.cancel()
    await asyncio.wait([caller])
    await settle()
    assert pool.entries == ()
    assert script.unloads == 1


async def test_who_waits_for_a_place_takes_over_the_load() -> None:
    loading, gate = Gate(), Gate()
    script = Script(on_load=[loading])
    pool, make = Pool(ManualClock()), maker(script, concurrency=1)
    first = asyncio.create_task(hold(pool, make, Gate()))
    await loading.started.wait()
    second = asyncio.create_task(hold(pool, make, gate))
    await settle()
    first.cancel()
    await asyncio.wait([first])
    loading.release.set()
    await asyncio.wait(
        [second, asyncio.create_task(gate.started.wait())], return_when="FIRST_COMPLETED"
    )
    gate.release.set()
    await second
    assert (script.loads, script.unloads) == (1, 0)
    await pool.close()
    assert (pool.entries, script.unloads) == ((), 1)


async def test_closing_waits_for_a_load_that_was_stopped() -> None:
    unloading, slow = Gate(), Script(on_load=[Gate()])

    class SlowToUnload(ScriptedRunner):
        info, script = scripted("one", slow).info, slow

        async def unload(self) -> None:
            await unloading()
            await super().unload()

    pool = Pool(ManualClock())
    caller = asyncio.create_task(hold(pool, lambda: SlowToUnload(Parameters()), Gate()))
    await settle()
    caller.cancel()
    closing = asyncio.create_task(pool.close())
    await unloading.started.wait()
    await settle()
    assert not closing.done()
    unloading.release.set()
    await closing
    assert slow.unloads == 1


async def test_a_retryable_load_failure_is_tried_again_with_growing_waits() -> None:
    clock, failure = ManualClock(), UnavailableError("busy disk")
    script = Script(on_load=[failure])
    pool, make = Pool(clock, retries=3), maker(script)
    caller = asyncio.create_task(hold(pool, make, Gate()))
    for expected, pause in enumerate((0.1, 0.2, 0.4), start=1):
        await clock.until_pending()
        assert script.loads == expected
        await clock.advance(pause)
    with pytest.raises(UnavailableError, match="busy disk"):
        await caller
    assert script.loads == 4
    assert pool.entries[0].state is State.FAILED


async def test_a_failure_that_cannot_mend_itself_is_not_tried_again_until_asked() -> None:
    script = Script(on_load=[InputError("the file lies")])
    pool, make = Pool(ManualClock()), maker(script)
    for loads in (1, 2):
        with pytest.raises(InputError, match="the file lies"):
            await hold(pool, make, Gate())
        assert script.loads == loads


async def test_an_unexpected_load_failure_becomes_not_loaded() -> None:
    pool, make = Pool(ManualClock()), maker(Script(on_load=[ZeroDivisionError("native")]))
    with pytest.raises(NotLoadedError, match="one could not load 'tiny': ZeroDivisionError"):
        await hold(pool, make, Gate())


async def test_an_idle_runner_is_unloaded_after_keep_alive_and_not_before() -> None:
    clock, script, gate = ManualClock(), Script(), Gate()
    pool, make = Pool(clock, keep_alive=60), maker(script)
    gate.release.set()
    await hold(pool, make, gate)
    await clock.advance(59)
    await hold(pool, make, gate)  # used again: the time starts anew
    await clock.advance(59)
    assert script.unloads == 0
    await clock.advance(1)
    await pool.settle()
    assert (script.unloads, pool.entries) == (1, ())


async def test_nothing_is_unloaded_while_it_is_leased() -> None:
    clock, script, gate = ManualClock(), Script(), Gate()
    pool, make = Pool(clock, keep_alive=10), maker(script)
    caller = asyncio.create_task(hold(pool, make, gate))
    await gate.started.wait()
    await clock.advance(1000)
    pool.retire("one")
    assert (pool.entries[0].state, script.unloads) == (State.DRAINING, 0)
    gate.release.set()
    await caller
    await pool.settle()
    assert (script.unloads, pool.entries) == (1, ())


async def test_a_retired_runner_finishes_while_new_callers_get_a_new_one() -> None:
    script, old, new = Script(), Gate(), Gate()
    pool, make = Pool(ManualClock()), maker(script)
    first = asyncio.create_task(hold(pool, make, old))
    await old.started.wait()
    pool.retire("one")
    second = asyncio.create_task(hold(pool, make, new))
    await new.started.wait()
    assert (script.loads, script.unloads) == (2, 0)
    old.release.set()
    new.release.set()
    await asyncio.gather(first, second)
    await pool.settle()
    assert script.unloads == 1


async def test_the_queue_is_bounded_and_says_when_it_is_full() -> None:
    pool, make = Pool(ManualClock()), maker(Script(), concurrency=1, queue=2)
    gates = [Gate() for _ in range(3)]
    callers = [asyncio.create_task(hold(pool, make, gate)) for gate in gates]
    await settle()
    with pytest.raises(OverloadedError, match="1 at work and 2 waiting") as caught:
        await hold(pool, make, Gate())
    assert caught.value.retry_after
    for gate in gates:  # one after the other, in the order they came
        await gate.started.wait()
        assert [g.started.is_set() for g in gates].count(True) == gates.index(gate) + 1
        gate.release.set()
    await asyncio.gather(*callers)


async def test_leaving_the_queue_frees_the_place() -> None:
    pool, make, busy = Pool(ManualClock()), maker(Script(), concurrency=1, queue=1), Gate()
    first = asyncio.create_task(hold(pool, make, busy))
    waiting = asyncio.create_task(hold(pool, make, Gate()))
    await settle()
    waiting.cancel()
    await asyncio.wait([waiting])
    gate = Gate()
    third = asyncio.create_task(hold(pool, make, gate))
    busy.release.set()
    await gate.started.wait()
    gate.release.set()
    await asyncio.gather(first, third)


async def test_closing_unloads_everything() -> None:
    script, gate = Script(), Gate()
    pool, make = Pool(ManualClock(), keep_alive=0), maker(script)
    gate.release.set()
    await hold(pool, make, gate)
    await pool.close()
    assert (script.unloads, pool.entries) == (1, ())
