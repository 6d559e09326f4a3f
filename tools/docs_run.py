"""Runs the commands that the documents show, as a reader would, in a folder of their own.

usage: python tools/docs_run.py [DOCUMENT...]      (default: README.md and docs/**/*.md)

A block marked `console` is a session: lines that begin with `$ ` (and lines that continue them
with `> `) run in bash, one shell for the block, and must succeed. The other lines are what a
person sees: each must be part of a line of the real output, in that order; a line `...` stands for
anything. A block marked `python` or `json` whose first line is a comment with a file's name is
written to that file first. Blocks of one document share a folder, and what a block leaves running
in the background, such as a server, runs until the document ends.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
LIMIT = 300
"""Seconds for one block."""
FENCE = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"(?:#|//) ([\w.-]+\.\w+)$")
END = "\x1e"  # ends the output of one command; no program prints it


@dataclass
class Command:
    """One command of a session, and the lines that the document shows below it."""

    text: str
    shown: list[str] = field(default_factory=list)


def commands(block: str) -> list[Command]:
    """The commands of a console block."""
    found: list[Command] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append(Command(line[2:]))
        elif line.startswith("> ") and found and not found[-1].shown:
            found[-1].text += "\n" + line[2:]
        elif found:
            found[-1].shown.append(line)
    return found


def surroundings(room: Path) -> dict[str, str]:
    """A reader's environment: our commands, a home of its own, plain and narrow output."""
    one_thread = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("BREEZE_")},
        **dict.fromkeys(one_thread, "1"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "BREEZE_HOME": str(room / ".home"),
        "NO_COLOR": "1",
        "COLUMNS": "100",
        "TERM": "dumb",
    }


def run(session: list[Command], room: Path, left: list[int]) -> Iterator[str]:
    """Run a block; what went wrong, one text each. What it leaves running is added to `left`."""
    try:
        output = said_by(session, room, left)
    except subprocess.TimeoutExpired:
        yield f"$ {session[0].text}\nnot done after {LIMIT} seconds"
        return
    pieces = output.split(END)
    for command, said, status in zip(session, pieces[0::2], pieces[1::2], strict=False):
        if status != "0":
            yield f"$ {command.text}\nexit {status}\n{said}"
        elif (missing := first_missing(command.shown, said)) is not None:
            yield f"$ {command.text}\nshows no line {missing!r}; it says\n{said}"
    if len(pieces) // 2 < len(session):
        yield f"the shell ended early\n{pieces[-1]}"


def said_by(session: list[Command], room: Path, left: list[int]) -> str:
    """The output of one shell that runs all commands, each followed by its status."""
    script = "".join(f"{command.text}\nprintf '{END}%s{END}\\n' $?\n" for command in session)
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        shell = subprocess.Popen(
            ["bash", "-c", script],
            cwd=room, env=surroundings(room), stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            shell.wait(LIMIT)
        except BaseException:
            end_group(shell.pid, shell)
            raise
        if is_alive(shell.pid):
            left.append(shell.pid)
        output.seek(0)
        return output.read()


def is_alive(group: int) -> bool:
    """Whether any process of the group is left."""
    with suppress(ProcessLookupError):
        os.killpg(group, 0)
        return True
    return False


def end_group(group: int, shell: subprocess.Popen[bytes] | None = None) -> None:
    """End a block's processes and wait for their end. `shell` leads them, while it is one."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGTERM)
        for _ in range(100):
            if shell is not None:
                shell.poll()  # or it stays among them, dead
            os.killpg(group, 0)
            time.sleep(0.1)
        os.killpg(group, signal.SIGKILL)


def first_missing(shown: list[str], said: str) -> str | None:
    """The first shown line that is not in what was said, after those before it."""
    lines = iter(said.splitlines())
    for wanted in (line.strip() for line in shown):
        if wanted not in ("", "...") and not any(wanted in line for line in lines):
            return wanted
    return None


def check(document: Path) -> int:
    """Run one document; the number of blocks that failed."""
    failed = 0
    left: list[int] = []
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder)
        try:
            for language, block in FENCE.findall(document.read_text(encoding="utf-8")):
                if language == "console":
                    for problem in run(commands(block), room, left):
                        failed += 1
                        print(f"{document.name}: {problem}", file=sys.stderr)
                elif named := FILE.match(block.split("\n", 1)[0]):
                    (room / named[1]).write_text(block, encoding="utf-8")
        finally:
            for group in left:
                end_group(group)
    return failed


def main(arguments: list[str]) -> int:
    chosen = [Path(a) for a in arguments] or [
        ROOT / "README.md",
        *sorted((ROOT / "docs").rglob("*.md")),
    ]
    failed = sum(check(document) for document in chosen)
    print(f"{len(chosen)} documents, {failed} problems")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
