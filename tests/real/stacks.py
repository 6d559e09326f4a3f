"""Real Llama Stack and OGX servers, each before a `breeze serve` that has the models."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.http.process import Room
from tests.real.environments import HERE, environment, word_pieces

READY = 120.0
"""Seconds in which a server has to be ready."""
STARTS = {
    "ogx-1.5": ("ogx", "run", "{config}", "--port", "{port}", "--insecure"),
    "llama-stack-0.7": ("llama", "stack", "run", "{config}", "--port", "{port}"),
    "llama-stack-0.2": (
        "python", "-m", "llama_stack.distribution.server.server", "--config", "{config}",
        "--port", "{port}",
    ),
}  # fmt: skip
"""How each is started. Its configuration is the file of that name."""
MODELS = "[breeze.runners]\nreading = reading:ReadingRunner\njudging = reading:JudgingRunner\n"


class Stack(NamedTuple):
    """A server that is running."""

    name: str
    url: str


@contextmanager
def back_end(folder: Path) -> Iterator[str]:
    """`breeze serve` with the models that the stacks need; its address."""
    room = Room(folder)
    facts = folder / "site" / "reading-1.0.dist-info"
    facts.mkdir(parents=True)
    room.home.mkdir()
    (facts.parent / "reading.py").write_text((HERE / "reading.py").read_text())
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: reading\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(MODELS)
    before = room.environ.get("PYTHONPATH", "")
    room.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(facts.parent), before)))
    with room.serving() as served:
        yield f"{served.place}/v1"


@contextmanager
def stack(name: str, folder: Path) -> Iterator[Stack]:
    """The server of that name with an empty state, on a free port, until the block ends."""
    commands, pieces = environment(name), word_pieces()
    state = folder / "state"
    state.mkdir()
    (folder / "breeze").mkdir()
    with back_end(folder / "breeze") as behind, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "OPENAI_"))},
            "HOME": str(state),
            "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
            "STATE_DIR": str(state),
            "BACK_END": behind,
            "TIKTOKEN_CACHE_DIR": str(pieces),
            "NO_PROXY": "127.0.0.1",
        }
        facts = {"config": str(HERE / f"{name}.yaml"), "port": str(port)}
        first, *rest = (part.format(**facts) for part in STARTS[name])
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [commands / first, *rest], env=environ, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
            try:
                _wait(process, f"http://127.0.0.1:{port}/v1/health", folder / "log")
                yield Stack(name, f"http://127.0.0.1:{port}")
            finally:
                _end(process)


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + READY
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"The server did not start:\n{log.read_text(errors='replace')[-4000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """The server and its workers."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
