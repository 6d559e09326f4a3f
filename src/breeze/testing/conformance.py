"""The conformance kit: what every runner must do, checked on any runner class.

    report = await check_runner(WhistleRunner, {"api_key": "…"})
    print(report.render())
    assert report.ok

It uses the runner as the engine does and needs nothing but `breeze.contracts`. Every rule has a
broken runner in the tests of Breeze that it catches.
"""

from __future__ import annotations

import importlib
import inspect
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from breeze.contracts.capability import Capability
from breeze.contracts.errors import InputError
from breeze.contracts.runner import Runner, RunnerInfo
from breeze.testing import (
    rules_cancel,
    rules_concurrency,
    rules_effect,
    rules_info,
    rules_inputs,
    rules_load,
    rules_parameters,
    rules_secrets,
    rules_stream,
)
from breeze.testing.bench import Bench
from breeze.testing.report import Report, RuleResult, Status
from breeze.testing.rule import Failed, Limits, NotApplicable, Rule
from breeze.testing.samples import Samples

RULES: tuple[Rule, ...] = (
    *rules_info.RULES,
    *rules_parameters.RULES,
    *rules_stream.RULES,
    *rules_cancel.RULES,
    *rules_concurrency.RULES,
    *rules_inputs.RULES,
    *rules_effect.RULES,
    *rules_secrets.RULES,
    *rules_load.RULES,
    *rules_inputs.CLOSED,
)
"""Every rule, in the order in which it is checked."""


async def check_runner(
    runner_type: type[Runner[Any]],
    parameters: Mapping[str, Any] | None = None,
    *,
    model: str = "",
    samples: Samples | None = None,
    limits: Limits | None = None,
    only: Collection[str] = (),
    capabilities: Collection[Capability] = (),
    on_result: Callable[[RuleResult], object] | None = None,
    through: Callable[[Runner[Any]], Runner[Any]] | None = None,
) -> Report:
    """Check every rule on `runner_type`, made with `parameters` and loaded with `model`.

    `samples`: requests that suit the runner better than the built-in ones. `only`: ids of rules,
    or their beginnings such as `cancel`. `capabilities`: those that can work as it is set up, when
    these are not all. `through` puts each runner elsewhere, as `breeze.engine.workers.isolated`
    does into a process; rules that watch what it reads do not apply then. `on_result` is called
    after each rule. Raises InputError when `parameters` are invalid; all else that goes wrong is in
    the report.
    """
    samples, limits = samples or Samples(), limits or Limits()
    bench = Bench(runner_type, parameters or {}, model, samples, limits, through)
    if capabilities:
        bench.keep(capabilities)
    bench.reason = _reason(bench)
    results = []
    try:
        await bench.narrow()
        for rule in RULES:
            if only and not rule.id.startswith(tuple(only)):
                continue
            results.append(await _result(rule, bench))
            if on_result is not None:
                on_result(results[-1])
    finally:
        await bench.close()
    return Report(runner_type.info.name, tuple(results))


def _reason(bench: Bench) -> str | None:
    runner = bench.make()
    try:
        return runner.check()
    except Exception as error:  # the rule info.check reports it; the others need an answer
        return f"check() raised {type(error).__name__}"


async def _result(rule: Rule, bench: Bench) -> RuleResult:
    start = time.perf_counter()
    status: Status = "pass"
    message = ""
    try:
        await rule.check(bench)
    except Failed as failed:
        status, message = "fail", str(failed)
    except NotApplicable as reason:
        status, message = "n/a", str(reason)
    except Exception as error:  # a runner may raise anything anywhere
        status, message = "fail", f"it raised {type(error).__name__}: {error}"
    return RuleResult(rule.id, status, rule.title, message, time.perf_counter() - start)


def check_module(target: str) -> type[Runner[Any]]:
    """The runner class that `package.module:ClassName` names; the class may be left out when the
    module has one runner. Raises InputError that says what to write instead.
    """
    name, _, wanted = target.partition(":")
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        raise InputError(
            f"Cannot import {name}: {error}. Install it, or correct the name.", field="target"
        ) from error
    found: list[type[Runner[Any]]] = [
        value
        for key, value in vars(module).items()
        if _is_runner(value) and (key == wanted if wanted else value.__module__ == name)
    ]
    if len(found) != 1:
        names = ", ".join(kind.__name__ for kind in found) or "none"
        raise InputError(
            f"{target}: expected one class marked with @runner, found {names}. "
            f"Write {name}:ClassName.",
            field="target",
        )
    return found[0]


def _is_runner(value: Any) -> bool:
    marked = inspect.isclass(value) and isinstance(getattr(value, "info", None), RunnerInfo)
    return marked and issubclass(value, Runner)
