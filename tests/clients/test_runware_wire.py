"""The runware runner sends what Runware's own client sends for the same calls."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.messages import ImagePart, Message, TextPart
from breeze.contracts.requests import ChatRequest, DrawRequest
from breeze.runners.runware import RunwareRunner
from breeze.testing.standins._call import Call
from breeze.testing.standins.runware import RunwareStandin
from tests.clients.scripted import run
from tests.runners.vendor import running

pytestmark = pytest.mark.timeout(900)  # the first run installs the client
IMAGE = "data:image/png;base64,iVBORw0KGgo="
PNG = base64.b64decode(IMAGE.partition(",")[2])
HEADERS = ("authorization", "content-type")
OURS: dict[str, tuple[Any, dict[str, Any]]] = {
    "a picture": (DrawRequest.of("a lighthouse"), {}),
    "a picture with all options": (
        DrawRequest.of(
            "a sea", model="civitai:4384@128713", negative_prompt="people", size="256x128", steps=4,
            guidance=2.5, seed=3, count=2, format="webp",
            params={"scheduler": "Euler", "output_quality": 80},
        ),
        {"delivery": "sync"},
    ),
    "upscaling": (DrawRequest.of("p", params={"task": "upscale", "image": IMAGE}), {}),
    "a cut-out": (DrawRequest.of("p", params={"task": "remove_background", "image": IMAGE}), {}),
    "a caption": (
        ChatRequest((Message("user", (TextPart("What is it?"), ImagePart(PNG))),)), {},
    ),
}  # fmt: skip
"""What a person asks of us, in the order in which the official client is asked the same."""


async def theirs(vendor: RunwareStandin, folder: Path) -> None:
    status, said = await run("runware", "runware_wire", folder, vendor.url)
    assert status == 0, said


async def ours(vendor: RunwareStandin) -> None:
    for request, more in OURS.values():
        given = {"rate_limit_delay": 0, **more}
        async with running(RunwareRunner, vendor.url, **given) as runner:
            async for _ in runner.stream(request):
                pass


async def _recorded(folder: Path) -> list[list[Call]]:
    found = []
    for play in (lambda v: theirs(v, folder), ours):
        async with RunwareStandin.serving() as vendor:
            await play(vendor)
            found.append(vendor.calls)
    return found


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[list[Call]]:
    """The requests of the official client and ours, each in their order."""
    return asyncio.run(_recorded(tmp_path_factory.mktemp("runware")))


def sending(calls: Sequence[Call]) -> list[Call]:
    return [call for call in calls if call.json[0]["taskType"] != "getResponse"]


def plain(call: Call) -> list[dict[str, Any]]:
    """The tasks of a request without their ids, which are random with them."""
    return [{k: v for k, v in task.items() if k != "taskUUID"} for task in call.json]


@pytest.mark.parametrize("case", OURS)
def test_the_same_task_goes_out(both: list[list[Call]], case: str) -> None:
    them, us = (sending(calls)[list(OURS).index(case)] for calls in both)
    assert (us.method, us.target) == (them.method, them.target)
    assert [us.headers[h] for h in HEADERS] == [them.headers[h] for h in HEADERS]
    assert plain(us) == plain(them)
    assert len(us.json[0]["taskUUID"]) == len(them.json[0]["taskUUID"]) == 36


def test_results_are_asked_for_in_the_same_words(both: list[list[Call]]) -> None:
    for calls in both:
        polls = [call for call in calls if call.json[0]["taskType"] == "getResponse"]
        assert len(polls) >= 4
        assert all(call.json[0].keys() == {"taskType", "taskUUID"} for call in polls)
