"""`breeze check`: does a runner keep every rule?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from breeze.contracts.errors import InputError
from breeze.surfaces.cli._options import PARAM_HELP, Work, config_option, json_option
from breeze.surfaces.cli._run import opened, run
from breeze.surfaces.cli._table import show_lines

if TYPE_CHECKING:
    from breeze.contracts.runner import Runner
    from breeze.engine.engine import Engine
    from breeze.testing.report import Report, RuleResult

BROKEN = 1
"""The exit code when a rule is broken."""
_COLOURS = {"pass": "green", "fail": "red", "n/a": "bright_black"}
Subject = tuple["type[Runner[Any]]", dict[str, Any]]


@click.command("check")
@click.argument("target", metavar="PACKAGE:CLASS|RUNNER")
@click.option("--model", default="", metavar="NAME", help="Load this one instead of its default.")
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help=PARAM_HELP)
@click.option("--only", multiple=True, metavar="RULE", help="Rules that begin so. Repeatable.")
@click.option("--isolated", is_flag=True, help="In a process of its own, as it may be configured.")
@config_option
@json_option
def command(
    target: str,
    model: str,
    params: tuple[str, ...],
    only: tuple[str, ...],
    isolated: bool,
    config: Path | None,
    json: bool,
) -> int:
    """Check that a runner keeps every rule. Exits with 1 when it breaks one.

    It is really loaded and asked: an instance with its own settings, a runner's name, or a class
    such as my_package.my_module:MyRunner.
    """
    work = Work(runner=target, params=params, config=config, json=json)
    report = run(_check(work, model, only, isolated), json=json)
    if not json:
        click.echo(report.render().splitlines()[-1])
    return 0 if report.ok else BROKEN


async def _check(work: Work, model: str, only: tuple[str, ...], alone: bool) -> Report:
    from breeze.engine.workers import isolated
    from breeze.testing.conformance import check_runner

    runner_type, values = await _subject(work)
    through, tell = isolated if alone else None, _line if work.json else _row
    return await check_runner(
        runner_type, values, model=model, only=only, on_result=tell, through=through
    )


async def _subject(work: Work) -> Subject:
    """The class to check and the parameters to make it with."""
    if ":" not in work.runner and "." not in work.runner:
        return await _installed(work)
    from breeze.testing.conformance import check_module

    sys.path.insert(0, str(Path.cwd()))  # a package need not be installed to be checked here
    return check_module(work.runner), dict(_pair(param) for param in work.params)


async def _installed(work: Work) -> Subject:
    from breeze.contracts.capability import Capability

    async with opened(work, Capability.LLM) as engine:
        instance = _instance(work.runner, engine)
        if instance.runner_type is None:
            raise InputError(f"{instance.name}: {instance.problem}.", field="target")
        ptype = instance.runner_type.parameters_type
        values = engine.layers.values(instance.name, ptype, instance.entry.parameters)
    return instance.runner_type, values


def _instance(name: str, engine: Engine) -> Any:
    from breeze.surfaces.cli.settings.names import instance_called

    same = [i for i in engine.instances.values() if i.runner == name]
    return same[0] if name not in engine.instances and same else instance_called(name, engine)


def _pair(param: str) -> tuple[str, str]:
    name, equals, value = param.partition("=")
    if not equals:
        raise InputError(f"--param: {param!r} has no value: write NAME=VALUE", field="param")
    return name, value


def _row(result: RuleResult) -> None:
    status = click.style(f"{result.status:<4}", fg=_COLOURS[result.status])
    click.echo(f"{status}  {result.rule:<24}  {result.message or result.title}")


def _line(result: RuleResult) -> None:
    show_lines([result])
    sys.stdout.flush()
