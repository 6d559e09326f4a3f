"""Small programs that tests put on a PATH of their own, in the place of the machine's."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

TONE = """
import sys, struct, json, os
args = sys.argv[1:]
if "--voices" in args:
    print("Pty Language Age/Gender VoiceName File")
    print(" 5  en-us --/M English gmw/en-US")
    print(" 5  de --/M German gmw/de")
    sys.exit()
if args[:2] == ["-v", "?"]:
    print("Alex                en_US    # Hello, I am Alex")
    print("Anna (Enhanced)     de_DE    # Hallo")
    sys.exit()
text = sys.stdin.buffer.read()
with open(os.path.join(os.path.dirname(sys.argv[0]), "asked"), "a") as log:
    log.write(json.dumps([args, text.decode()]) + "\\n")
pcm = struct.pack("<h", 1000) * 160 * len(text)
head = b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16000,
    32000, 2, 16) + b"data" + struct.pack("<I", 0x7FFFF000)
out = open(args[args.index("-o") + 1], "wb") if "-o" in args else sys.stdout.buffer
out.write(head + pcm)
"""
"""Speaks a tone of 20 ms for each letter, as espeak-ng or say would, and notes what was asked."""


def program(folder: Path, name: str, code: str) -> Path:
    """A real program called `name`: Python code in a file that can be run."""
    file = folder / name
    file.write_text(f"#!{sys.executable} -I\n{code}")
    file.chmod(0o755)
    return file


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder
