"""A worker is killed again and again while many read from it; the server and all others go on."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.http.process import LIMIT, Room, Served

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")
BRITTLE = Path(__file__).parents[1] / "engine" / "brittle.py"
CALLERS = 20


@pytest.fixture
def room(tmp_path: Path) -> Room:
    room = Room(tmp_path)
    room.install(BRITTLE, "BrittleRunner")
    room.home.mkdir()
    config = {"globalSettings": {"circuit": {"failures": 1000}}}
    (room.home / "config.json").write_text(json.dumps(config))
    return room


def body(model: str, text: str, *, stream: bool) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], "stream": stream}


class Reader:
    """One caller of a stream: its parts as they come."""

    def __init__(self, served: Served) -> None:
        self._connection = served.connect()
        data = json.dumps(body("brittle", "slow 1000000", stream=True)).encode()
        headers = {"content-type": "application/json"}
        self._connection.request("POST", "/v1/chat/completions", data, headers)
        self._answer = self._connection.getresponse()
        assert self._answer.status == 200
        self._parts = self._lines()

    def _lines(self) -> Iterator[str]:
        for line in self._answer:
            if line.startswith(b"data: "):
                yield line[6:].decode().strip()

    def pid(self) -> int:
        """The worker, by the first piece of its answer."""
        while True:
            delta = json.loads(next(self._parts))["choices"][0]["delta"]
            if text := delta.get("content"):
                return int(text)

    def rest(self) -> list[str]:
        """All that comes until the end."""
        with closing(self._connection):
            return list(self._parts)


def one_error(parts: list[str]) -> str:
    """What the only error in them says, which is their end."""
    errors = [json.loads(part)["error"] for part in parts if '"error"' in part]
    assert len(errors) == 1
    assert '"error"' in parts[-1]
    assert "[DONE]" not in parts
    message: str = errors[0]["message"]
    return message


class Bystander:
    """Asks another runner all the time, and counts what went well and what did not."""

    def __init__(self, served: Served) -> None:
        self.good, self.bad, self.longest = 0, list[bytes](), 0.0
        self._served, self._stopped = served, threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def _ask(self) -> None:
        while not self._stopped.wait(0.02):
            start = time.monotonic()
            asked = body("mock_llm", "Hello", stream=False)
            status, _, said = self._served.ask("POST", "/v1/chat/completions", asked)
            self.longest = max(self.longest, time.monotonic() - start)
            if status == 200 and b"Hello" in said:
                self.good += 1
            else:
                self.bad.append(said)

    def end(self) -> None:
        self._stopped.set()
        self._thread.join(LIMIT)


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in listed.split()]


def killed_while_read(served: Served, pool: ThreadPoolExecutor) -> int:
    """Kill the worker while all callers are in the middle of their streams; who it was."""
    readers = list(pool.map(lambda _: Reader(served), range(CALLERS)))
    workers = {reader.pid() for reader in readers}
    assert len(workers) == 1
    worker = workers.pop()
    os.kill(worker, signal.SIGKILL)
    said = list(pool.map(Reader.rest, readers))
    assert all("SIGKILL" in one_error(parts) for parts in said)
    return worker


@pytest.mark.parametrize("times", [3, pytest.param(50, marks=pytest.mark.slow)])
def test_the_server_and_all_others_go_on(room: Room, times: int) -> None:
    with room.serving() as served, ThreadPoolExecutor(CALLERS) as pool:
        bystander = Bystander(served)
        killed = set()
        for _ in range(times):
            killed.add(killed_while_read(served, pool))
            asked = body("brittle", "words 2", stream=False)
            status, _, said = served.ask("POST", "/v1/chat/completions", asked)
            assert status == 200, said
        bystander.end()
        assert len(killed) == times
        assert served.process.poll() is None
        assert len(children(served.process.pid)) == 1  # none that was killed is left
        assert bystander.bad == []
        assert bystander.good >= times
        assert bystander.longest < 5
        served.stop()
        assert served.end() == 0


def test_a_stop_of_the_server_ends_its_workers(room: Room) -> None:
    with room.serving() as served:
        asked = body("brittle", "say pid", stream=False)
        _, _, said = served.ask("POST", "/v1/chat/completions", asked)
        worker = int(json.loads(said)["choices"][0]["message"]["content"])
        assert worker in children(served.process.pid)
        served.stop()
        assert served.end() == 0
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)
