"""The command `curl`."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import pytest

from tests.clients.conftest import Service, environ, furnish


class Answer(NamedTuple):
    """What came back. `headers` by lower-case name."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """The data of the server-sent events, without the last one when it is `[DONE]`."""
        assert self.headers["content-type"].startswith("text/event-stream")
        lines = self.body.decode().splitlines()
        data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
        return [json.loads(text) for text in data if text != "[DONE]"]

    @property
    def lines(self) -> list[Any]:
        """The lines of NDJSON."""
        assert self.headers["content-type"] == "application/x-ndjson"
        return [json.loads(line) for line in self.body.splitlines()]


class Curl:
    """`curl` in a folder of its own, with the key of a user or of an operator."""

    def __init__(self, service: Service, folder: Path) -> None:
        self.service = service
        self.folder = folder
        self.environ = environ(service, folder)
        command = shutil.which("curl")
        if command is None:
            pytest.fail("curl is missing. Debian, Ubuntu: apt install curl", pytrace=False)
        self._command = command

    def ask(self, path: str, *options: str, key: str | None = None, body: Any = None) -> Answer:
        """The answer; `body` is sent as JSON."""
        heads = self.folder / "heads.txt"
        line = [*self._line(path, *options, key=key, body=body), "--dump-header", str(heads)]
        done = subprocess.run(
            line, cwd=self.folder, env=self.environ, capture_output=True, timeout=90, check=False
        )
        assert done.returncode == 0, done.stderr
        head = heads.read_bytes().decode().strip().split("\r\n\r\n")[-1]  # after a 100 Continue
        status, *fields = head.split("\r\n")
        pairs = (field.split(": ", 1) for field in fields)
        return Answer(int(status.split()[1]), {k.lower(): v for k, v in pairs}, done.stdout)

    @contextmanager
    def reading(self, path: str, *options: str, body: Any) -> Iterator[IO[bytes]]:
        """The answer while it arrives; curl is stopped at the end of the block."""
        line = self._line(path, "--no-buffer", *options, body=body)
        with subprocess.Popen(
            line, cwd=self.folder, env=self.environ, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            try:
                yield process.stdout
            finally:
                process.kill()

    def _line(
        self, path: str, *options: str, key: str | None = None, body: Any = None
    ) -> list[str]:
        key = self.service.use if key is None else key
        line = [self._command, "--silent", "--show-error", "--max-time", "60"]
        line += ["--header", f"Authorization: Bearer {key}"] if key else []
        if body is not None:
            line += ["--header", "Content-Type: application/json", "--data", json.dumps(body)]
        return [*line, *options, f"{self.service.url}{path}"]


@pytest.fixture(scope="module")
def curl(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Curl:
    folder = tmp_path_factory.mktemp("curl")
    furnish(folder)
    return Curl(service, folder)
