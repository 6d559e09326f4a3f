"""An engine with two runners of a dialect, each asking a stand-in, on a clock moved by hand."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from breeze.config import parse_config
from breeze.engine.engine import Engine
from breeze.testing.clock import ManualClock, settle
from breeze.testing.standins import Standin
from tests.faults.dialects import Dialect

T = TypeVar("T")
KEYS = {"a": "key-of-a", "b": "key-of-b"}
LIMITS = {"attempts": 2, "firstEventMs": 4_000, "stallMs": 3_000, "deadlineMs": 30_000}
COOLDOWN = 20.0
_CALM = 3
"""Looks that must find nothing moving before time does."""
_MOMENT = 0.0005
"""Seconds between them: what is on its way in a socket arrives meanwhile."""


class Threads(ThreadPoolExecutor):
    """Threads that tell whether they work."""

    def __init__(self) -> None:
        super().__init__(4)
        self._working: set[Future[Any]] = set()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        work = super().submit(fn, *args, **kwargs)
        self._working.add(work)
        work.add_done_callback(self._working.discard)
        return work

    @property
    def at_rest(self) -> bool:
        return not self._working


@dataclass
class Vendors:
    """Two stand-ins of a dialect: `a` goes wrong, `b` never does. `elsewhere` must not be asked."""

    dialect: Dialect
    a: Standin
    b: Standin
    elsewhere: Standin
    threads: Threads

    @property
    def all(self) -> tuple[Standin, ...]:
        return self.a, self.b, self.elsewhere

    @property
    def at_rest(self) -> bool:
        """Nothing moves at them, at the hosts beside them, or in threads."""
        hosts = (*self.all, *(host for v in self.all for host in self.dialect.beside(v)))
        return self.threads.at_rest and all(host.at_rest for host in hosts)

    @property
    def asked(self) -> int:
        """How often anything was asked of anybody."""
        hosts = (*self.all, *(host for v in self.all for host in self.dialect.beside(v)))
        return sum(len(host.calls) for host in hosts)

    async def reset(self) -> None:
        """As if nothing had been asked of them."""
        for vendor in self.all:
            vendor.heal()
            vendor.release()
            await vendor.listen()
            await vendor.idle()
            vendor.calls.clear()
            vendor.problems.clear()


@asynccontextmanager
async def vendors(dialect: Dialect) -> AsyncIterator[Vendors]:
    async with AsyncExitStack() as stack:
        threads = Threads()
        asyncio.get_running_loop().set_default_executor(threads)
        made = [
            await stack.enter_async_context(
                dialect.kind.serving(key=key, profile=dialect.profile, strict=False)
            )
            for key in (*KEYS.values(), "")
        ]
        for vendor in made:
            for name, value in dialect.account.items():
                setattr(vendor, name, value)
        first, second, elsewhere = made
        yield Vendors(dialect, first, second, elsewhere, threads)


@dataclass
class Stage:
    """The engine, the vendors, and time."""

    vendors: Vendors
    engine: Engine
    clock: ManualClock

    async def after(self, work: Coroutine[Any, Any, T], most: float = 120.0) -> T:
        """What the work comes to, while time passes. Time stands still while anything moves.

        Raises AssertionError when it has not come to its end after `most` seconds of the clock.
        """
        task = asyncio.ensure_future(work)
        end = self.clock.now() + most
        try:
            while not task.done():
                await self._calm(task)
                if not task.done():
                    now, due = self.clock.now(), self.clock.due
                    assert due is not None, "it hangs: nobody waits for anything"
                    assert due < end, f"it hangs: no end after {most:g} s"
                    await self.clock.advance(min(due - now, self._longest))
        finally:
            task.cancel()
        return await task

    @property
    def _longest(self) -> float:
        """How far time may move at once: while something flows, not over the limit of silence."""
        return 1.0 if self._flows else 3600.0

    @property
    def _flows(self) -> bool:
        """Something comes that never ends."""
        running = (call for vendor in self.vendors.all for call in vendor.calls if not call.outcome)
        return any("endless" in call.fault for call in running)

    async def _calm(self, task: asyncio.Future[Any]) -> None:
        """Return when nothing moves but time, or the work is done."""
        calm, before = 0, -1
        while calm < _CALM and not task.done():
            await settle()
            await asyncio.sleep(self.vendors.dialect.flow if self._flows else _MOMENT)
            calls = self.vendors.asked
            still = calls == before and self.vendors.at_rest
            calm, before = calm + 1 if still else 0, calls


@asynccontextmanager
async def staged(
    played: Vendors, home: Path, *, second: bool, **failover: Any
) -> AsyncIterator[Stage]:
    """An engine that asks `a` first, and `b` next if `second`."""
    random.seed(1)  # pauses have jitter
    clock = ManualClock()
    dialect = played.dialect
    runners: dict[str, Any] = {}
    for place, name in enumerate("ab" if second else "a"):
        vendor = getattr(played, name)
        vendor.now = clock.now
        runners[name] = {**instance(dialect, vendor), "class": dialect.runner, "priority": place}
    settings = {
        "failover": LIMITS | failover,
        "circuit": {"failures": 5, "cooldownMs": int(COOLDOWN * 1000)},
    }
    file = {
        "capabilities": {str(dialect.capability): {"runners": runners}},
        "globalSettings": settings,
    }
    config = parse_config(file).config
    async with Engine.open(
        home=home, config=config, environ={}, ledger=False, clock=clock
    ) as engine:
        await engine.explain(dialect.make())  # who is there is known by now
        yield Stage(played, engine, clock)


def instance(dialect: Dialect, vendor: Standin) -> dict[str, Any]:
    """What the stand-in says is to be written into config.json."""
    (capability,) = vendor.config(vendor.url)["capabilities"].values()
    (found,) = capability["runners"].values()
    return {**found, "parameters": {**found["parameters"], **dialect.parameters}}
