"""A stream that is silent for long says that it still lives, and no client takes it for more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from breeze.surfaces.http.reply import NDJSON, SSE, Stream
from breeze.surfaces.http.sending import send_stream


@pytest.mark.parametrize(("type", "sign"), [(SSE, b": \n\n"), (NDJSON, b"\n")])
async def test_a_silent_stream_gives_signs_of_life(type: bytes, sign: bytes) -> None:
    sent: asyncio.Queue[bytes] = asyncio.Queue()
    release = asyncio.Event()

    async def send(message: dict[str, Any]) -> None:
        sent.put_nowait(message.get("body", b""))

    async def pieces() -> AsyncGenerator[bytes]:
        yield b"first"
        await release.wait()
        yield b"last"

    sending = asyncio.create_task(send_stream(send, Stream(pieces(), type), 0.01))
    assert [await sent.get() for _ in range(4)] == [b"", b"first", sign, sign]
    release.set()
    await sending
    left = [sent.get_nowait() for _ in range(sent.qsize())]
    assert left[-1] == b"last"
    assert set(left[:-1]) <= {sign}


async def test_sound_has_none() -> None:
    sent: list[bytes] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message.get("body", b""))

    async def pieces() -> AsyncGenerator[bytes]:
        yield b"a"
        for _ in range(20):
            await asyncio.sleep(0)
        yield b"b"

    await send_stream(send, Stream(pieces(), b"audio/mpeg"), 0)
    assert b"".join(sent) == b"ab"
