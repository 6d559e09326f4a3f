"""Every runner that Breeze ships passes the conformance kit. None is skipped."""

from __future__ import annotations

import pkgutil
from contextlib import AsyncExitStack
from typing import Any

import pytest

import breeze.runners
from breeze.testing.conformance import check_module, check_runner
from breeze.testing.samples import Samples
from breeze.testing.standins import names, standin
from tests.runners import openai_server, stacking
from tests.runners.standin import Script, StandIn

SHIPPED = sorted(
    module.name
    for module in pkgutil.iter_modules(breeze.runners.__path__)
    if not module.name.startswith("_")
)
SERVERS: dict[str, Script] = {"openai": openai_server.answer}
"""What plays the server that a remote runner asks; its address is the runner's base_url."""
SAMPLES: dict[str, Samples] = {}
"""Requests for runners that the built-in ones do not suit."""


@pytest.mark.parametrize("name", SHIPPED)
def test_a_file_and_its_runner_have_one_name(name: str) -> None:
    assert check_module(f"breeze.runners.{name}").info.name == name


@pytest.mark.parametrize("name", SHIPPED)
async def test_it_passes_the_kit(name: str) -> None:
    kind = check_module(f"breeze.runners.{name}")
    async with AsyncExitStack() as stack:
        settings: dict[str, Any] = {}
        samples = SAMPLES.get(name)
        if name == "llama_stack":
            settings, samples = await stacking.rehearsal(stack)
        elif name not in SERVERS and name in names():
            vendor = await stack.enter_async_context(standin(name).serving(strict=False))
            settings |= {"base_url": vendor.url, "api_key": vendor.key}
        if name in SERVERS:
            server = await stack.enter_async_context(StandIn.serving(SERVERS[name]))
            settings["base_url"] = server.url
        report = await check_runner(kind, settings, samples=samples)
    assert report.ok, report.render()
