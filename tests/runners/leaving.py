"""A caller who leaves takes the connection to the vendor along, at once."""

from __future__ import annotations

import asyncio
from typing import Any

from breeze.contracts.request import Request
from breeze.contracts.runner import Runner
from breeze.testing.standins import Standin
from tests.http.leavers import until
from tests.runners.vendor import events

SOON = 0.1
"""Seconds that the vendor may still wait."""
_SETTLED = 0.02
"""Seconds after which nothing is on its way any more, and somebody waits for more."""


async def leave(
    vendor: Standin, runner: Runner[Any], request: Request[Any], calls: int = 1
) -> None:
    """Ask, and leave once the vendor has that many calls, the last of which hangs.

    Raises TimeoutError when the vendor sees it late, AssertionError when anything stays behind.
    """
    reading = asyncio.ensure_future(events(runner, request))
    await until(lambda: len(vendor.calls) == calls)
    await asyncio.wait([reading], timeout=_SETTLED)
    assert not reading.done()
    reading.cancel()
    async with asyncio.timeout(SOON):
        await asyncio.wait([reading])
        await vendor.idle()
    assert reading.cancelled()
    assert vendor.calls[-1].outcome == "left"
    assert runner.work.active == 0
