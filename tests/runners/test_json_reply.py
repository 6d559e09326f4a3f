"""Streams of JSON events as they may come: in any pieces, with broken text, with bare errors."""

from __future__ import annotations

import json

import pytest

from breeze.contracts.errors import OverloadedError, ProcessingError
from breeze.contracts.requests import ChatRequest
from breeze.runners.google import GoogleRunner
from tests.runners.asking import streaming, whole
from tests.runners.standin import StandIn
from tests.runners.vendor import answer, running

ASK = ChatRequest.of("Hi", model="m")


def part(text: str, **more: str) -> bytes:
    """An event with a piece of text."""
    candidate = {"content": {"parts": [{"text": text}]}, **more}
    return f"data: {json.dumps({'candidates': [candidate]}, ensure_ascii=False)}\r\n\r\n".encode()


END = part("", finishReason="STOP")
BARE = json.dumps({"error": {"code": 503, "status": "UNAVAILABLE", "message": "Busy."}}, indent=2)


async def said(*pieces: bytes) -> str:
    async with StandIn.serving(streaming(*pieces)) as server:
        async with running(GoogleRunner, server.url) as runner:
            return (await answer(runner, ASK)).text


async def test_any_pieces_give_the_same_text() -> None:
    stream = part("Grüße, ") + part("漢字") + END
    for size in (1, 2, 3, 7, len(stream)):
        pieces = [stream[i : i + size] for i in range(0, len(stream), size)]
        assert await said(*pieces) == "Grüße, 漢字"


async def test_a_last_event_without_its_blank_line_counts() -> None:
    assert await said(part("a") + END.rstrip()) == "a"
    with pytest.raises(ProcessingError) as caught:
        await said(part("a") + END.rstrip()[:-4])
    assert caught.value.detail == "cut"


async def test_broken_text_is_marked_twice_and_refused_the_third_time_in_a_row() -> None:
    broken = part("a_b").replace(b"_", b"\xff")
    assert await said(broken, broken, part("c"), broken, END) == "a\ufffdba\ufffdbca\ufffdb"
    with pytest.raises(ProcessingError) as caught:
        await said(broken, broken, broken, END)
    assert caught.value.detail == "malformed"


@pytest.mark.parametrize("bare", [BARE, f"[{BARE}]", f"{BARE}\n\n"])
async def test_an_error_may_stand_beside_the_events(bare: str) -> None:
    with pytest.raises(OverloadedError, match="Busy"):
        await said(part("a"), bare.encode())


@pytest.mark.parametrize("body", [b"<html>Welcome</html>", b"{", b"[1]", b"{}", b"[]", b"[" * 9999])
async def test_what_is_no_answer_is_no_success(body: bytes) -> None:
    async with StandIn.serving(whole(body)) as server, running(GoogleRunner, server.url) as runner:
        with pytest.raises(ProcessingError):
            await answer(runner, ASK)
