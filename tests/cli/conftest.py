"""Drives the real command in a process of its own, with a home of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from breeze.contracts.errors import ErrorInfo
from breeze.contracts.events import AnyEvent
from breeze.contracts.wire import decode_event

COMMAND = (sys.executable, "-m", "breeze")
FILES = Path(__file__).parent


@dataclass
class Done:
    """How a command ended and what it wrote."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode()

    @property
    def events(self) -> list[AnyEvent | ErrorInfo]:
        """Standard output as events; fails when a line is none."""
        return [decode_event(line) for line in self.out.splitlines()]


@dataclass
class Shell:
    """Runs `breeze` in `folder`; `environ` is what it gets beside the path."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return Path(self.environ["BREEZE_HOME"])

    def __call__(self, *arguments: str, stdin: bytes | str = b"", **environ: str) -> Done:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        done = subprocess.run(
            [*COMMAND, *arguments],
            input=data,
            capture_output=True,
            cwd=self.folder,
            env=self.environ | environ,
            timeout=60,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr.decode())

    def start(self, *arguments: str, **how: object) -> subprocess.Popen[bytes]:
        """A command that goes on while the test does."""
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
            [*COMMAND, *arguments], cwd=self.folder, env=self.environ, **how
        )

    def knows(self, folder: Path) -> None:
        """Make the packages in `folder` importable for the commands to come."""
        before = self.environ.get("PYTHONPATH", "")
        self.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(folder), before)))


def clean_environment(home: Path) -> dict[str, str]:
    """This process's environment without Breeze's own variables and colours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BREEZE_")}
    return kept | {"BREEZE_HOME": str(home), "COLUMNS": "100", "TERM": "xterm", "NO_COLOR": ""}


@pytest.fixture
def breeze(tmp_path: Path) -> Shell:
    """The command, in an empty folder, with nothing configured."""
    folder = tmp_path / "work"
    folder.mkdir()
    return Shell(folder, clean_environment(tmp_path / "home"))


@pytest.fixture
def mocked(breeze: Shell) -> Shell:
    """The command, with a mock selected for every kind of work, so that answers are known."""
    breeze.home.mkdir()
    chosen = ", ".join(f'"{c}": "mock_{c.lower()}"' for c in MOCKED)
    (breeze.home / "settings.json").write_text(f'{{"selectedRunners": {{{chosen}}}}}')
    return breeze


MOCKED = ("LLM", "VLM", "ASR", "TTS", "GUARDIAN", "IMAGE", "EMBEDDING")


@pytest.fixture
def strangers(breeze: Shell, tmp_path: Path) -> Shell:
    """The command, with the runners of `strangers.py` installed as a package of somebody else."""
    site = tmp_path / "site"
    facts = site / "strangers-1.0.dist-info"
    facts.mkdir(parents=True)
    (site / "strangers.py").write_text((FILES / "strangers.py").read_text())
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: strangers\nVersion: 1.0\n")
    points = "\n".join(f"{name} = strangers:{cls}" for name, cls in STRANGERS.items())
    (facts / "entry_points.txt").write_text(f"[breeze.runners]\n{points}\n")
    breeze.knows(site)
    return breeze


STRANGERS = {
    "fragile": "FragileRunner",
    "steady": "SteadyRunner",
    "keyed": "KeyedRunner",
    "strict": "StrictRunner",
}

Configure = Callable[[str], Path]


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    """Writes a configuration file."""

    def write(text: str) -> Path:
        path = tmp_path / "config.json"
        path.write_text(text)
        return path

    return write
