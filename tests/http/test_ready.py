"""/ready: whether anybody can work, who, and why others cannot."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from breeze.config import parse_config
from tests.http.accounts import KEY, keys
from tests.http.conftest import Serve


@pytest.mark.parametrize("path", ["/ready", "/readyz"])
async def test_ready_says_who_can_work_and_why_others_cannot(serve: Serve, path: str) -> None:
    config = parse_config(
        {
            "capabilities": {
                "LLM": {
                    "runners": {
                        "answers": {"class": "mock_llm", "type": "LOCAL"},
                        "broken": {"class": "nobody"},
                    }
                }
            }
        }
    ).config
    async with serve(config=config) as server, aiohttp.ClientSession(server.url) as http:
        async with http.get(path) as got:
            assert got.status == 200
            found = await got.json()
        assert found["status"] == "ready"
        assert found["capabilities"]["LLM"]["ready"][0] == "answers"
        reasons = {r["name"]: r["reason"] for r in found["capabilities"]["LLM"]["not_ready"]}
        assert "breeze runners" in reasons["broken"]
        assert not any(status.loaded for status in server.engine.runners())


async def test_a_server_that_stops_is_not_ready(serve: Serve) -> None:
    async with serve() as server, aiohttp.ClientSession(server.url) as http:
        server.app.stopping = True
        async with http.get("/ready") as got:
            assert got.status == 503
            assert (await got.json())["status"] == "stopping"


async def test_a_server_nobody_works_for_is_not_ready(serve: Serve) -> None:
    nobody = {"class": "nobody"}
    names = ("LLM", "VLM", "ASR", "TTS", "GUARDIAN", "IMAGE", "EMBEDDING")
    config = parse_config(
        {
            "globalSettings": {"fallbackToMock": False},
            "capabilities": {name: {"runners": {"broken": nobody}} for name in names},
        }
    ).config
    async with serve(config=config) as server, aiohttp.ClientSession(server.url) as http:
        async with http.get("/ready") as got:
            assert got.status == 503
            assert (await got.json())["reason"]


async def test_strangers_learn_only_whether_it_is_ready(serve: Serve, tmp_path: Path) -> None:
    options = {"authenticate": keys(tmp_path)}
    async with serve(app=options) as server, aiohttp.ClientSession(server.url) as http:
        for key, told in (("", False), ("wrong", False), (KEY, True)):
            async with http.get("/ready", headers={"x-api-key": key}) as got:
                assert got.status == 200
                assert ("capabilities" in await got.json()) is told
