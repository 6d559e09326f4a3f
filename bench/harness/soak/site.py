"""The real server with everything switched on, and the upstream behind one of its runners."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.cases import CHUNKS
from harness.native import program
from harness.process import Process, free_port, wait_for_port
from harness.standing import Upstream

STOP_WITHIN = 15.0
LENGTH = 20_000
"""Words of an answer that no socket takes in at once."""


@dataclass
class Site:
    """A server that runs. `key` may use it, `operator` may look into it."""

    folder: Path
    port: int
    key: str
    operator: str
    server: Process
    mock: Process
    upstream: Upstream

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def access_log(self) -> Path:
        return self.folder / "access.jsonl"

    def upstream_sockets(self) -> int:
        """Connections that the upstream has open, idle ones included."""
        return sum(len([*Path(f"/proc/{pid}/fd").iterdir()]) for pid in self.mock.tree())


@contextmanager
def site(folder: Path, workers: int = 1) -> Iterator[Site]:
    """Start both, and stop them when the block ends."""
    home, log = folder / "home", folder / "mock.log"
    home.mkdir()
    upstream = free_port()
    mock = Process([str(program("mock")), str(upstream), str(CHUNKS)], folder=folder, log=log)
    try:
        wait_for_port(upstream, mock)
        _configure(home, upstream)
        use, operate = (_key(home, role) for role in ("use", "operate"))
        server, port = _serve(folder, home, workers)
        try:
            yield Site(folder, port, use, operate, server, mock, Upstream(upstream))
        finally:
            server.stop()
    finally:
        mock.stop()


def _configure(home: Path, upstream: int) -> None:
    """The remote runner, one that takes its time, and one that has much to say."""
    address = {"base_url": f"http://127.0.0.1:{upstream}/v1", "api_key": "sk-soak"}
    up = {"class": "openai", "priority": 10, "modelId": "mock", "parameters": address}
    talker = {"class": "mock_llm", "parameters": {"stream_chunk_delay_ms": 10}}
    poem = " ".join(map(str, range(LENGTH)))
    reciter = {"class": "mock_llm", "parameters": {"predefined_responses": poem}}
    config = {
        "version": "2.0",
        "capabilities": {"LLM": {"runners": {"up": up, "talker": talker, "reciter": reciter}}},
    }
    (home / "config.json").write_text(json.dumps(config, indent=1))


def _key(home: Path, role: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "breeze", "keys", "add", role, "--role", role],
        env={**os.environ, "BREEZE_HOME": str(home)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.split()[-1]


def _serve(folder: Path, home: Path, workers: int) -> tuple[Process, int]:
    port, log = free_port(), folder / "serve.log"
    command = [
        sys.executable, "-m", "breeze", "serve", "--port", str(port),
        "--access-log", str(folder / "access.jsonl"), "--shutdown-limit", "5",
        "--workers", str(workers),
    ]  # fmt: skip
    server = Process(command, folder=folder, log=log, environ={"BREEZE_HOME": str(home)})
    try:
        wait_for_port(port, server, 60)
    except OSError:
        server.stop()
        raise
    return server, port


def scrape(site: Site) -> str:
    """The server's numbers, as Prometheus reads them. Blocks."""
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)
    try:
        connection.request("GET", "/metrics", headers={"x-api-key": site.operator})
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    if answer.status != 200:
        raise OSError(f"/metrics answers {answer.status}: {text[:200]}")
    return text
