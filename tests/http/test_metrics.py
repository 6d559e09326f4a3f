"""/metrics: what was done is counted, under labels that nobody can make grow."""

from __future__ import annotations

import re
from pathlib import Path

import aiohttp
import pytest
from pydantic import SecretStr

from breeze.config import parse_config
from breeze.config.home import Home
from breeze.config.server import ApiKey
from breeze.engine.ledger import Row
from breeze.service.authentication import Authentication
from breeze.service.keys import KeyFile
from breeze.service.metrics import MOST, Metrics
from breeze.surfaces.http.metrics import rendered
from tests.http.accounts import KEY, HaltingRunner, chat, metrics_of, number, numbers_in
from tests.http.conftest import Serve


async def test_what_was_done_is_counted(serve: Serve) -> None:
    only = {"LLM": {"runners": {"halting": {"class": "halting"}}}}
    nobody_else = parse_config(
        {"capabilities": only, "globalSettings": {"fallbackToMock": False}}
    ).config
    async with (
        serve(runners=[HaltingRunner], config=nobody_else) as server,
        aiohttp.ClientSession(server.url) as http,
    ):
        for text in ("go", "go", "break"):
            async with http.post("/v1/chat/completions", json=chat(text, model="halting")) as got:
                await got.read()
        async with http.post("/v1/chat/completions", data=b"{"):
            pass
        async with http.get("/nowhere"):
            pass
        found = await metrics_of(http)
    route = "/v1/chat/completions"
    for status, answers in (("200", 2), ("500", 1), ("400", 1)):
        assert number(found, "requests_total", route=route, status=status) == answers
    assert number(found, "requests_total", route="other", status="404") == 1
    assert number(found, "request_seconds_count", route=route) == 4
    assert number(found, "errors_total", code="E101") == 1
    assert number(found, "errors_total", code="E400") == 1
    who = {"capability": "LLM", "runner": "halting"}
    assert number(found, "attempts_total", **who, status="finished") == 2
    assert number(found, "attempts_total", **who, status="error") == 1
    assert number(found, "tokens_total", **who, direction="prompt") == 21
    assert number(found, "tokens_total", **who, direction="completion") == 9
    assert number(found, "events_total", **who) == 3 + 3 + 2
    assert number(found, "time_to_first_event_seconds_count", **who) == 3
    assert number(found, "live_requests") == 0
    assert number(found, "queue_waiting", runner="halting") == 0
    assert number(found, "loaded_models", runner="halting") == 1


async def test_no_caller_can_make_the_numbers_grow(serve: Serve) -> None:
    async with serve() as server, aiohttp.ClientSession(server.url) as http:
        before = set(await metrics_of(http))
        for i in range(300):
            async with http.get(f"/nowhere/{i}"):
                pass
            async with http.post("/v1/chat/completions", json=chat(model=f"m{i}")):
                pass
            async with http.request(f"M{'X' * (i % 9)}", "/v1/models"):
                pass
        after = set(await metrics_of(http))
    assert len(after) - len(before) < 60
    assert not any(re.search(r"nowhere|m\d|XX", repr(name)) for name in after)


def test_pictures_and_sounds_count_whether_or_not_tokens_do() -> None:
    counted = Metrics(lambda: ())
    counted.attempted(Row(
        "r", "", "IMAGE", "painter", "m", 1.0, 0.5, 0.1, "finished", "", 3, 7, 11,
        characters=4, audio_seconds=2.5, images=2,
    ))  # fmt: skip
    numbers = numbers_in(rendered(counted.snapshot(0)).decode())
    who = {"capability": "IMAGE", "runner": "painter"}
    assert number(numbers, "images_total", **who) == 2
    assert number(numbers, "audio_seconds_total", **who) == 2.5
    assert number(numbers, "characters_total", **who) == 4
    assert number(numbers, "tokens_total", direction="completion", **who) == 11


def test_even_unbounded_labels_are_bounded() -> None:
    counted = Metrics(lambda: ())
    for i in range(10 * MOST):
        counted.answered(f"/route/{i}", 200, 0.1, "")
    text = rendered(counted.snapshot(0)).decode()
    assert text.count("breeze_requests_total{") <= MOST + 1
    others = number(numbers_in(text), "requests_total", route="other", status="other")
    assert others == 9 * MOST


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="only Linux tells")
async def test_what_the_process_holds_is_told(serve: Serve) -> None:
    async with serve() as server, aiohttp.ClientSession(server.url) as http:
        before = await metrics_of(http)
        async with http.ws_connect("/v2/router"):
            during = await metrics_of(http)
    nothing: frozenset[tuple[str, str]] = frozenset()
    assert number(during, "tasks") > number(before, "tasks") > 0
    assert number(before, "threads") >= 1
    files = "process_open_fds", nothing
    assert during[files] > before[files] > 0
    assert before["process_resident_memory_bytes", nothing] > 10_000_000
    assert before["process_cpu_seconds_total", nothing] > 0


async def test_metrics_are_for_operators(serve: Serve, tmp_path: Path) -> None:
    user = ApiKey(name="bob", key=SecretStr("user-key"), role="use")
    who = Authentication(
        KeyFile(Home(tmp_path)), [user, ApiKey(name="ada", key=SecretStr(KEY), role="operate")]
    )
    async with (
        serve(app={"authenticate": who}) as server,
        aiohttp.ClientSession(server.url) as http,
    ):
        for key, status in (("", 401), ("user-key", 403), (KEY, 200)):
            async with http.get("/metrics", headers={"x-api-key": key}) as got:
                assert got.status == status
