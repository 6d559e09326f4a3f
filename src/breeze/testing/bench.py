"""Where the kit puts a runner to work: makes it, loads it, sends requests, notes what happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any

from breeze.contracts.capability import Capability
from breeze.contracts.parameters import Parameters
from breeze.contracts.request import Request
from breeze.contracts.runner import Runner
from breeze.testing.rule import Limits, NotApplicable
from breeze.testing.run import Run
from breeze.testing.samples import Samples, renewed
from breeze.testing.stream import BrokenStream, checked

AnyRunner = Runner[Any]


class Bench:
    """A runner class under test, with the parameters, model and requests to use."""

    def __init__(
        self,
        runner_type: type[AnyRunner],
        values: Mapping[str, Any],
        model: str,
        samples: Samples,
        limits: Limits,
        through: Callable[[AnyRunner], AnyRunner] | None = None,
    ) -> None:
        self.through = through
        """Puts a runner somewhere else, such as into a process: what it reads cannot be seen."""
        self.runner_type = runner_type
        self.values = dict(values)
        self.model = model
        self.samples = samples
        self.limits = limits
        self.info = runner_type.info
        self.capabilities = runner_type.info.capabilities
        """What it does as it is set, with the model at work, once `narrow` has asked for it."""
        self.is_whole = True
        """False when some capabilities are left out, so that not all of it is seen at work."""
        self.errors: list[tuple[str, BaseException]] = []
        self.reason: str | None = None
        self._shared: AnyRunner | None = None
        self._survey: list[Run] | None = None
        self._calls: list[Run] | None = None
        self._known: set[str] = set()

    def keep(self, capabilities: Collection[Capability]) -> None:
        """Leave out every other capability."""
        self.capabilities = tuple(c for c in self.capabilities if c in capabilities)
        self.is_whole = self.capabilities == self.info.capabilities

    def of_method(self, *methods: str) -> list[Capability]:
        """The runner's capabilities that are done by one of `methods`."""
        return [c for c in self.capabilities if c.method in methods]

    def make(self, kind: type[Parameters] | None = None, **values: Any) -> AnyRunner:
        """A new runner with the kit's parameters, changed by `values`. Raises InputError."""
        wanted = kind or self.runner_type.parameters_type
        made = self.runner_type(wanted.of(self.values | values))
        return made if self.through is None else self.through(made)

    def must_see(self) -> None:
        """Raises NotApplicable where what the runner reads cannot be seen."""
        if self.through is not None:
            raise NotApplicable("what it reads is read elsewhere, where it cannot be seen")

    @asynccontextmanager
    async def loaded(
        self, kind: type[Parameters] | None = None, **values: Any
    ) -> AsyncIterator[AnyRunner]:
        """A new runner, loaded, for the time of the block."""
        runner = self.make(kind, **values)
        try:
            await self.load(runner)
            yield runner
        finally:
            await runner.unload()

    async def load(self, runner: AnyRunner, model: str | None = None) -> None:
        """Load, noting what goes wrong."""
        try:
            await runner.load(self.model if model is None else model)
        except Exception as error:  # whatever it is, a later rule judges it
            self.errors.append(("load", error))
            raise

    async def narrow(self) -> None:
        """Leave out capabilities that it does not have as it is set, or the model at work."""
        if self.reason is not None:
            return
        try:
            runner = await self.shared()
            does = runner.capabilities_of(runner.parameters)
            self.capabilities = tuple(c for c in self.capabilities if c in does)
            models = await runner.models()
        except Exception:  # the rules that load and list models report it
            return
        name = self.model or self.info.default_model
        if not name and self.info.one_model and models:
            name = models[0].id
        able = next((m.capabilities for m in models if m.id == name), ())
        self.keep([c for c in self.capabilities if c in able] or self.capabilities)

    async def shared(self) -> AnyRunner:
        """The one loaded runner that rules share when they leave it as it was."""
        if self.reason is not None:
            raise NotApplicable(f"it cannot work here: {self.reason}")
        if self._shared is None:
            runner = self.make()
            await self.load(runner)
            self._shared = runner
        return self._shared

    async def close(self) -> None:
        """Unload what is still loaded."""
        if self._shared is not None:
            await self._shared.unload()
            self._shared = None

    async def drive(
        self,
        runner: AnyRunner,
        request: Request[Any],
        *,
        most: int | None = None,
        seconds: float | None = None,
        check: bool = True,
    ) -> Run:
        """Read the answer to `request`, checking every event unless `check` is False.

        It reads at most `most` events for at most `seconds`, and finds nothing wrong with an
        answer that goes on after these.
        """
        run = Run(request)
        try:
            async with asyncio.timeout(seconds or self.limits.stream) as limit:
                await self._read(runner, request, run, most, check)
        except BrokenStream as broken:
            run.broken, run.known = broken, broken.rule in self._known
        except TimeoutError as error:
            run.late = limit.expired() and seconds is None
            run.error = None if limit.expired() else error
        except Exception as error:  # whatever a runner may raise is what rules look at
            run.error = error
        if run.error is not None:
            self.errors.append((request.capability.method, run.error))
        return run

    async def _read(
        self, runner: AnyRunner, request: Request[Any], run: Run, most: int | None, check: bool
    ) -> None:
        events = runner.stream(request)
        if check:
            events = checked(events, request.capability.method)
        async with aclosing(events):
            async for event in events:
                run.events.append(event)
                if most is not None and len(run.events) >= most:
                    return
                await asyncio.sleep(0)
        run.whole = True

    async def survey(self) -> list[Run]:
        """The short and the long sample of each capability, sent once."""
        if self._survey is None:
            runner = await self.shared()
            self._survey = [
                await self.drive(runner, renewed(sample))
                for c in self.capabilities
                for sample in (self.samples.short(c), self.samples.long(c))
            ]
            self._known = {run.broken.rule for run in self._survey if run.broken is not None}
        return self._survey

    async def answering(self) -> list[Capability]:
        """The capabilities that answer their samples. Raises NotApplicable when none does."""
        runs = await self.survey()
        pairs = zip(self.capabilities, runs[::2], runs[1::2], strict=True)
        able = [c for c, *both in pairs if not any(run.error or run.late for run in both)]
        if not able:
            raise NotApplicable("no sample was answered")
        return able

    async def with_tools(self) -> list[Run]:
        """The answers of those that chat to a request that insists on a tool call."""
        if self._calls is None:
            runner = await self.shared()
            samples = map(self.samples.calling, self.of_method("chat"))
            self._calls = [await self.drive(runner, sample) for sample in samples]
        return self._calls
