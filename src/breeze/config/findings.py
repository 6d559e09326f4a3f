"""What is to be said about a file: problems that refuse it, notices that do not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from breeze.config.files import read_json
from breeze.contracts.errors import InputError
from breeze.contracts.parameters import unknown_name

M = TypeVar("M", bound=BaseModel)
Location = tuple[int | str, ...]
_KEY = "[key]"  # how pydantic says that a key, not its value, is wrong


@dataclass(frozen=True)
class Notice:
    """Something in a file that does not count, or could be said better. `path` as in errors."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


@dataclass(frozen=True)
class Problem:
    """One finding of pydantic. `ignorable`: an unknown name, which can be left out."""

    location: Location
    message: str
    ignorable: bool = False

    @property
    def path(self) -> str:
        return dotted(self.location)


def dotted(location: Location) -> str:
    """`("runners", 0, "priority")` as `runners[0].priority`."""
    parts = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return "".join(parts).removeprefix(".")


def problems(kind: type[BaseModel], data: object) -> list[Problem]:
    """Everything that keeps `data`, as read from a file, from being a `kind`."""
    try:
        kind.model_validate(data, by_alias=True, by_name=False)
    except ValidationError as error:
        return [_problem(kind, e) for e in error.errors(include_url=False, include_input=False)]
    return []


def _problem(kind: type[BaseModel], found: Any) -> Problem:
    location: Location = found["loc"]
    if found["type"] == "extra_forbidden":
        return Problem(location, unknown_name(str(location[-1]), _names(kind, location)), True)
    if location and location[-1] == _KEY:
        location = location[:-1]
        if found["type"] == "enum":
            options = dict.fromkeys(map(str, get_args(_inside(kind, location[:-1]))[0]))
            return Problem(location, unknown_name(str(location[-1]), options), True)
    text = "is required" if found["type"] == "missing" else str(found["msg"])
    return Problem(location, text.removeprefix("Value error, ").removeprefix("Input "))


def _inside(kind: Any, location: Location) -> Any:
    """The type of what `location` leads to."""
    for step in location:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            fields = {field.alias or name: field for name, field in kind.model_fields.items()}
            kind = fields[str(step)].annotation
        else:
            kind = get_args(kind)[0 if isinstance(step, int) else -1]
    return kind


def _names(kind: Any, location: Location) -> dict[str, None]:
    model = _inside(kind, location[:-1])
    return {field.alias or name: None for name, field in model.model_fields.items()}


def without(data: Any, location: Location) -> Any:
    """A copy of `data` that lacks the key at `location`."""
    first, *rest = location
    if not rest:
        return {key: value for key, value in data.items() if key != first}
    if isinstance(data, list):
        return [without(v, tuple(rest)) if i == first else v for i, v in enumerate(data)]
    return {**data, first: without(data[first], tuple(rest))}


def read_model(path: Path, kind: type[M]) -> M:
    """The file as a `kind`; `kind()` when it is missing. Raises InputError for every problem."""
    try:
        data = read_json(path)
    except FileNotFoundError:
        return kind()
    if found := problems(kind, data):
        raise refusal(str(path), [(problem.path, problem.message) for problem in found])
    return kind.model_validate(data, by_alias=True, by_name=False)


def refusal(
    where: str, found: Sequence[tuple[str, str]], notices: Iterable[Notice] = ()
) -> InputError:
    """One error for every problem, each a path and a message. `where` names the file."""
    told = [f"{path}: {message}" if path else message for path, message in found]
    told += [str(notice) for notice in notices]
    return InputError(
        f"{where} cannot be used. {'; '.join(told)}. Nothing was changed; correct the file.",
        field=found[0][0],
        data={"file": where, "fields": dict(found)},
    )
