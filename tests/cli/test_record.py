"""`--record` on the answering commands and on `breeze serve`, and what `replay` makes of it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Shell
from tests.http.process import Room


def test_a_chat_is_recorded_and_replayed(breeze: Shell) -> None:
    mock = ("--runner", "mock_llm", "--strict")
    first = breeze("chat", "What is a runner?", *mock, "--record", "tapes", "--json")
    assert first.code == 0, first.err
    (tape,) = (breeze.folder / "tapes").glob("*.jsonl")
    assert json.loads(tape.read_text().splitlines()[0])["capability"] == "LLM"
    replay = ("--runner", "replay", "--strict", "--param", "replay.folder=tapes", "--json")
    again = breeze("chat", "What is a runner?", *replay)
    assert again.code == 0, again.err
    assert again.events[:-1] == first.events[:-1]
    other = breeze("chat", "What is a peer?", *replay)
    assert other.code == 5 or b"never recorded" in other.out
    assert b"What is a runner?" in other.out


def test_a_server_keeps_its_own_recordings(breeze: Shell) -> None:
    done = breeze("chat", "Hi", "--url", "http://127.0.0.1:9", "--record", "tapes")
    assert done.code != 0
    assert "--record" in done.err


def test_a_server_records_what_it_answers(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.home.mkdir()
    tapes = tmp_path / "tapes"
    body = {"model": "mock_llm", "messages": [{"role": "user", "content": "Hello"}]}
    with room.serving("--record", str(tapes)) as served:
        status, _, _ = served.ask("POST", "/v1/chat/completions", body)
    assert status == 200
    (tape,) = tapes.glob("*.jsonl")
    first, *_, last = [json.loads(line) for line in tape.read_text().splitlines()]
    assert first["request"]["messages"] == body["messages"]
    assert last["event"]["type"] == "finish"
    assert last["answer"]["mock"] is True
