"""A program of this machine at work for one request: its output as it comes, killed at the end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import IO

from breeze.runners._vision_stop import Stop

_PRIVATE = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL|DATABASE|_URL$|_DSN$", re.IGNORECASE)
"""In the name of a variable that is no business of a program that reads what strangers send."""
_READ = 16_384
"""Bytes of output read at once; fewer are handed on as soon as they are there."""
_TAIL = 2_000
"""Bytes of complaints that are kept."""
_LEAVE = 1.0
"""Seconds after which a pipe that somebody else holds open is left alone."""


class ProgramFailed(Exception):
    """A program ended with an error, or could not be started; the text is what it said."""


class Running:
    """A program that has been started. Its output can be read once."""

    def __init__(
        self, process: subprocess.Popen[bytes], said: list[bytes], ear: threading.Thread
    ) -> None:
        self._process, self._said, self._ear = process, said, ear

    def pieces(self) -> Iterator[bytes]:
        """The output as it comes. Raises ProgramFailed when the program ends with an error."""
        out = self._process.stdout
        assert out is not None
        while piece := os.read(out.fileno(), _READ):
            yield piece
        if code := self._process.wait():
            self._ear.join(_LEAVE)  # its last words may still be on their way
            words = b"".join(self._said).decode(errors="replace").strip()
            raise ProgramFailed(words or f"it ended with the status {code}")


@contextmanager
def running(
    command: Sequence[str],
    given: bytes,
    gone: Callable[[], bool],
    env: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """`command` at work on `given` (its standard input) while the block runs, and no longer.

    It is killed as soon as `gone()`, which is asked from another thread. Raises ProgramFailed.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - a list, found on the PATH, never through a shell
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={k: v for k, v in os.environ.items() if not _PRIVATE.search(k)} | dict(env or {}),
            start_new_session=True,  # with all that it starts itself, it can be killed together
        )
    except (OSError, ValueError) as error:
        raise ProgramFailed(str(error)) from error
    said: list[bytes] = []
    helpers = [
        threading.Thread(target=_give, args=(process.stdin, given), daemon=True),
        threading.Thread(target=_hear, args=(process.stderr, said), daemon=True),
    ]
    for helper in helpers:
        helper.start()
    try:
        with Stop(gone).halting(lambda: _kill(process)):
            yield Running(process, said, helpers[1])
    finally:
        _kill(process)
        process.wait()
        for helper in helpers:
            helper.join(_LEAVE)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


def output(
    command: Sequence[str],
    given: bytes,
    gone: Callable[[], bool],
    env: Mapping[str, str] | None = None,
) -> bytes:
    """All that `command` puts out. Raises ProgramFailed."""
    with running(command, given, gone, env) as program:
        return b"".join(program.pieces())


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the program, and what it started."""
    if process.poll() is not None:
        return
    if (group := getattr(os, "killpg", None)) is None:
        process.kill()
        return
    with suppress(ProcessLookupError):
        group(process.pid, signal.SIGKILL)


def _give(pipe: IO[bytes] | None, data: bytes) -> None:
    """A program may end without having read all that it was given."""
    if pipe is not None:
        with suppress(OSError, ValueError):
            pipe.write(data)
        with suppress(OSError):
            pipe.close()


def _hear(pipe: IO[bytes] | None, said: list[bytes]) -> None:
    size = 0
    while pipe is not None and (piece := os.read(pipe.fileno(), _READ)):
        if size < _TAIL:
            said.append(piece[: _TAIL - size])
            size += len(piece)
