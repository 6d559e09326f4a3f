"""Runners whose models take memory that a test can count, in a pool with a budget."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from breeze.contracts.capability import RunnerKind
from breeze.contracts.errors import UnavailableError
from breeze.contracts.events import Progress
from breeze.contracts.parameters import Parameters
from breeze.engine.budget import Budget
from breeze.engine.entry import AnyRunner, Entry
from breeze.engine.machine_memory import Bound
from breeze.engine.pool import Key, Pool
from breeze.testing.clock import ManualClock
from breeze.testing.scripted import Script, ScriptedRunner, scripted

MB = 1_000_000


async def _at_once() -> None:
    """A load or unload that takes no time."""


class Memory:
    """A machine's memory, in which models of `sizes` megabytes are loaded.

    `loaded`: who takes how many bytes at this moment. `loading`, `unloading`: what each load and
    unload waits for. `declared`: megabytes that a file promises, where that is not the size.
    `taken_away`: who was unloaded while somebody used it.
    """

    def __init__(
        self, budget_mb: int | None, sizes: dict[str, int], *, isolated: bool = False
    ) -> None:
        self.sizes = {name: size * MB for name, size in sizes.items()}
        self.declared: dict[str, int] = {}
        self.loaded: dict[AnyRunner, int] = {}
        self.order: list[str] = []
        self.used: dict[AnyRunner, int] = {}
        self.taken_away: list[str] = []
        self.loading: Callable[[], Awaitable[None]] = _at_once
        self.unloading: Callable[[], Awaitable[None]] = _at_once
        self.bounds: tuple[Bound, ...] = ()
        self.pins: set[str] = set()
        self.clock = ManualClock()
        self.most = 0
        self.pool = Pool(
            self.clock,
            retries=0,
            keep_alive=600,
            budget=Budget(budget_mb, measure=lambda: self.bounds),
            pinned=self.pins.__contains__,
            measure=lambda: 1000 * MB + self.taken,
        )
        self.isolated = isolated

    @property
    def taken(self) -> int:
        return sum(self.loaded.values())

    @property
    def names(self) -> list[str]:
        """Whose models are in memory, first come first."""
        return [runner.info.name for runner in self.loaded]

    async def use(self, model: str, told: list[Progress] | None = None) -> Entry:
        """Lease a model, of the instance of that name."""
        key = Key(model, "")
        entry = self.pool.take(key)
        if entry is None:
            tell = told.append if told is not None else None
            entry = await self.pool.admit(key, lambda: self.make(model), tell)
        self.used[entry.runner] = self.used.get(entry.runner, 0) + 1
        return entry

    def make(self, model: str) -> AnyRunner:
        """A runner of that model, not loaded."""
        return _kind(self, model)(Parameters())

    def leave(self, entry: Entry) -> None:
        self.used[entry.runner] -= 1
        self.pool.leave(entry)

    async def once(self, *models: str) -> None:
        """Use these one after the other, each for a second."""
        for model in models:
            entry = await self.use(model)
            await self.clock.advance(1)
            self.leave(entry)


def _kind(memory: Memory, name: str) -> type[ScriptedRunner]:
    declared = memory.declared.get(name, memory.sizes[name] // MB)
    base = scripted(name, Script(), kind=RunnerKind.LOCAL, ram_gb=declared / 1000)

    class Sized(base):  # type: ignore[valid-type, misc]
        """Takes memory while it is loaded."""

        async def load(self, model: str) -> None:
            memory.loaded[self] = memory.sizes[name]
            memory.most = max(memory.most, memory.taken)
            memory.order.append(f"+{name}")
            try:
                await memory.loading()
            except UnavailableError:
                del memory.loaded[self]
                raise

        async def unload(self) -> None:
            if memory.used.get(self):
                memory.taken_away.append(name)
            await memory.unloading()
            if memory.loaded.pop(self, None) is not None:
                memory.order.append(f"-{name}")

    class Isolated(Sized):
        """In a process of its own."""

        def resident(self) -> int:
            return memory.loaded.get(self, 0)

    return Isolated if memory.isolated else Sized
