"""What every work command takes: who shall answer, with which parameters, shown how."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

import click

from breeze.contracts.request import AUTO

F = TypeVar("F", bound=Callable[..., Any])
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
PARAM_HELP = (
    "A runner's parameter for this command. Without INSTANCE it goes to --runner, or else to "
    "every instance of the capability that has it. Repeatable."
)


@dataclass(frozen=True, kw_only=True)
class Work:
    """The options that are the same for every kind of work."""

    runner: str = ""
    model: str = AUTO
    params: tuple[str, ...] = ()
    config: Path | None = None
    json: bool = False
    strict: bool = False
    deadline: float | None = None
    url: str = ""
    key: str = field(default="", repr=False)
    record: Path | None = None

    @property
    def route(self) -> dict[str, Any]:
        """The fields of any request that these options set."""
        return {
            "runner": self.runner,
            "model": self.model,
            "strict": self.strict,
            "deadline": self.deadline,
        }


config_option = click.option("--config", type=FILE, help="Configuration file instead of your own.")
json_option = click.option("--json", "json", is_flag=True, help="One JSON object a line.")
_SERVER = (
    click.option(
        "--url",
        default="",
        envvar="BREEZE_URL",
        show_envvar=True,
        metavar="URL",
        help="Ask this server instead of an engine of one's own.",
    ),
    click.option(
        "--key",
        default="",
        envvar="BREEZE_KEY",
        show_envvar=True,
        metavar="KEY",
        help="The server's key; the variable keeps it out of the list of processes.",
    ),
)
_ROUTE = (
    click.option("--runner", default="", metavar="NAME", help="Instance or runner to ask first."),
    click.option("--model", default=AUTO, metavar="NAME", help="Model, or INSTANCE/MODEL."),
    click.option("--strict", is_flag=True, help="The named runner or none."),
    click.option(
        "--param", "params", multiple=True, metavar="[INSTANCE.]NAME=VALUE", help=PARAM_HELP
    ),
    config_option,
    *_SERVER,
)
_DEADLINE = click.option(
    "--deadline", type=float, metavar="SECONDS", help="Give up when this time is over."
)
record_option = click.option(
    "--record",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Keep each request and its events here, secrets left out, for the replay runner.",
)


def route_options(command: F) -> F:
    """Adds the options that decide who answers; the command gets them as `work`."""
    return _gathered(command, (*_ROUTE, json_option))


def work_options(command: F) -> F:
    """Adds the options of every work command; the command gets them as `work`."""
    return _gathered(command, (*_ROUTE, _DEADLINE, record_option, json_option))


def looking_options(command: F) -> F:
    """Adds the options of commands that only look; the command gets them as `work`."""
    return _gathered(command, (config_option, *_SERVER, json_option))


def server_options(command: F) -> F:
    """Adds the options that say where something is to be done; the command gets them as `work`."""
    return _gathered(command, (config_option, *_SERVER))


def _gathered(command: F, options: tuple[Callable[[Any], Any], ...]) -> F:
    @functools.wraps(command)
    def gather(**given: Any) -> Any:
        names = [one.name for one in fields(Work) if one.name in given]
        return command(work=Work(**{name: given.pop(name) for name in names}), **given)

    for option in reversed(options):
        gather = option(gather)
    return gather  # type: ignore[return-value]  # the same command, with more options


def text_of(argument: str) -> str:
    """The argument itself, or all of standard input for `-`, without its last line break."""
    if argument != "-":
        return argument
    try:
        return sys.stdin.buffer.read().decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise click.UsageError(
            f"Standard input is not UTF-8 text (byte {error.start}): give text."
        ) from None


def bytes_of(argument: str) -> bytes:
    """The bytes of the file, or of standard input for `-`."""
    if argument == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(argument).read_bytes()
    except OSError as error:
        raise click.UsageError(f"{argument} cannot be read: {error.strerror}.") from None


def given(**values: Any) -> dict[str, Any]:
    """Only those values that the person gave."""
    return {name: value for name, value in values.items() if value is not None}
