"""What a seeded fault is, and how to break a good runner in one place."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from breeze.contracts.request import Request
from breeze.contracts.runner import Runner

AnyRunner = type[Runner[Any]]
Change = Callable[[Any], Iterable[Any]]


@dataclass(frozen=True)
class Fault:
    """A runner that breaks `rule`, and the rules that cannot but break with it."""

    rule: str
    runner: AnyRunner
    also: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        return f"{self.rule}: {self.runner.__name__.lstrip('_')}"


def broken(good: AnyRunner, title: str, **body: Any) -> AnyRunner:
    """`good` with something in its class replaced."""
    return type(title, (good,), {"__doc__": title, **body})


def changed(good: AnyRunner, title: str, change: Change) -> AnyRunner:
    """`good` with each event of its streams replaced by what `change` makes of it."""
    method = good.info.capabilities[0].method

    async def altered(self: Runner[Any], request: Request[Any]) -> AsyncGenerator[Any]:
        async with aclosing(getattr(good, method)(self, request)) as events:
            async for event in events:
                for other in change(event):
                    yield other

    return broken(good, title, **{method: altered})


def failing(good: AnyRunner, title: str, error: Callable[[Any], Exception | None]) -> AnyRunner:
    """`good`, raising what `error` makes of a request, unless that is None."""
    method = good.info.capabilities[0].method

    async def fail_first(self: Runner[Any], request: Request[Any]) -> AsyncGenerator[Any]:
        if (problem := error(request)) is not None:
            raise problem
        async with aclosing(getattr(good, method)(self, request)) as events:
            async for event in events:
                yield event

    return broken(good, title, **{method: fail_first})
