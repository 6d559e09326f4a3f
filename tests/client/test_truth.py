"""A server, or something between, that does not tell the truth: never taken for a success."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from breeze.client import Client
from breeze.contracts.answers import ChatAnswer, Choice, Segment, Transcription
from breeze.contracts.errors import BlockedError, ProcessingError, RunnerError, UnavailableError
from breeze.contracts.events import (
    AudioChunk,
    Finish,
    Redacted,
    Restarted,
    TextDelta,
    Transcript,
)
from breeze.contracts.requests import ChatRequest, TranscribeRequest
from breeze.contracts.wire import encode
from breeze.testing.clock import ManualClock
from tests.client.conftest import END, HEAD, Turn, chunk, lines, raw

ASK = ChatRequest.of("Hello")
HEL, LO = encode(TextDelta("Hel")), encode(TextDelta("lo"))


def end(*texts: str) -> bytes:
    return encode(Finish(result=ChatAnswer(choices=tuple(map(Choice, texts)))))


async def answered(*turns: Turn, request: Any = ASK, **how: Any) -> list[Any]:
    """What the client makes of it: the events, and the error that ended them."""
    seen: list[Any] = []
    async with raw(turns) as server, Client(server.url, **how) as client:
        async with client.stream(request) as events:
            try:
                async for event in events:
                    seen.append(event)
            except RunnerError as error:
                seen.append(error)
    return seen


async def test_a_true_answer_passes() -> None:
    *pieces, last = await answered(HEAD, lines(HEL, LO), lines(end("Hello")), END)
    assert pieces == [TextDelta("Hel"), TextDelta("lo")]
    assert isinstance(last, Finish)


async def test_server_sent_events_are_read_as_well() -> None:
    head = HEAD.replace(b"application/x-ndjson", b"text/event-stream; charset=utf-8")
    frames = b"".join(
        b": \n\nid: %d\ndata: %b\n\n" % (n, m) for n, m in enumerate((HEL, LO, end("Hello")), 1)
    )
    split = [chunk(frames[i : i + 7]) for i in range(0, len(frames), 7)]
    *pieces, last = await answered(head, *split, END)
    assert pieces == [TextDelta("Hel"), TextDelta("lo")]
    assert isinstance(last, Finish)


async def test_messages_may_be_split_anywhere_and_signs_of_life_are_none() -> None:
    body = b"\n".join((HEL, b"", LO, b"", end("Hello"), b""))
    *pieces, last = await answered(HEAD, *(chunk(body[i : i + 1]) for i in range(len(body))), END)
    assert [event.text for event in pieces] == ["Hel", "lo"]
    assert isinstance(last, Finish)


async def test_what_was_withdrawn_does_not_count() -> None:
    withdrawn = encode(Restarted("a", "b", "silent")), encode(Redacted(0, 3, "Jel"))
    *_, last = await answered(
        HEAD, lines(LO, withdrawn[0], HEL, LO, withdrawn[1], end("Jello")), END
    )
    assert isinstance(last, Finish)


CUT = {
    "an end without Finish": (HEAD, lines(HEL), END),
    "a connection that just closes": (HEAD, lines(HEL)),
    "half a message": (HEAD, lines(HEL), chunk(end("Hel")[:20]), END),
}


@pytest.mark.parametrize("turns", CUT.values(), ids=CUT)
async def test_a_cut_answer_says_how_much_came(turns: tuple[bytes, ...]) -> None:
    *_, error = await answered(*turns)
    assert isinstance(error, ProcessingError)
    assert (error.detail, error.delivered) == ("cut", 1)
    assert error.retryable
    assert "after 1 events" in error.message
    assert "resume=30" in error.message


MALFORMED = {
    "no event": (lines(HEL, b'{"type":"text"}'), END),
    "an unknown kind of event": (lines(HEL, b'{"type":"smell"}'), END),
    "no JSON": (lines(HEL, b"\xff\xfe"), END),
    "an event of another kind of answer": (lines(HEL, encode(AudioChunk(b"", 0, 8_000))), END),
    "another text than its pieces": (lines(HEL, end("Hello")), END),
    "a piece of a choice that the whole lacks": (
        lines(HEL, encode(TextDelta("x", 1)), end("Hel")),
        END,
    ),
    "something after the end": (lines(HEL, end("Hel"), LO), END),
    "a second end": (lines(HEL, end("Hel")), lines(end("Hel")), END),
}


@pytest.mark.parametrize("turns", MALFORMED.values(), ids=MALFORMED)
async def test_an_answer_that_breaks_the_rules_is_no_success(turns: tuple[bytes, ...]) -> None:
    *pieces, error = await answered(HEAD, *turns)
    assert pieces[0] == TextDelta("Hel")
    assert isinstance(error, ProcessingError)
    assert (error.detail, error.delivered) == ("malformed", len(pieces))


async def test_heard_text_must_add_up_too() -> None:
    heard = encode(Transcript("good day", is_final=True))
    false = encode(Finish(result=Transcription(text="good night", segments=(Segment("good"),))))
    request = TranscribeRequest(audio=b"RIFF")
    *_, error = await answered(HEAD, lines(heard, false), END, request=request)
    assert isinstance(error, ProcessingError)
    assert error.detail == "malformed"


async def test_an_error_as_the_last_event_is_raised() -> None:
    _, error = await answered(HEAD, lines(HEL, encode(BlockedError("No.").info())), END)
    assert isinstance(error, BlockedError)
    assert error.delivered == 1


async def test_an_end_whose_connection_stays_open_is_an_end() -> None:
    clock, release = ManualClock(), asyncio.Event()
    turns = (HEAD, lines(HEL, end("Hel")), release.wait)
    async with raw(turns) as server, Client(server.url, clock=clock) as client:
        reading = asyncio.ensure_future(client.run(ASK))
        await clock.until_pending(2)
        await clock.advance(1.1)
        assert (await reading).text == "Hel"
        release.set()


async def test_a_silent_connection_counts_as_lost() -> None:
    clock, release = ManualClock(), asyncio.Event()
    turns = (HEAD, lines(HEL), release.wait)
    async with raw(turns) as server, Client(server.url, clock=clock, timeout=45) as client:
        async with client.stream(ASK) as events:
            await anext(events)
            reading = asyncio.ensure_future(anext(events))
            await clock.advance(46)
            with pytest.raises(ProcessingError, match="cut after 1"):
                await reading
            release.set()


STRANGERS = {
    "a proxy's page": (502, "text/html", b"<html>Bad gateway</html>", "a web page"),
    "another product": (
        404, "application/json", b'{"error": {"message": "no such model"}}', "no such model",
    ),
    "nonsense": (500, "text/plain", b"oops", "but not as a Breeze server does"),
    "a page instead of events": (200, "text/html", b"<html>Log in</html>", "a web page"),
}  # fmt: skip


@pytest.mark.parametrize(("status", "kind", "body", "words"), STRANGERS.values(), ids=STRANGERS)
async def test_somebody_else_answers(status: int, kind: str, body: bytes, words: str) -> None:
    head = f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
    (error,) = await answered(head.encode() + body)
    assert isinstance(error, UnavailableError)
    assert words in error.message
    assert "BREEZE_URL" in error.message


async def test_the_key_does_not_follow_a_redirect() -> None:
    moved = b"HTTP/1.1 307 X\r\nlocation: http://elsewhere.example/\r\ncontent-length: 0\r\n\r\n"
    (error,) = await answered(moved, key="secret-key")
    assert isinstance(error, UnavailableError)
    assert "elsewhere.example" in error.message
    assert "secret-key" not in error.message


async def test_a_connection_lost_before_an_answer_began() -> None:
    (error,) = await answered(b"")
    assert isinstance(error, UnavailableError)
    assert "before it answered" in error.message
