"""Puts the huggingface runner to work on the stand-in of its vendor."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

from breeze.contracts.errors import RunnerError
from breeze.runners.huggingface import HuggingFaceRunner
from breeze.testing.standins.huggingface import HuggingFaceStandin
from breeze.testing.stream import checked
from tests.runners.vendor import running as vendor_running


def running(
    vendor: HuggingFaceStandin, **values: Any
) -> AbstractAsyncContextManager[HuggingFaceRunner]:
    """A loaded runner that asks `vendor`."""
    return vendor_running(HuggingFaceRunner, vendor.url, **values)


async def events(runner: HuggingFaceRunner, request: Any, *, fails: bool = False) -> list[Any]:
    """All events, each checked on its way."""
    seen: list[Any] = []
    try:
        async for event in checked(runner.stream(request), request.capability.method):
            seen.append(event)
    except RunnerError:
        if not fails:
            raise
    return seen
