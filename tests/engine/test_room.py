"""Models share a budget of memory: the longest idle one goes, and what is in use never does."""

from __future__ import annotations

import asyncio

import pytest

from breeze.contracts.errors import MemoryLimitError, UnavailableError
from breeze.contracts.events import Progress
from breeze.contracts.machine_memory import Bound
from breeze.engine.entry import State
from breeze.testing.clock import settle
from breeze.testing.scripted import Gate
from tests.engine.sized import MB, Memory


async def test_what_fits_stays() -> None:
    memory = Memory(100, {"a": 40, "b": 50})
    await memory.once("a", "b", "a")
    assert memory.order == ["+a", "+b"]


async def test_the_longest_idle_model_goes_first() -> None:
    memory = Memory(100, {"a": 40, "b": 40, "c": 40})
    await memory.once("a", "b", "a", "c")
    assert memory.order == ["+a", "+b", "-b", "+c"]
    assert memory.most <= 100 * MB


async def test_as_many_go_as_it_takes_and_they_are_gone_before_the_load() -> None:
    memory = Memory(100, {"a": 40, "b": 40, "big": 90})
    await memory.once("a", "b", "big")
    assert memory.order == ["+a", "+b", "-a", "-b", "+big"]


async def test_a_pinned_model_stays_and_is_never_idle_for_too_long() -> None:
    memory = Memory(100, {"a": 40, "b": 40, "c": 40})
    memory.pins.add("a")
    await memory.once("a", "b", "c")
    assert memory.order == ["+a", "+b", "-b", "+c"]
    await memory.clock.advance(10_000)
    await memory.pool.settle()
    assert memory.names == ["a"]


async def test_who_finds_no_room_is_told_the_figures_and_nothing_goes_for_it() -> None:
    memory = Memory(100, {"a": 50, "b": 40, "c": 60})
    await memory.once("b")
    used = await memory.use("a")
    with pytest.raises(MemoryLimitError) as caught:
        await memory.use("c")
    error = caught.value
    assert error.message == (
        "c needs 60.0 MB of memory, and models may take 100.0 MB (globalSettings.memoryBudgetMb): "
        "b 40.0 MB (ready); a 50.0 MB (in use by 1). Ask again when one of these is idle, choose "
        "a smaller model, or raise globalSettings.memoryBudgetMb."
    )
    assert (error.retryable, error.retry_after, error.runner) == (True, 1.0, "c")
    assert error.data["needed"] == 60 * MB
    assert [(x["runner"], x["leases"]) for x in error.data["loaded"]] == [("b", 0), ("a", 1)]
    assert memory.order == ["+b", "+a"]
    memory.leave(used)
    await memory.once("c")


async def test_what_is_larger_than_everything_is_refused_for_good() -> None:
    memory = Memory(100, {"a": 50, "huge": 101})
    await memory.once("a")
    with pytest.raises(MemoryLimitError, match="Choose a smaller model, or raise") as caught:
        await memory.use("huge")
    assert (caught.value.retryable, caught.value.retry_after) == (False, None)
    assert memory.names == ["a"]


async def test_it_waits_for_a_model_that_is_about_to_go() -> None:
    memory, told = Memory(100, {"a": 60, "b": 60}), list[Progress]()
    used = await memory.use("a")
    memory.pool.retire("a")
    coming = asyncio.create_task(memory.use("b", told))
    await memory.clock.advance(9)
    assert not coming.done()
    assert told == [Progress("waiting for memory")]
    memory.leave(used)
    await coming
    assert memory.order == ["+a", "-a", "+b"]


async def test_but_not_for_ever() -> None:
    memory = Memory(100, {"a": 60, "b": 60})
    used = await memory.use("a")
    memory.pool.retire("a")
    coming = asyncio.create_task(memory.use("b"))
    await settle()
    await memory.clock.advance(10)
    with pytest.raises(MemoryLimitError, match="in use by 1"):
        await coming
    memory.leave(used)
    await memory.pool.close()
    assert memory.loaded == {}


async def test_memory_counts_until_the_unload_has_ended() -> None:
    memory, unloading = Memory(100, {"a": 60, "b": 60}), Gate()
    memory.unloading = unloading
    await memory.once("a")
    told = list[Progress]()
    coming = asyncio.create_task(memory.use("b", told))
    await unloading.started.wait()
    await settle()
    assert memory.order == ["+a"]
    unloading.release.set()
    await coming
    assert memory.most == 60 * MB
    assert [progress.stage for progress in told] == ["making room", "waiting for memory", "load"]


async def test_loads_that_compete_take_turns() -> None:
    memory = Memory(100, {"a": 60, "b": 60})
    both = [asyncio.create_task(memory.use(name)) for name in ("a", "b")]
    done = await asyncio.gather(*both, return_exceptions=True)
    refused = [outcome for outcome in done if isinstance(outcome, MemoryLimitError)]
    assert (len(refused), memory.most) == (1, 60 * MB)


async def test_a_load_that_fails_gives_its_room_back() -> None:
    memory = Memory(100, {"a": 60, "b": 60})

    async def fail() -> None:
        raise UnavailableError("no disk")

    memory.loading = fail
    with pytest.raises(UnavailableError):
        await memory.use("a")
    assert memory.pool.room.taken == 0


async def test_a_load_that_nobody_waits_for_gives_its_room_back_when_it_has_stopped() -> None:
    memory, loading, unloading = Memory(100, {"a": 60, "b": 60}), Gate(), Gate()
    memory.loading, memory.unloading = loading, unloading
    leaving = asyncio.create_task(memory.use("a"))
    await loading.started.wait()
    leaving.cancel()
    await unloading.started.wait()
    coming = asyncio.create_task(memory.use("b"))
    await settle()
    assert memory.pool.room.taken == 60 * MB
    loading.release.set()
    unloading.release.set()
    await coming
    assert memory.order == ["+a", "-a", "+b"]
    assert memory.most == 60 * MB


async def test_what_a_model_really_takes_is_measured_and_remembered() -> None:
    memory = Memory(100, {"a": 60, "b": 50})
    memory.declared = {"a": 10, "b": 50}
    await memory.once("a")
    (shown,) = memory.pool.shown("a")
    assert (shown.size, shown.measured) == (60 * MB, True)
    await memory.once("b", "a")
    assert memory.order == ["+a", "-a", "+b", "-b", "+a"]


async def test_a_model_that_takes_less_than_declared_counts_as_declared() -> None:
    memory = Memory(100, {"a": 20})
    memory.declared = {"a": 50}
    await memory.once("a")
    (shown,) = memory.pool.shown("a")
    assert (shown.size, shown.measured, shown.idle) == (50 * MB, False, 0.0)


async def test_a_model_that_turns_out_too_large_drives_idle_ones_out_afterwards() -> None:
    memory = Memory(100, {"a": 30, "b": 90})
    memory.declared = {"a": 30, "b": 10}
    used = await memory.use("a")
    large = await memory.use("b")
    assert memory.pool.room.taken == 120 * MB  # there was no telling; what is in use stays
    memory.leave(used)
    await memory.pool.settle()
    assert memory.names == ["b"]
    memory.leave(large)


async def test_what_others_have_taken_of_the_machine_is_not_there() -> None:
    memory = Memory(None, {"a": 100, "b": 100})
    memory.bounds = (Bound(1000 * MB, 400 * MB, "this machine's memory"),)
    await memory.once("a")
    memory.bounds = (Bound(1000 * MB, 50 * MB, "this machine's memory"),)
    memory.pins.add("a")
    with pytest.raises(MemoryLimitError, match=r"40.0 MB of which others have left free"):
        await memory.use("b")


async def test_isolated_models_are_asked_what_their_process_takes() -> None:
    memory = Memory(100, {"a": 60, "b": 20}, isolated=True)
    memory.declared = {"a": 10, "b": 10}
    loading = memory.loading = Gate()
    both = [asyncio.create_task(memory.use(name)) for name in ("a", "b")]
    await loading.started.wait()
    await settle()
    assert memory.order == ["+a", "+b"]  # at once, as neither counts the other's
    loading.release.set()
    await asyncio.gather(*both)
    shown = [memory.pool.shown(name)[0] for name in ("a", "b")]
    assert [(one.size, one.measured, one.leases) for one in shown] == [
        (60 * MB, True, 1),
        (20 * MB, True, 1),
    ]


async def test_an_isolated_model_that_grows_with_use_counts_with_its_growth() -> None:
    memory = Memory(100, {"a": 30, "b": 30, "c": 30}, isolated=True)
    await memory.once("a", "b")
    grown = next(iter(memory.loaded))
    memory.loaded[grown] = 60 * MB
    await memory.once("c")
    assert memory.order == ["+a", "+b", "-a", "+c"]


async def test_a_model_whose_process_died_takes_nothing_until_it_is_loaded_again() -> None:
    memory = Memory(100, {"a": 60, "b": 60}, isolated=True)
    await memory.once("a")
    (entry,) = memory.pool.entries
    entry.runner.lost()
    memory.loaded.clear()
    used = await memory.use("b")
    assert memory.order == ["+a", "+b"]
    with pytest.raises(MemoryLimitError):
        await memory.use("a")
    memory.leave(used)
    await memory.once("a", "a")
    assert memory.order == ["+a", "+b", "-b", "+a"]
    assert memory.pool.room.taken == 60 * MB


async def test_who_waits_for_a_load_hears_how_far_it_is() -> None:
    memory, loading, told, late = (
        Memory(None, {"a": 60}),
        Gate(),
        list[Progress](),
        list[Progress](),
    )
    memory.loading = loading
    first = asyncio.create_task(memory.use("a", told))
    await loading.started.wait()
    (runner,) = memory.loaded
    await memory.clock.advance(3)
    runner.progress(Progress("load", 30, 60))
    second = asyncio.create_task(memory.use("a", late))
    await settle()
    runner.progress(Progress("load", 60, 60, eta=0.5))
    loading.release.set()
    await asyncio.gather(first, second)
    runner.progress(Progress("load", 0, 1))  # nobody waits now
    assert told == [
        Progress("load"),
        Progress("load", 30, 60, eta=3.0),
        Progress("load", 60, 60, eta=0.5),
    ]
    assert late == told[1:]
    assert [entry.state for entry in memory.pool.entries] == [State.READY]
