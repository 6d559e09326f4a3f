"""The access log: one line for each request, and nothing in it that is nobody's business."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from pathlib import Path

import aiohttp
import pytest

from breeze.contracts.errors import InputError
from breeze.surfaces.http.access_log import AccessLog
from tests.http.accounts import KEY, HaltingRunner, chat, keys, metrics_of, number
from tests.http.conftest import Serve


async def test_every_request_is_one_line_that_names_no_secret(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "logs" / "access.log"
    file.parent.mkdir()
    log = AccessLog(file)
    options = {"record": log, "authenticate": keys(tmp_path)}
    async with serve(app=options) as server, aiohttp.ClientSession(server.url) as http:
        headers = {"x-api-key": KEY}
        asked = chat("canary-body", stream=True)
        async with http.post("/v1/chat/completions?q=canary", json=asked, headers=headers) as got:
            size, stream_id = len(await got.read()), got.headers["x-request-id"]
        wrong = {"authorization": "Bearer canary-wrong"}
        async with http.post("/v1/chat/completions", json=chat(), headers=wrong) as got:
            refused_id = got.headers["x-request-id"]
        async with http.get("/canary/%0A/%22?x=canary"):
            pass
    log.close()
    text = file.read_text()
    stream, refused, nowhere = map(json.loads, text.splitlines())
    assert stream == {
        "time": stream["time"], "request_id": stream_id, "method": "POST",
        "path": "/v1/chat/completions", "status": 200, "seconds": stream["seconds"],
        "bytes": size, "key": "ada", "runner": "mock_llm", "model": "mock-llm-basic",
        "client": "127.0.0.1", "code": "",
    }  # fmt: skip
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", stream["time"])
    assert 0 < stream["seconds"] < 30
    assert (refused["status"], refused["code"], refused["key"]) == (401, "E401", "")
    assert refused["request_id"] == refused_id
    assert (nowhere["status"], nowhere["path"]) == (404, "/canary/%0A/%22")
    assert "canary-" not in text


async def test_head_has_no_body_to_count(serve: Serve, tmp_path: Path) -> None:
    log = AccessLog(tmp_path / "access.log")
    async with (
        serve(app={"record": log}) as server,
        aiohttp.ClientSession(server.url) as http,
        http.head("/health"),
    ):
        pass
    log.close()
    line = json.loads((tmp_path / "access.log").read_text())
    assert (line["method"], line["status"], line["bytes"]) == ("HEAD", 200, 0)


async def test_a_stream_that_breaks_is_logged_with_its_code(serve: Serve, tmp_path: Path) -> None:
    log = AccessLog(tmp_path / "access.log")
    async with (
        serve(runners=[HaltingRunner], app={"record": log}) as server,
        aiohttp.ClientSession(server.url) as http,
    ):
        asked = chat("break", model="halting", stream=True)
        async with http.post("/v1/chat/completions", json=asked) as got:
            await got.read()
        numbers = await metrics_of(http)
    log.close()
    line = json.loads((tmp_path / "access.log").read_text().splitlines()[0])
    assert (line["status"], line["code"], line["runner"]) == (200, "E101", "halting")
    assert number(numbers, "errors_total", code="E101") == 1


async def test_a_log_that_is_moved_away_is_made_anew(serve: Serve, tmp_path: Path) -> None:
    file, old = tmp_path / "access.log", tmp_path / "access.log.1"
    log = AccessLog(file)
    async with serve(app={"record": log}) as server, aiohttp.ClientSession(server.url) as http:
        async with http.get("/health"):
            pass
        while not file.read_text():  # noqa: ASYNC110  # a file has no event
            await asyncio.sleep(0.01)
        file.rename(old)
        async with http.get("/health"):
            pass
    log.close()
    assert len(old.read_text().splitlines()) == len(file.read_text().splitlines()) == 1


def test_a_log_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--access-log"):
        AccessLog(tmp_path / "nowhere" / "access.log")


def test_closing_the_log_ends_its_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    log = AccessLog(tmp_path / "access.log")
    assert threading.active_count() == before + 1
    log.close()
    assert threading.active_count() == before
