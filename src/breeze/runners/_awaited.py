"""Blocking work of some milliseconds, in a thread, waited for even by those who are cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


async def done(job: Callable[P, T], *given: P.args, **more: P.kwargs) -> T:
    """What `job` returns. A cancel is obeyed when it has ended, so that nothing is left at work."""
    task = asyncio.ensure_future(asyncio.to_thread(job, *given, **more))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError:
                continue
        raise
