"""Whatever callers do and in whatever order, the pool keeps its promises."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from breeze.contracts.errors import OverloadedError, UnavailableError
from breeze.contracts.parameters import Parameters
from breeze.engine.pool import Key, Pool
from breeze.testing.clock import ManualClock, settle
from breeze.testing.scripted import Script, ScriptedRunner, scripted
from tests.engine.conftest import lease

CONCURRENCY, QUEUE, KEEP_ALIVE = 2, 3, 60.0
KEYS = (Key("one", "a"), Key("one", "b"))


class Callers:
    """Callers that hold leases until they are told to leave."""

    def __init__(self, failing_loads: int) -> None:
        self.clock = ManualClock()
        self.failures = failing_loads
        self.script = Script(on_load=[self._maybe_fail])
        self.kind = scripted("one", self.script, concurrency=CONCURRENCY, queue=QUEUE)
        self.pool = Pool(self.clock, retries=0, keep_alive=KEEP_ALIVE)
        self.tasks: list[asyncio.Task[None]] = []
        self.leaving: list[asyncio.Event] = []
        self.using: dict[ScriptedRunner, int] = {}

    async def _maybe_fail(self) -> None:
        if self.failures:
            self.failures -= 1
            raise UnavailableError("not this time")

    async def hold(self, key: Key, leave: asyncio.Event) -> None:
        async with lease(self.pool, key, lambda: self.kind(Parameters())) as runner:
            assert isinstance(runner, ScriptedRunner)
            self.using[runner] = self.using.get(runner, 0) + 1
            assert self.using[runner] <= CONCURRENCY
            unloads = self.script.unloads
            try:
                await leave.wait()
            finally:
                self.using[runner] -= 1
                if self.script.unloads != unloads:
                    others = [e.runner for e in self.pool.entries]
                    assert runner in others, "unloaded while it was leased"

    async def do(self, step: str, number: int) -> None:
        if step == "come":
            self.leaving.append(asyncio.Event())
            key = KEYS[number % len(KEYS)]
            self.tasks.append(asyncio.create_task(self.hold(key, self.leaving[-1])))
        elif step == "leave" and self.leaving:
            self.leaving[number % len(self.leaving)].set()
        elif step == "cancel" and self.tasks:
            self.tasks[number % len(self.tasks)].cancel()
        elif step == "wait":
            await self.clock.advance(float(number))
        elif step == "retire":
            self.pool.retire("one")
        await settle()

    async def everybody_leaves(self) -> None:
        for leave in self.leaving:
            leave.set()
        for outcome in await asyncio.gather(*self.tasks, return_exceptions=True):
            refused = (asyncio.CancelledError, OverloadedError, UnavailableError)
            assert outcome is None or isinstance(outcome, refused), repr(outcome)


STEPS = st.tuples(
    st.sampled_from(["come", "come", "come", "leave", "cancel", "wait", "retire"]),
    st.integers(0, 90),
)


@settings(max_examples=120, deadline=None)
@given(st.lists(STEPS, max_size=40), st.integers(0, 2))
def test_leases_loads_and_unloads_always_agree(
    steps: list[tuple[str, int]], failing_loads: int
) -> None:
    async def scenario() -> None:
        callers = Callers(failing_loads)
        for step, number in steps:
            await callers.do(step, number)
        await callers.everybody_leaves()
        assert all(entry.leases == 0 for entry in callers.pool.entries)
        await callers.clock.advance(10 * KEEP_ALIVE)
        await callers.pool.settle()
        assert [e for e in callers.pool.entries if e.state != "failed"] == []
        await callers.pool.close()
        assert callers.pool.entries == ()
        script = callers.script
        assert script.unloads >= script.loads - failing_loads
        assert callers.clock.pending == 0

    asyncio.run(scenario())
