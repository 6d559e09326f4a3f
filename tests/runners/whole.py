"""The whole answer to a request, of the kind that the test expects."""

from __future__ import annotations

from typing import Any, TypeVar

from breeze.contracts.request import Request
from breeze.contracts.results import collect
from breeze.contracts.runner import Runner

A = TypeVar("A")


async def whole(runner: Runner[Any], request: Request[Any], kind: type[A]) -> A:
    """What the events of `request` add up to."""
    answer = await collect(runner.stream(request), kind)  # type: ignore[arg-type]
    assert isinstance(answer, kind)
    return answer
