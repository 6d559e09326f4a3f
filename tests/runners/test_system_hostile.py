"""Strangers' words and pictures before programs of this machine: what they may not come to."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from breeze.contracts.answers import ChatAnswer
from breeze.contracts.errors import InputError
from breeze.contracts.messages import ImagePart, Message, TextPart
from breeze.contracts.requests import ChatRequest
from breeze.runners.system import SystemParameters, SystemRunner
from tests.runners.pictures import encoded, page
from tests.runners.programs import path as path  # a fixture
from tests.runners.programs import program
from tests.runners.vendor import ready
from tests.runners.whole import whole

NOTES = """
import json, os, sys
sys.stdin.buffer.read()
with open(os.path.join(os.path.dirname(sys.argv[0]), "seen"), "w") as file:
    json.dump(dict(os.environ), file)
"""
"""A reading program that finds nothing and notes what it was told."""


def asked(picture: bytes) -> ChatRequest:
    question = (TextPart("What does it say?"), ImagePart(picture))
    return ChatRequest(messages=(Message("user", question),))


async def test_a_list_of_files_is_no_picture(path: Path) -> None:
    """The reading program takes what it does not know for a list of files, and opens them."""
    program(path, "tesseract", NOTES)
    listed = b"GIF8/" + b"\0" + struct.pack("<HH", 9, 9) + b"\n/etc/hostname\n"
    async with ready(SystemRunner(SystemParameters())) as runner:
        with pytest.raises(InputError, match="neither PNG, JPEG, WebP nor GIF"):
            await whole(runner, asked(listed), ChatAnswer)
    assert not (path / "seen").exists()


async def test_a_program_is_told_no_keys(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = encoded(page(1))
    program(path, "tesseract", NOTES)
    for name in ("A_VENDOR_API_KEY", "HF_TOKEN", "DB_PASSWORD", "DATABASE_URL"):
        monkeypatch.setenv(name, "not-to-be-told")
    monkeypatch.setenv("TESSDATA_PREFIX", "/usual/place")
    async with ready(SystemRunner(SystemParameters())) as runner:
        await whole(runner, asked(picture), ChatAnswer)
    told = json.loads((path / "seen").read_text())
    assert "not-to-be-told" not in told.values()
    assert told["TESSDATA_PREFIX"] == "/usual/place"
