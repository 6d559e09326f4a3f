"""Recordings come from anywhere: a hostile one is an error of its own and spoils no other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from breeze.contracts.errors import ProcessingError
from breeze.contracts.events import TextDelta
from breeze.contracts.recording import counted, key_of, plain
from breeze.contracts.requests import ChatRequest
from breeze.runners._replay_parameters import ReplayParameters
from breeze.runners.replay import ReplayRunner

END = b'{"t":1,"event":{"type":"finish"}}'
NESTED = b'{"a":' * 50_000
HUGE = b"9" * 30


def head(text: str) -> bytes:
    key = key_of(counted(plain(ChatRequest.of(text))), "LLM")
    request = {"messages": [{"role": "user", "content": text}]}
    said = {"recording": 1, "at": 1.0, "capability": "LLM", "key": key, "request": request}
    return json.dumps(said).encode()


def blob(place: bytes) -> bytes:
    return b'{"t":1,"event":{"type":"text","text":{"$blob":' + place + b"}}}"


def written(folder: Path, name: str, *lines: bytes) -> None:
    (folder / f"{name}.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    (folder / f"{name}.bin").write_bytes(b"abc")


@pytest.mark.parametrize(
    "line",
    [
        b'{"t":1,"event":' + NESTED,
        b'{"t":1,"event":{"type":"text","text":' + b"[" * 900 + b"]" * 900 + b"}}",
        b'{"t":1,"event":{"type":"text","text":"\xff"}}',
        b'{"t":1,"event":{"type":"nobody"}}',
        *map(blob, (b"5", b"[]", b'["a","b","c"]', b'[0,-1,"x"]', b'[-5,3,"x"]', b'[0,4,"x"]',
                    b'[0,100000000000,"x"]', b'[0,%b,"x"]' % HUGE, b'[%b,1,"x"]' % HUGE)),
    ],
)  # fmt: skip
async def test_a_broken_line_is_said(tmp_path: Path, line: bytes) -> None:
    written(tmp_path, "bad", head("Hello"), line, END)
    runner = ReplayRunner(ReplayParameters(folder=tmp_path))
    await runner.load("")
    with pytest.raises(ProcessingError, match="Record it again"):
        await anext(runner.stream(ChatRequest.of("Hello")))
    await runner.unload()


@pytest.mark.parametrize(
    "lines",
    [
        (b'{"recording":1,"at":1,"capability":"LLM","key":"","request":' + NESTED,),
        (head("Another"), b'{"t":1,"event":' + NESTED),
        (b'{"recording":1,"at":1,"capability":"ASR","key":"","request":{}}',
         b'{"t":1,"audio":{"$blob":[0,100000000000,"x"]}}', END),
        (b"\xff\xfe",),
    ],
)  # fmt: skip
async def test_it_spoils_no_other(tmp_path: Path, lines: tuple[bytes, ...]) -> None:
    written(tmp_path, "bad", *lines)
    written(tmp_path, "good", head("Hello"), b'{"t":0,"event":{"type":"text","text":"hi"}}', END)
    runner = ReplayRunner(ReplayParameters(folder=tmp_path))
    await runner.load("")
    assert await anext(runner.stream(ChatRequest.of("Hello"))) == TextDelta("hi")
    await runner.unload()
