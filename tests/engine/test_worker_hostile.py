"""A worker that is against us: whom it leaves behind, and what it says."""

from __future__ import annotations

import asyncio
import logging
import os
import select
import signal
import sys

import pytest

from breeze.contracts.errors import ProcessingError
from tests.engine.isolation import at_work, said

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes as descriptors")


async def test_what_a_dead_worker_started_does_not_keep_its_callers_waiting() -> None:
    async with at_work() as runner:
        with pytest.raises(ProcessingError, match="SIGKILL") as crashed:
            await asyncio.wait_for(said(runner, "leave behind"), 5)
    assert _is_gone(int(crashed.value.message.rpartition(" ")[2]))


async def test_nor_does_what_has_left_its_group() -> None:
    async with at_work() as runner:
        with pytest.raises(ProcessingError, match="SIGKILL") as crashed:
            await asyncio.wait_for(said(runner, "leave its group"), 5)
    os.kill(int(crashed.value.message.rpartition(" ")[2]), signal.SIGKILL)


def _is_gone(pid: int) -> bool:
    """Whether a process ends within some seconds, or has."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], 5)[0])
    finally:
        os.close(process)


async def test_half_a_key_is_none_of_its_last_words(caplog: pytest.LogCaptureFixture) -> None:
    async with at_work(key="a-key-whose-end-is-kept") as runner:
        with caplog.at_level(logging.WARNING), pytest.raises(ProcessingError):
            await said(runner, "after pad a-key-whose-end-is-kept")
    assert "...." in caplog.text
    assert "end-is-kept" not in caplog.text
