"""The commands with --url: a server does the work, and everything else stays the same."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.answers import ChatAnswer
from breeze.contracts.errors import UnavailableError
from breeze.contracts.events import Finish, TextDelta
from breeze.service.access import STRANGER, Principal, Role
from breeze.testing.media import wav
from breeze.testing.scripted import Gate, Script, scripted
from tests.cli.conftest import Done, Shell
from tests.client.conftest import Server, serving

KEY = "brz-canary-77aa"
TIME = re.compile(r"· [0-9.]+ s ")
"""How long an answer took, in the line about it."""
WORK = (
    ("chat", "hello", "--runner", "mock_llm"),
    ("say", "hello", "--runner", "mock_tts", "-o", "hello.wav"),
    ("listen", "speech.wav", "--runner", "mock_asr"),
    ("see", "tower.png", "What is it?", "--runner", "mock_vlm"),
    ("guard", "a friendly word", "--runner", "mock_guardian"),
    ("draw", "a tower", "--runner", "mock_image", "--size", "32x32", "--seed", "1", "-o", "t.png"),
    ("embed", "red", "blue", "--runner", "mock_embedding"),
    ("rerank", "red", "blue", "a red lamp", "--runner", "hashing"),
    ("runners",),
    ("models",),
    ("explain", "llm"),
)  # fmt: skip


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with serving(tmp_path / "server") as running:
        yield running


async def ran(breeze: Shell, *arguments: str, **environ: str) -> Done:
    """The command, while the server goes on."""
    return await asyncio.to_thread(breeze, *arguments, **environ)


@pytest.mark.parametrize("command", WORK, ids=lambda command: command[0])
async def test_a_command_says_the_same(
    command: tuple[str, ...], breeze: Shell, server: Server
) -> None:
    (breeze.folder / "speech.wav").write_bytes(wav(1.0))
    breeze("draw", "a tower", "-o", "tower.png", "--size", "96x64", "--runner", "mock_image")
    here = await ran(breeze, *command)
    there = await ran(breeze, *command, "--url", server.url)
    assert there.code == 0
    assert TIME.sub("", there.err) == TIME.sub("", here.err)
    if command[0] == "runners":  # their states depend on the process they would run in
        assert _first_words(there) == _first_words(here)
    else:
        assert there.text == here.text


def _first_words(done: Done) -> list[str]:
    return [line.split()[0] for line in done.text.splitlines()]


async def test_json_is_one_event_a_line(breeze: Shell, server: Server) -> None:
    asked = ("chat", "hello", "--runner", "mock_llm", "--json")
    *pieces, last = (await ran(breeze, *asked, BREEZE_URL=server.url)).events
    assert isinstance(last, Finish)
    assert isinstance(last.result, ChatAnswer)
    assert "".join(e.text for e in pieces if isinstance(e, TextDelta)) == last.result.text
    assert json.loads((await ran(breeze, "explain", "llm", "--json", "--url", server.url)).text)


async def test_nobody_there(breeze: Shell) -> None:
    done = await ran(breeze, "chat", "hello", "--url", "http://127.0.0.1:1")
    assert done.code == 5
    assert "run `breeze serve`" in done.err
    assert done.err.count("\n") == 1


async def test_the_key_comes_from_the_variable_and_is_never_shown(
    breeze: Shell, tmp_path: Path
) -> None:
    keys = {KEY.encode(): Principal("me", Role.USE)}
    known: dict[str, Any] = {"authenticate": lambda key: keys.get(key, STRANGER)}
    async with serving(tmp_path / "server", app=known) as server:
        asked = ("chat", "hello", "--runner", "mock_llm", "--url", server.url)
        assert (await ran(breeze, *asked, BREEZE_KEY=KEY)).code == 0
        assert (await ran(breeze, *asked, "--key", KEY)).code == 0
        refused = await ran(breeze, *asked, BREEZE_KEY=f"{KEY}x")
        assert refused.code == 5
        assert "breeze keys add" in refused.err
        assert KEY not in refused.err
        helped = await ran(breeze, "chat", "--help", BREEZE_KEY=KEY)
        assert KEY not in helped.text


@pytest.mark.parametrize(
    "options", [("--param", "a=b"), ("--config", "c.json"), ("--list-voices",)], ids=str
)
async def test_options_of_the_engine_are_refused(options: tuple[str, ...], breeze: Shell) -> None:
    (breeze.folder / "c.json").write_text("{}")
    done = await ran(breeze, "say", "hello", *options, "--url", "http://127.0.0.1:1")
    assert done.code == 2
    assert options[0] in done.err
    assert "BREEZE_URL" in done.err


async def test_ctrl_c_stops_the_work_at_the_server(breeze: Shell, tmp_path: Path) -> None:
    gate = Gate()
    script = Script([TextDelta("a"), gate, Finish()])
    async with serving(tmp_path / "server", runners=[scripted("slow", script)]) as server:
        asked = ("chat", "hello", "--runner", "slow", "--url", server.url)
        command = await asyncio.to_thread(breeze.start, *asked, stdout=-3, stderr=-3)
        await gate.started.wait()
        command.send_signal(signal.SIGINT)
        async with asyncio.timeout(5):
            await script.calls[0].over.wait()
        assert script.calls[0].closed
        assert await asyncio.to_thread(command.wait) == 130


async def test_runners_shows_who_rests_and_why(breeze: Shell, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"version": "2.0", "globalSettings": {"circuit": {"failures": 1}}}')
    off = scripted("off", Script([UnavailableError("the plug is out", retryable=False)]))
    async with serving(tmp_path / "server", runners=[off], config=config) as server:
        await ran(breeze, "chat", "Hi", "--runner", "off", "--strict", "--url", server.url)
        shown = (await ran(breeze, "runners", "chat", "--url", server.url)).text
        order = await ran(breeze, "explain", "chat", "--runner", "off", "--url", server.url)
    (row,) = (line for line in shown.splitlines() if line.startswith("off "))
    assert re.search(r"rests (30|29) s", row)
    assert "failed: the plug is out" in " ".join(shown.split())
    assert "rests for" in order.text
