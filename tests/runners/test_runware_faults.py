"""Every fault that the stand-in knows, at each of its two hosts: right pictures, or an error."""

from __future__ import annotations

from typing import Any

import pytest

from breeze.contracts.answers import Pictures
from breeze.contracts.errors import CODES, RunnerError
from breeze.contracts.requests import DrawRequest
from breeze.testing.standins.runware import Pictures as PictureHost
from breeze.testing.standins.runware import RunwareStandin
from tests.runners.runware_bench import KEY, Hasty, draw, expected, prompts, running

API = [fault.name for fault in RunwareStandin.all_faults()]
IMAGES = [fault.name for fault in PictureHost.all_faults()]


async def outcome(vendor: RunwareStandin, **values: Any) -> Pictures | RunnerError:
    async with running(vendor, clock=Hasty(), timeout=1, **values) as runner:
        try:
            return await draw(runner, DrawRequest(prompts(3)))
        except RunnerError as error:
            return error


def judge(found: Pictures | RunnerError, vendor: RunwareStandin) -> None:
    """No wrong picture is a success, no failure is silent, nothing is paid twice or leaks."""
    assert len(vendor.work.billed) <= 3
    if isinstance(found, RunnerError):
        assert CODES[found.code] is type(found)
        assert KEY not in str(found.info())
        return
    assert len(found.images) + len(found.failures) == 3
    for picture in found.images:
        assert picture.data == expected(vendor, prompts(3)[picture.prompt])


@pytest.mark.parametrize("fault", API)
@pytest.mark.parametrize("delivery", ["async", "sync"])
async def test_once_at_the_api(fault: str, delivery: str) -> None:
    async with RunwareStandin.serving(strict=False) as vendor:
        vendor.fault(fault)
        judge(await outcome(vendor, delivery=delivery), vendor)


@pytest.mark.parametrize("fault", API)
async def test_while_polling(fault: str) -> None:
    async with RunwareStandin.serving(strict=False) as vendor:
        vendor.on_call = lambda _: vendor.fault(fault) if len(vendor.calls) == 1 else None
        found = await outcome(vendor)
        judge(found, vendor)
        harmless = {f.name for f in vendor.all_faults() if f.harmless}
        if fault in harmless:
            assert isinstance(found, Pictures)


@pytest.mark.parametrize("fault", IMAGES)
async def test_once_at_the_host_of_pictures(fault: str) -> None:
    async with RunwareStandin.serving(strict=False) as vendor:
        vendor.images.fault(fault)
        found = await outcome(vendor)
        judge(found, vendor)
        assert isinstance(found, Pictures)
        assert len(found.images) >= 2  # the others do not suffer
