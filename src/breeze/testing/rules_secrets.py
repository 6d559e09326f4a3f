"""The rule that no secret comes out again."""

from __future__ import annotations

import logging
from typing import Any

from breeze.contracts.errors import RunnerError
from breeze.testing.bench import AnyRunner, Bench
from breeze.testing.rule import Failed, NotApplicable, Rule
from breeze.testing.samples import renewed

_CANARY = "canary-7d1f4b6e-never-show-this-0a9c2e5f8b31"


class _Listener(logging.Handler):
    """Keeps the text of every record, tracebacks included."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.setFormatter(logging.Formatter())
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(self.format(record))


async def _kept(bench: Bench) -> None:
    facts = bench.runner_type.parameters_type.facts
    secrets: dict[str, Any] = {
        name: f"{_CANARY}-{name}" for name, fact in facts.items() if fact.secret
    }
    if not secrets:
        raise NotApplicable("it has no secrets")
    root, listener = logging.getLogger(), _Listener()
    level = root.level
    root.addHandler(listener)
    root.setLevel(logging.DEBUG)
    try:
        shown = await _all_it_shows(bench, bench.make(**secrets))
    finally:
        root.setLevel(level)
        root.removeHandler(listener)
    shown += [("the log", text) for text in listener.said]
    for where, what in shown:
        if _CANARY in what:
            raise Failed(f"{where} shows a secret")


async def _all_it_shows(bench: Bench, runner: AnyRunner) -> list[tuple[str, str]]:
    """Everything that a stranger could see of a runner with secrets: where, and the text."""
    noted = len(bench.errors)
    shown = [("repr of the runner", repr(runner)), ("check()", str(runner.check()))]
    shown += [
        ("repr of the parameters", repr(runner.parameters)),
        ("a dump of the parameters", runner.parameters.model_dump_json()),
        ("info", repr(runner.info)),
    ]
    try:
        await runner.load(bench.model)
        shown.append(("models()", repr(await runner.models())))
        for capability in bench.capabilities:
            for sample in (bench.samples.short(capability), bench.samples.full(capability)):
                run = await bench.drive(runner, renewed(sample))
                shown.append((f"an event of {capability.method}", repr(run.events)))
            wrong = renewed(bench.samples.short(capability), model="no-such-model")
            await bench.drive(runner, wrong)
    except RunnerError as error:
        bench.errors.append(("load", error))
    finally:
        await runner.unload()
    for where, problem in bench.errors[noted:]:
        shown += [(f"an error of {where}", text) for text in _texts(problem)]
    return shown


def _texts(error: BaseException | None) -> list[str]:
    """What an error and its causes say."""
    said: list[str] = []
    while error is not None and len(said) < 20:
        info: Any = error.info() if isinstance(error, RunnerError) else error.args
        said += [str(error), repr(info)]
        error = error.__cause__ or error.__context__
    return said


RULES = (Rule("parameters.secret", "no secret is ever shown", _kept),)
