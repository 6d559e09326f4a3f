"""A chat with the patient runner over a real connection."""

from __future__ import annotations

import json
from pathlib import Path

from tests.http.process import Served, wait_until


class Asked:
    """A chat that is under way, and ends when `finish` says so. `id` is that of the request."""

    def __init__(self, served: Served, sign: Path, *, stream: bool = True, key: str = "") -> None:
        self.sign = sign
        self.connection = served.connect()
        body = {
            "model": "patient",
            "stream": stream,
            "messages": [{"role": "user", "content": str(sign)}],
        }
        headers = {"x-api-key": key} if key else {}
        self.connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        wait_until(sign.with_suffix(".begun"))

    def finish(self) -> None:
        """Let the runner answer."""
        self.sign.touch()

    def begun(self) -> str:
        """The id of the request, once the answer has begun to come."""
        self._response = self.connection.getresponse()
        return self._response.headers["x-request-id"]

    def rest(self) -> str:
        """The body of an answer that has begun; fails when it is cut."""
        text = self._response.read().decode()
        self.connection.close()
        return text

    def answer(self) -> tuple[int, str]:
        """Status and body; fails when the body is cut."""
        self._response = self.connection.getresponse()
        return self._response.status, self.rest()
