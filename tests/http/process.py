"""The real command `breeze serve`, in a process of its own."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FILES = Path(__file__).parent
LIMIT = 30.0
"""Seconds after which a test gives up."""


@dataclass
class Room:
    """A folder with a home in it; `breeze` commands run there."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("BREEZE_")}
        self.environ = {**kept, "BREEZE_HOME": str(self.home), "NO_COLOR": "1", **self.environ}

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def configure(self, **server: Any) -> None:
        """Write the home's configuration, with `server` as its section of that name."""
        self.home.mkdir(exist_ok=True)
        config = {"globalSettings": {"server": server}}
        (self.home / "config.json").write_text(json.dumps(config))

    def prefer(self, **runners: str) -> None:
        """Save a selection: capability to runner."""
        self.home.mkdir(exist_ok=True)
        (self.home / "settings.json").write_text(json.dumps({"selectedRunners": runners}))

    def install_patient(self) -> None:
        """Make the patient runner known, as a package that somebody installed."""
        self.install(FILES / "patient.py", "PatientRunner")

    def install(self, file: Path, runner: str) -> None:
        """Make the class `runner` in `file` known under the file's name, as a package would."""
        name, site = file.stem, self.folder / "site"
        facts = site / f"{name}-1.0.dist-info"
        facts.mkdir(parents=True)
        (site / file.name).write_text(file.read_text())
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        points = f"[breeze.runners]\n{name} = {name}:{runner}\n"
        (facts / "entry_points.txt").write_text(points)
        before = self.environ.get("PYTHONPATH", "")
        self.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(site), before)))

    def breeze(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "breeze", *arguments],
            cwd=self.folder, env=self.environ, capture_output=True, text=True, timeout=LIMIT,
            check=False,
        )  # fmt: skip

    @contextmanager
    def serving(self, *options: str) -> Iterator[Served]:
        """`breeze serve` on a free port, until the block ends."""
        where = () if "--uds" in options or "--port" in options else ("--port", "0")
        process = subprocess.Popen(
            [sys.executable, "-m", "breeze", "serve", *where, *options],
            cwd=self.folder, env=self.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        served = Served(process)
        try:
            served.wait_for("Breeze is ready")
            yield served
        finally:
            process.kill()
            served.end()


class Served:
    """A server that runs. `said` is what it has written on standard error so far."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.said = ""
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._news:
                self.said += line.decode()
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def wait_for(self, text: str) -> None:
        """Until it has said `text`."""
        with self._news:
            self._news.wait_for(
                lambda: text in self.said or not self._reader.is_alive(), timeout=LIMIT
            )
        assert text in self.said, self.said

    @property
    def place(self) -> str:
        """What it says that it listens on."""
        found = re.search(r"ready on (\S+)", self.said)
        assert found
        return found[1]

    def connect(self, **how: Any) -> http.client.HTTPConnection:
        """A connection to it."""
        scheme, _, rest = self.place.partition(":")
        if scheme == "unix":
            return UnixConnection(rest)
        host, port = rest.removeprefix("//").rsplit(":", 1)
        kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
        return kind(host.strip("[]"), int(port), timeout=LIMIT, **how)

    def ask(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the answer."""
        connection = self.connect()
        try:
            data = None if body is None else json.dumps(body).encode()
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, data, names)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def refuses(self) -> bool:
        """Whether, within a while, nobody is let in any more."""
        until = time.monotonic() + LIMIT
        while time.monotonic() < until:
            connection = self.connect()
            try:
                connection.connect()
            except OSError:
                return True
            finally:
                connection.close()
            time.sleep(0.01)  # another process closes its door
        return False

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def end(self) -> int:
        """Wait until it has ended; its exit code."""
        code = self.process.wait(LIMIT)
        self._reader.join(LIMIT)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        return code


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=LIMIT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(LIMIT)
        self.sock.connect(self._path)


def wait_until(there: Path) -> None:
    """Until a file is there."""
    until = time.monotonic() + LIMIT
    while not there.exists():
        assert time.monotonic() < until, f"{there} never came"
        time.sleep(0.005)  # another process writes it
