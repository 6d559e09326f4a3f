"""What is measured: how a server is started, how it is asked, and when it gave a good answer."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from harness.process import Process

FIRST_ANSWER_WITHIN = 120.0
CHAT = "/v1/chat/completions"
_PROMPT = "hello " * 40


@dataclass(frozen=True)
class Target:
    """A server to measure. Without a command it runs already (the mock itself)."""

    name: str
    port: int
    """0 when the server chooses; then it writes its address into `address_file`."""
    command: tuple[str, ...] = ()
    path: str = CHAT
    model: str = "{}"
    """How this server calls a model of the upstream."""
    key: str = "sk-bench"
    environ: Mapping[str, str] = field(default_factory=dict)
    address_file: Path | None = None
    guarded: bool = False
    """It must refuse those without the key: what is measured includes looking for it."""


@dataclass
class Server:
    """A target that runs."""

    target: Target
    folder: Path
    process: Process | None = None
    """None for the mock, which is a tool and not measured."""

    @cached_property
    def port(self) -> int:
        if self.target.address_file is None:
            return self.target.port
        return urlsplit(self.target.address_file.read_text().strip()).port or 0

    def request(self, model: str, *, stream: bool) -> Path:
        """A file with a chat request as it goes over the wire."""
        named = self.target.model.format(model)
        messages = [
            {"role": "system", "content": "You are a helpful assistant."},
            {"role": "user", "content": _PROMPT},
        ]
        chat = {"model": named, "messages": messages, "temperature": 0.7, "max_tokens": 200}
        body = json.dumps(chat | ({"stream": True} if stream else {}), separators=(",", ":"))
        head = (
            f"POST {self.target.path} HTTP/1.1\r\nhost: 127.0.0.1:{self.port}\r\n"
            f"authorization: Bearer {self.target.key}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        file = self.folder / f"{self.target.name}-{model}-{'stream' if stream else 'plain'}.http"
        file.touch(mode=0o600)
        file.write_bytes((head + body).encode())
        return file

    def pause(self) -> None:
        if self.process:
            self.process.pause()

    def resume(self) -> None:
        if self.process:
            self.process.resume()

    def stop(self) -> None:
        if self.process:
            self.process.stop()


def start(target: Target, folder: Path, core: int | None) -> tuple[Server, float]:
    """Starts a target; the server and the seconds until its first good answer."""
    if not target.command:
        return Server(target, folder), 0.0
    if target.address_file:
        target.address_file.unlink(missing_ok=True)
    log = folder / f"{target.name}.log"
    begun = time.monotonic()
    process = Process(target.command, folder=folder, log=log, core=core, environ=target.environ)
    server = Server(target, folder, process)
    try:
        _until_good(server, process)
        taken = time.monotonic() - begun
        if target.guarded and not _ask(server, key="wrong").startswith("401"):
            raise OSError(f"{target.name} answers those without its key")
    except BaseException:
        server.stop()
        raise
    return server, taken


def _until_good(server: Server, process: Process) -> None:
    end, last = time.monotonic() + FIRST_ANSWER_WITHIN, "no connection"
    while time.monotonic() < end and not process.ended:
        try:
            last = _ask(server)
            if not last:
                return
        except (OSError, ValueError, http.client.HTTPException) as fault:
            last = str(fault)  # not listening yet, or no address written yet
        time.sleep(0.01)
    why = "it ended" if process.ended else f"no good answer in {FIRST_ANSWER_WITHIN:.0f} s: {last}"
    raise OSError(f"{server.target.name} does not run ({why}); its log ends:\n{tail(process.log)}")


def _ask(server: Server, key: str = "") -> str:
    """Sends one plain request; what was wrong with the answer, or nothing."""
    _, _, body = server.request("mock", stream=False).read_bytes().partition(b"\r\n\r\n")
    bearer = f"Bearer {key or server.target.key}"
    headers = {"authorization": bearer, "content-type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request("POST", server.target.path, body, headers)
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
    finally:
        connection.close()
    return "" if answer.status == 200 and "~" in text else f"{answer.status} {text[:300]}"


def tail(log: Path, lines: int = 8) -> str:
    """The last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
