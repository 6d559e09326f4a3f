"""A terminal for a command: what it shows is read as it comes."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import termios
from types import TracebackType
from typing import Self

from tests.cli.conftest import Shell


class Terminal:
    """Runs a command on a terminal of 100 columns and keeps all that it showed."""

    def __init__(self, shell: Shell, *arguments: str) -> None:
        self._screen, inside = os.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.process = shell.start(*arguments, stdin=inside, stdout=inside, stderr=inside)
        os.close(inside)
        self.shown = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._screen)

    def until(self, text: str) -> None:
        """Wait until `text` is shown."""
        while text not in self.shown:
            assert self._read(), f"{text!r} was never shown: {self.shown!r}"

    def end(self) -> int:
        """Wait for the command's end. Its exit code."""
        while self._read():
            pass
        return self.process.wait(timeout=60)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._screen], [], [], 60)
        assert ready, f"nothing more in 60 s: {self.shown!r}"
        try:
            data = os.read(self._screen, 65536)
        except OSError:  # how Linux says that the other side is closed
            return False
        self.shown += data.decode(errors="replace")
        return bool(data)


def run(shell: Shell, *arguments: str) -> tuple[int, str]:
    """The exit code and everything that the command showed."""
    with Terminal(shell, *arguments) as terminal:
        return terminal.end(), terminal.shown
