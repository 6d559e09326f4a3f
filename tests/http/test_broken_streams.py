"""Streams that never begin, or break in a way that nobody expected."""

from __future__ import annotations

import json
import logging

import pytest

from breeze.contracts.events import Finish, TextDelta
from breeze.contracts.requests import ChatRequest
from breeze.contracts.wire import encode
from breeze.surfaces.http.call import Call
from breeze.surfaces.http.reply import Answer
from breeze.testing.scripted import Gate, Script, scripted
from tests.http.conftest import Serve
from tests.http.leavers import asked, asking, until
from tests.http.raw import ask, request


async def test_asking_only_for_the_head_of_a_stream_does_not_keep_it_alive(serve: Serve) -> None:
    gate = Gate()
    script = Script([TextDelta("Hel"), gate, Finish()])
    async with serve(runners=[scripted("slow", script)]) as server:
        body = encode(ChatRequest.of("Hello", runner="slow"))
        wire = await asked(server.url, request("POST", "/v2/stream/llm", body, x_breeze_resume="1"))
        await gate.started.wait()
        (id,) = server.engine.live
        head = await ask(server.url, request("HEAD", f"/v2/requests/{id}/events"), head_only=True)
        assert head.status == 200
        await wire.close()
        await until(lambda: server.engine.live == ())
        assert script.closes == 1


async def test_what_nobody_expected_amid_a_stream_is_told_to_the_log(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    codes: list[tuple[int, str]] = []

    def record(call: Call, answer: Answer, seconds: float) -> None:
        codes.append((answer.status, call.code))

    script = Script([TextDelta("no text: "), TextDelta("\ud800"), Finish()])
    async with serve(runners=[scripted("odd", script)], app={"record": record}) as server:
        wire = await asked(server.url, asking("odd", stream=True))
        with pytest.raises(EOFError):
            await wire.answer()
        await wire.close()
        numbers = await ask(server.url, request("GET", "/metrics"))
    assert codes[0] == (200, "E101")
    assert b'breeze_errors_total{code="E101"} 1' in numbers.body
    (line,) = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert line.name == "breeze.server"
    assert line.exc_info is not None
    assert json.dumps(line.getMessage()).startswith('"POST /v1/chat/completions failed (')
