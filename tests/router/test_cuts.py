"""Connections that break: what the client notices of it, and what the server does."""

from __future__ import annotations

from pathlib import Path

import pytest

from breeze.client.router import RouterClient
from breeze.contracts.errors import UnavailableError
from tests.router.cast import Cast
from tests.router.serving import Served, message


@pytest.mark.parametrize("binary", [False, True])
async def test_a_cut_in_the_middle_is_not_noticed(binary: bool, served: Served, cast: Cast) -> None:
    async with RouterClient.connect(served.where, binary=binary) as router:
        responses = await router.send_message(message(text="many"))
        heard = []
        async for response in responses:
            heard.append(response)
            if len(heard) in (5, 40, 70):
                served.cut()
        assert len(heard) == 102
        assert heard[-1].text == "".join(r.text for r in heard[:-1])
        assert len(cast.text.calls) == 1


async def test_calls_during_a_cut_are_made_once(served: Served, cast: Cast) -> None:
    async with RouterClient.connect(served.where) as router:
        for number in range(8):
            served.cut()
            responses = await router.send_message(message(f"r{number}"))
            served.cut()
            assert (await responses.last()).text == "Hello"
            served.cut()
            assert await router.has_capability("streaming")
        assert len(cast.text.calls) == 8


async def test_work_goes_on_during_a_cut(served: Served, cast: Cast) -> None:
    async with RouterClient.connect(served.where) as router:
        responses = await router.send_message(message(text="wait"))
        await cast.gate.started.wait()
        served.cut()
        cast.gate.release.set()
        assert (await responses.last()).text == "Hello"


async def test_without_resume_a_cut_ends_everything_clearly(served: Served, cast: Cast) -> None:
    async with RouterClient.connect(served.where, resume_seconds=0) as router:
        responses = await router.send_message(message(text="wait"))
        await cast.gate.started.wait()
        served.cut()
        last = await responses.last()
        assert (last.state, last.is_complete) == ("ERROR", True)
        assert (last.metadata["error_code"], last.metadata["detail"]) == ("E501", "cut")
        assert "send again" in (last.error or "")
        with pytest.raises(UnavailableError, match="was lost"):
            await router.get_api_version()
        await cast.text.calls[0].over.wait()
        assert cast.text.calls[0].closed


async def test_a_session_that_is_gone_is_said(served: Served, cast: Cast) -> None:
    async with RouterClient.connect(served.where) as router:
        responses = await router.send_message(message(text="wait"))
        await cast.gate.started.wait()
        await served.service.lines.close()  # as after a restart of the server
        served.cut()
        last = await responses.last()
        assert (last.metadata["error_code"], last.state) == ("E501", "ERROR")
        assert "no such session" in (last.error or "")


async def test_leaving_stops_what_runs(served: Served, cast: Cast) -> None:
    async with RouterClient.connect(served.where) as router:
        responses = await router.send_message(message(text="wait"))
        await cast.gate.started.wait()
    await cast.text.calls[0].over.wait()
    assert cast.text.calls[0].closed
    assert (await responses.last()).metadata["error_code"] == "E302"


async def test_nobody_is_there(tmp_path: Path) -> None:
    for where in ("ws://127.0.0.1:9", str(tmp_path / "no.sock"), f"unix:{tmp_path}/no.sock"):
        with pytest.raises(UnavailableError, match="Cannot reach"):
            async with RouterClient.connect(where):
                raise AssertionError("it connected")
