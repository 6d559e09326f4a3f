"""What a runner is: a class with one async generator method per capability, and nothing else.

@runner("whistle", vendor="Whistle", kind=RunnerKind.CLOUD, needs=("whistle_sdk",))
class WhistleRunner(Runner[WhistleParameters]):
    '''Speech by Whistle.'''

    async def speak(self, request: SpeakRequest) -> AsyncGenerator[SpeakEvent]:
        ...
"""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, TypeVar, get_args

import msgspec

from breeze.contracts.capability import METHODS, Backend, Capability, Priority, RunnerKind
from breeze.contracts.clock import Clock, SystemClock
from breeze.contracts.errors import CapabilityError
from breeze.contracts.events import Progress
from breeze.contracts.model_info import ModelInfo as ModelInfo
from breeze.contracts.modules import importable
from breeze.contracts.parameters import Parameters
from breeze.contracts.requests import Request
from breeze.contracts.work import Work as Work

P = TypeVar("P", bound=Parameters)
R = TypeVar("R", bound="Runner[Any]")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


class RunnerInfo(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The facts of a runner class.

    `needs`: modules it imports; `extra`: our extra that installs them. `concurrency`: streams at
    once on one loaded runner; `queue`: how many more may wait. `one_model`: each loaded runner
    serves one model only. `ram_gb`: memory to expect before the first load. `requirements`: what
    the machine must have, by the names of `contracts.hardware`. `backends`: where its work can
    run on this machine, the usual place first (see `backends_of`). `automatic`: may be
    chosen although nobody named it; False for what works only where somebody set it up, such as a
    server next door: that is chosen where the configuration lists it.
    """

    name: str
    version: str
    vendor: str
    kind: RunnerKind
    capabilities: tuple[Capability, ...]
    description: str
    priority: int = Priority.NORMAL
    streams: bool = True
    default_model: str = ""
    needs: tuple[str, ...] = ()
    extra: str = ""
    requirements: tuple[str, ...] = ()
    backends: tuple[Backend, ...] = ()
    concurrency: int = 8
    queue: int = 64
    one_model: bool = False
    ram_gb: float = 0.0
    isolation: Literal["none", "process"] = "none"
    automatic: bool = True

    @property
    def mock(self) -> bool:
        """The seeds' `isMock`."""
        return self.kind is RunnerKind.MOCK


class Runner(Generic[P]):
    """Base of every runner. Its capabilities are the methods that exist.

    Only the pool calls `load` and `unload`; both are idempotent. Streams may run at once, up to
    `concurrency`, so a runner keeps no state of a request on itself. Blocking work belongs in
    `breeze.contracts.threads.from_thread`, never on the event loop.

    `clock` is what it waits by, and `home` the folder where it may keep things (None: nowhere).
    `progress` is told how far a long `load` has come, with a Progress of the stage "load", on the
    loop's own thread. `lost` is called when what was loaded is gone without an `unload`, such as
    with the process that held it: the next request loads it again. The engine sets these before
    `load`.
    """

    info: ClassVar[RunnerInfo]
    parameters_type: ClassVar[type[Parameters]] = Parameters
    vision: ClassVar[bool | Literal["only"]] = False
    """True when `chat` also takes images, "only" when it takes nothing else."""

    def __init_subclass__(cls, **_: Any) -> None:
        super().__init_subclass__()
        for base in cls.__dict__.get("__orig_bases__", ()):
            for argument in get_args(base):
                if isinstance(argument, type) and issubclass(argument, Parameters):
                    cls.parameters_type = argument

    def __init__(self, parameters: P) -> None:
        self.parameters = parameters
        self.work = Work()
        self.clock: Clock = SystemClock()
        self.home: Path | None = None
        self.progress: Callable[[Progress], object] = lambda _: None
        self.lost: Callable[[], object] = lambda: None

    def memory(self, model: str) -> int:
        """Bytes that `model` (empty: the default) will take once it is loaded; 0 is unknown.

        From its files, before the first load. Cheap; never raises.
        """
        return int(self.info.ram_gb * 1_000_000_000)

    async def load(self, model: str) -> None:
        """Make ready to serve `model` (empty: the default). Raises a RunnerError, E502 mostly."""

    async def unload(self) -> None:
        """Free everything that `load` took."""

    def check(self) -> str | None:
        """Why this runner cannot work here, with the remedy, or None. Cheap; never raises."""
        missing = [name for name in self.info.needs if not importable(name)]
        if not missing:
            return None
        what = f"breeze-engine[{self.info.extra}]" if self.info.extra else " ".join(missing)
        return f"not installed: {', '.join(missing)} (run: pip install '{what}')"

    @classmethod
    def wrong_model(cls, model: str) -> str | None:
        """What is wrong with the form of a configured model's name, or None. Asks nobody."""
        return None

    async def models(self) -> tuple[ModelInfo, ...]:
        """What it can serve, the default first. Raises a RunnerError when it cannot tell."""
        if not self.info.default_model:
            return ()
        return (ModelInfo(self.info.default_model, self.info.capabilities),)

    async def reach(self) -> None:
        """Raises a RunnerError when the service that does the work does not answer."""
        await self.models()

    @classmethod
    def capabilities_of(cls, parameters: P) -> tuple[Capability, ...]:
        """What it does with these parameters, as far as they tell: of `info.capabilities`.

        A remote runner whose server may not do all of it says the less. Whoever configures an
        instance for more is believed.
        """
        return cls.info.capabilities

    @classmethod
    def model_of(cls, parameters: P, capability: Capability) -> str:
        """The model that these parameters name for a kind of work; "" when they name none."""
        return ""

    @classmethod
    def requirements_of(cls, parameters: P) -> tuple[str, ...]:
        """What the machine must have for its work with these parameters."""
        return cls.info.requirements

    @classmethod
    def backends_of(cls, parameters: P, home: Path | None = None) -> tuple[Backend, ...]:
        """Where its work can run with these parameters, the usual place first.

        As far as what is installed tells, and what lies in `home`; whether there is such a part in
        this machine is looked for elsewhere. Empty: not here, or not known. Cheap; never raises.
        """
        return cls.info.backends

    @classmethod
    def parameters_on(cls, backend: Backend) -> dict[str, Any]:
        """The parameters that take its work to `backend`; empty: it cannot go, or needs none.

        None as a value: left out. Cheap; never raises.
        """
        return {}

    def parameters_for(self, request: Request[Any]) -> P:
        """The operator's parameters with the request's permitted overrides. Raises InputError."""
        return self.parameters.for_request(request.params) if request.params else self.parameters

    def stream(self, request: Request[Any]) -> AsyncGenerator[Any]:
        """The events of `request`, by the method of its capability. Raises CapabilityError."""
        capability = request.needs
        method = getattr(self, METHODS[capability], None)
        if method is None or capability not in self.info.capabilities:
            raise CapabilityError(
                f"{self.info.name} cannot do {capability}; "
                f"it does {', '.join(self.info.capabilities)}.",
                runner=self.info.name,
            )
        events: AsyncGenerator[Any] = method(request)
        return events


def runner(
    name: str,
    *,
    vendor: str,
    kind: RunnerKind,
    version: str = "1.0.0",
    streams: bool = True,
    **facts: Any,
) -> Callable[[type[R]], type[R]]:
    """Mark a class as the runner `name`. It only checks and notes; nothing is registered.

    `facts` are fields of `RunnerInfo`. Raises TypeError when the class cannot be a runner.
    """

    def mark(cls: type[R]) -> type[R]:
        cls.info = RunnerInfo(
            name=_checked_name(name, kind),
            vendor=vendor,
            kind=kind,
            version=version,
            streams=streams,
            capabilities=_capabilities(cls),
            description=_first_line(cls),
            **facts,
        )
        return cls

    return mark


def _checked_name(name: str, kind: RunnerKind) -> str:
    if not _NAME.fullmatch(name):
        raise TypeError(f"{name!r}: a runner's name is lower case letters, digits and _")
    if (kind is RunnerKind.MOCK) != ("mock" in name):
        raise TypeError(f"{name!r}: mock runners, and no others, have 'mock' in their name")
    return name


def _capabilities(cls: type[Runner[Any]]) -> tuple[Capability, ...]:
    found = []
    for capability, method in METHODS.items():
        work = getattr(cls, method, None)
        if work is None:
            continue
        if not inspect.isasyncgenfunction(work):
            raise TypeError(f"{cls.__name__}.{method} must be an async generator")
        unfit = Capability.VLM if not cls.vision else Capability.LLM
        if method != "chat" or cls.vision is True or capability is not unfit:
            found.append(capability)
    if not found:
        methods = ", ".join(dict.fromkeys(METHODS.values()))
        raise TypeError(f"{cls.__name__} has none of the methods {methods}")
    return tuple(found)


def _first_line(cls: type[Runner[Any]]) -> str:
    if not cls.__doc__:
        raise TypeError(f"{cls.__name__} needs a docstring: it is the runner's description")
    return inspect.cleandoc(cls.__doc__).splitlines()[0]
