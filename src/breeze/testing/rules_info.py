"""Rules on what a runner says of itself."""

from __future__ import annotations

import inspect
import time

from breeze.contracts.capability import METHODS, Backend, Capability
from breeze.contracts.hardware import is_known
from breeze.testing.bench import Bench
from breeze.testing.rule import Failed, NotApplicable, Rule


async def _complete(bench: Bench) -> None:
    info = bench.info
    empty = [
        n for n in ("name", "version", "vendor", "description") if not getattr(info, n).strip()
    ]
    if empty:
        raise Failed(f"empty: {', '.join(empty)}")
    if info.concurrency < 1 or info.queue < 0:
        raise Failed(f"concurrency {info.concurrency}, queue {info.queue}")
    if info.mock != ("mock" in info.name):
        raise Failed(f"{info.name!r} is of kind {info.kind}")


async def _capabilities(bench: Bench) -> None:
    kind, said = bench.runner_type, set(bench.info.capabilities)
    seen = {c for c, method in METHODS.items() if hasattr(kind, method)}
    if kind.vision == "only":
        seen.discard(Capability.LLM)
    elif not kind.vision:
        seen.discard(Capability.VLM)
    if said != seen:
        raise Failed(f"info says {sorted(said)}, its methods say {sorted(seen)}")
    for capability in said:
        if not inspect.isasyncgenfunction(getattr(kind, capability.method)):
            raise Failed(f"{capability.method} is no async generator")


async def _check(bench: Bench) -> None:
    runner = bench.make()
    runner.check()  # the first call may import what later ones only look up
    start = time.perf_counter()
    try:
        reason: object = runner.check()
    except Exception as error:  # whatever it raises breaks the rule
        raise Failed(f"check() raised {type(error).__name__}") from error
    taken = time.perf_counter() - start
    if reason is not None and (not isinstance(reason, str) or not reason.strip()):
        raise Failed(f"check() answered {reason!r}, neither None nor a reason")
    if taken > bench.limits.check:
        raise Failed(f"check() took {taken * 1000:.0f} ms: it must be cheap")


async def _available(bench: Bench) -> None:
    if bench.reason is not None:
        raise Failed(bench.reason)


async def _hardware(bench: Bench) -> None:
    kind = bench.runner_type
    if odd := [name for name in bench.info.requirements if not is_known(name)]:
        raise Failed(f"it requires {', '.join(odd)}, which nobody can look for")
    moves = {backend: kind.parameters_on(backend) for backend in Backend}
    for backend, values in moves.items():
        if wrong := [name for name in values if name not in kind.parameters_type.facts]:
            raise Failed(f"it goes to the {backend} by {', '.join(wrong)}: no parameter of its")
    if not (bench.info.requirements or any(moves.values())):
        raise NotApplicable("it requires nothing, and no parameter says where it works")


async def _models(bench: Bench) -> None:
    runner = await bench.shared()
    models = await runner.models()
    names = [model.id for model in models]
    if len(set(names)) != len(names) or not all(names):
        raise Failed(f"ids must be there and differ: {names}")
    default = bench.info.default_model
    if default and names and default not in names:
        raise Failed(f"the default model {default!r} is not among {', '.join(names)}")
    for model in models:
        if extra := set(model.capabilities) - set(bench.info.capabilities):
            raise Failed(f"{model.id} claims {sorted(extra)}, which the runner cannot do")
    if not names:
        raise NotApplicable("it lists no models")


RULES = (
    Rule("info.complete", "name, version, vendor and description are given", _complete),
    Rule("info.capabilities", "the capabilities are those of its methods", _capabilities),
    Rule("info.check", "check() never raises, is cheap, and answers None or a reason", _check),
    Rule("info.available", "it can work here", _available),
    Rule("info.hardware", "what it requires and how it moves is known by name", _hardware),
    Rule("info.models", "models() lists ids that differ, the default one included", _models),
)
