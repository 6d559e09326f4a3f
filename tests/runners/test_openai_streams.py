"""Streams of the openai runner: every shape that servers send, and every way to go wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import msgspec
import pytest

from breeze.contracts.dialects.openai import ChunkReader
from breeze.contracts.errors import (
    AuthenticationError,
    InputError,
    OverloadedError,
    ProcessingError,
    RateLimitError,
    RunnerError,
    UnavailableError,
)
from breeze.contracts.events import ALIVE, Finish, ReasoningDelta, TextDelta, ToolCallDelta
from breeze.contracts.values import Usage
from breeze.runners.openai import OpenAIRunner
from tests.runners.asking import HELLO, answer, asking, running, sse, streaming, whole
from tests.runners.openai_server import MODEL, delta, stop, usage
from tests.runners.standin import Exchange, StandIn

PLAIN = sse(*HELLO)


@pytest.fixture
async def server() -> AsyncIterator[StandIn]:
    async with StandIn.serving() as server:
        yield server


@pytest.fixture
async def runner(server: StandIn) -> AsyncIterator[OpenAIRunner]:
    async with running(server, api_key="canary-key") as runner:
        yield runner


SAME: dict[str, tuple[bytes, ...]] = {
    "one write": (PLAIN,),
    "single bytes": tuple(PLAIN[i : i + 1] for i in range(len(PLAIN))),
    "crlf": (PLAIN.replace(b"\n", b"\r\n"),),
    "cr": (PLAIN.replace(b"\n", b"\r"),),
    "bom": (b"\xef\xbb\xbf" + PLAIN,),
    "comments": (b": processing\n\n" * 3, PLAIN.replace(b"data: ", b": ping\ndata: ")),
    "no space": (PLAIN.replace(b"data: ", b"data:"),),
    "blank lines first": (b"\n\n", PLAIN),
    "several data lines": (PLAIN.replace(b'"choices":', b'\ndata: "choices":'),),
    "no [DONE]": (sse(*HELLO[:-1]),),
    "no [DONE], last event not closed": (sse(*HELLO[:-1]).rstrip(),),
    "[DONE] twice": (PLAIN, b"data: [DONE]\n\n"),
    "data after [DONE]": (PLAIN + sse(delta("more")),),
    "usage beside the text": (sse(delta("Hel"), delta("lo") | usage() | delta("lo"), stop(),
                                  usage()),),
    "usage of nulls": (sse(delta("Hel") | {"usage": None}, delta("lo"), stop(), usage(),
                           usage() | {"usage": {"prompt_tokens": None}}),),
    "empty deltas": (sse({"choices": None}, delta("", role="assistant"), delta("Hel"),
                         delta(delta={}), delta("lo"), stop(), usage()),),
    "a growing message beside": (sse(delta("Hel", message={"content": "Hel"}),
                                     delta("lo", message={"content": "Hello"}), stop(), usage()),),
    "content in parts": (sse(delta(delta={"content": [{"type": "text", "text": "Hello"}]}),
                             stop(), usage()),),
}  # fmt: skip


@pytest.mark.parametrize("shape", SAME)
async def test_every_shape_gives_the_same_answer(
    server: StandIn, runner: OpenAIRunner, shape: str
) -> None:
    server.play(streaming(*SAME[shape]))
    found = await answer(runner)
    assert found.text == "Hello"
    assert found.usage == Usage(3, 2)
    assert found.finish_reason == "stop"


@pytest.mark.parametrize("kind", ["text/event-stream", "text/plain", "application/json", ""])
async def test_a_stream_is_known_by_what_it_holds(
    server: StandIn, runner: OpenAIRunner, kind: str
) -> None:
    server.play(streaming(PLAIN, content_type=kind))
    assert (await answer(runner)).text == "Hello"


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream", "text/html", ""])
async def test_a_whole_answer_in_place_of_a_stream_is_read_too(
    server: StandIn, runner: OpenAIRunner, kind: str
) -> None:
    choice = {"message": {"content": "Hello"}, "finish_reason": "stop"}
    body = msgspec.json.encode(usage() | {"choices": [choice]})
    server.play(whole(b"\n " + body, content_type=kind))
    assert (await answer(runner)).text == "Hello"


async def test_a_stream_may_end_with_its_connection(server: StandIn, runner: OpenAIRunner) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.head(content_type="text/event-stream")
        await exchange.send(sse(*HELLO[:-1]))
        exchange.close()

    server.play(script)
    assert (await answer(runner)).text == "Hello"


async def test_letters_may_be_split_anywhere(server: StandIn, runner: OpenAIRunner) -> None:
    stream = msgspec.json.encode(delta("żółw 你好 👩‍🚀"))
    stream = b"data: " + stream + b"\n\n" + sse(stop())
    server.play(streaming(*(stream[i : i + 1] for i in range(len(stream)))))
    assert (await answer(runner)).text == "żółw 你好 👩‍🚀"


async def test_bytes_that_are_no_text_are_marked(server: StandIn, runner: OpenAIRunner) -> None:
    server.play(streaming(sse(delta("a?b")).replace(b"?", b"\xff"), sse(delta("c"), stop())))
    assert (await answer(runner)).text == "a\ufffdbc"


async def test_three_in_a_row_are_no_text_stream(server: StandIn, runner: OpenAIRunner) -> None:
    broken = sse(delta("?")).replace(b"?", b"\xff")
    server.play(streaming(broken * 3, sse(stop())))
    with pytest.raises(ProcessingError) as caught:
        await answer(runner)
    assert caught.value.detail == "malformed"


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
async def test_reasoning(server: StandIn, runner: OpenAIRunner, field: str) -> None:
    server.play(streaming(sse(delta(delta={field: "hm"}), delta("Hi"), stop())))
    events = [event async for event in runner.chat(asking())]
    assert events[:2] == [ReasoningDelta("hm"), TextDelta("Hi")]


async def test_tool_calls(server: StandIn, runner: OpenAIRunner) -> None:
    def piece(index: int, **fields: object) -> dict[str, object]:
        return delta(delta={"tool_calls": [{"index": index, **fields}]})

    first = piece(0, id="c1", function={"name": "f", "arguments": ""})
    rest = piece(0, function={"arguments": '{"a":1}'})
    server.play(streaming(sse(first, rest, stop("tool_calls"))))
    events = [event async for event in runner.chat(asking())]
    assert events[:2] == [ToolCallDelta(0, "c1", "f", ""), ToolCallDelta(0, "", "", '{"a":1}')]
    assert events[-1] == Finish("tool_calls", metadata={"model_name": MODEL})


async def test_done_without_a_reason_is_the_servers_word(
    server: StandIn, runner: OpenAIRunner
) -> None:
    server.play(streaming(sse(delta("Hello"), "[DONE]")))
    found = await answer(runner)
    assert (found.text, found.finish_reason) == ("Hello", "stop")


ODD_TEXTS = [
    "a", "b", '"', "\\", "c", '"},"finish_reason":"length"}]}', "\n", "\t", "é", "🚀", "d", "",
    "e", "probe", '\\"', " ", "text",
]  # fmt: skip
"""What must not be mistaken for the form of a chunk."""


@pytest.mark.parametrize("cut", [b"", b"\n\n", b"\n", b"data:", b"}]"])
@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"obfuscation": "xyz"},
        {"usage": {"prompt_tokens": 1, "completion_tokens": 1}},
        {"note": "a"},
        {"index": 1},
        {"logprobs": {"content": [{"token": "a", "logprob": -1}]}},
    ],
)
async def test_the_short_cut_for_plain_text_reads_as_the_long_way_does(
    server: StandIn, runner: OpenAIRunner, extra: dict[str, object], cut: bytes
) -> None:
    per_choice = {"index", "logprobs"} & extra.keys()
    chunks = [
        delta(text, **extra) if per_choice else delta(text) | extra | {"n": i // 9}
        for i, text in enumerate(ODD_TEXTS * 2)
    ]
    reader = ChunkReader()
    expected = [e for chunk in chunks for e in reader.read(msgspec.json.encode(chunk))]
    stream = sse(*chunks, stop())
    server.play(streaming(*(piece + cut for piece in stream.split(cut)) if cut else (stream,)))
    events = [event async for event in runner.chat(asking())]
    assert [event for event in events if isinstance(event, TextDelta)] == expected


# going wrong ------------------------------------------------------------------------------


async def broken(runner: OpenAIRunner) -> tuple[str, RunnerError]:
    """The text until the error, and the error."""
    text = ""

    async def read() -> None:
        nonlocal text
        async for event in runner.chat(asking()):
            text += event.text if isinstance(event, TextDelta) else ""

    with pytest.raises(RunnerError) as caught:
        await read()
    return text, caught.value


def failing(said: object) -> bytes:
    return sse(delta("Hel")) + sse({"error": said})


OVERFLOW = {"message": "Too long", "type": "exceed_context_size_error", "code": 400}


@pytest.mark.parametrize(
    ("stream", "kind"),
    [
        (failing({"message": "m", "type": "server_error"}), UnavailableError),
        (failing({"message": "m", "type": "BadRequestError", "code": 400}), InputError),
        (failing({"message": "m", "type": "overloaded_error"}), OverloadedError),
        (failing({"message": "m", "code": "rate_limit_exceeded"}), RateLimitError),
        (failing({"message": "m", "code": 401}), AuthenticationError),
        (failing(OVERFLOW), InputError),
        (failing("The context length is exceeded: maximum context is 5"), InputError),
        (failing("something"), ProcessingError),
        (sse(delta("Hel")) + b'event: error\ndata: {"error":"x"}\n\n', ProcessingError),
        (sse(delta("Hel")) + b'error: {"message":"x","code":503}\n\n', UnavailableError),
        (sse(delta("Hel"), {"detail": "x"}), ProcessingError),
        (failing({"message": "canary-key"}) + b"data: [DONE]\n\n", ProcessingError),
    ],
)
async def test_an_error_within_a_stream_is_its_own_kind(
    server: StandIn, runner: OpenAIRunner, stream: bytes, kind: type[RunnerError]
) -> None:
    server.play(streaming(stream))
    text, error = await broken(runner)
    assert text == "Hel"
    assert type(error) is kind
    chain: BaseException | None = error
    while chain is not None:
        assert "canary" not in f"{chain} {chain.args}"
        chain = chain.__cause__ or chain.__context__


@pytest.mark.parametrize(
    "body", [b'{"error":{"message":"x","code":429}}', b'{"error":"slow_down"}']
)
async def test_an_error_in_place_of_an_answer_is_its_own_kind(
    server: StandIn, runner: OpenAIRunner, body: bytes
) -> None:
    server.play(whole(body, retry_after="2"))
    _, error = await broken(runner)
    assert isinstance(error, RateLimitError)
    assert error.retry_after == 2


@pytest.mark.parametrize(
    "stream",
    [
        sse(delta("Hel")),
        sse(delta("Hel")) + b'data: {"choices":[{"de',
        sse(delta("Hel")) + b"data: [DO",
        sse(delta("Hel"), usage()),
    ],
)
async def test_a_stream_that_just_ends_was_cut(
    server: StandIn, runner: OpenAIRunner, stream: bytes
) -> None:
    server.play(streaming(stream))
    text, error = await broken(runner)
    assert (text, error.detail) == ("Hel", "cut")
    assert error.retryable


async def test_a_stream_that_breaks_off_was_cut(server: StandIn, runner: OpenAIRunner) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.stream()
        await exchange.chunk(sse(delta("Hel")))
        await exchange.send(b"100\r\ndata: {")
        exchange.close()

    server.play(script)
    assert (await broken(runner))[1].detail == "cut"


@pytest.mark.parametrize(
    "body",
    [
        b"<html><body>Welcome</body></html>",
        b"{}",
        b'{"object":"chat.completion"}',
        b'{"choices":[',
        b"[1]",
        b"",
        b"data: {]\n\n",
        b"data: 5\n\n",
    ],
)
async def test_what_is_no_answer_is_an_error(
    server: StandIn, runner: OpenAIRunner, body: bytes
) -> None:
    server.play(whole(body, content_type="text/html"))
    text, error = await broken(runner)
    assert text == ""
    assert error.detail in ("malformed", "cut")


async def test_a_huge_event_passes_and_a_larger_one_does_not(
    server: StandIn, runner: OpenAIRunner
) -> None:
    server.play(streaming(sse(delta("x" * 20 * 2**20), stop())))
    assert len((await answer(runner)).text) == 20 * 2**20
    event = b"data: " + b"x" * (80 * 2**20)
    pieces = [event[i : i + 2**20] for i in range(0, len(event), 2**20)]
    server.play(streaming(*pieces))
    _, error = await broken(runner)
    assert (error.detail, error.retryable) == ("malformed", False)


async def test_leaving_closes_the_upstream_socket(server: StandIn, runner: OpenAIRunner) -> None:
    gone = asyncio.Event()

    async def endless(exchange: Exchange) -> None:
        await exchange.stream()
        await exchange.chunk(sse(delta("Hel")))
        await exchange.left()
        gone.set()

    server.play(endless)
    async with aclosing(runner.chat(asking())) as events:
        assert await anext(events) == TextDelta("Hel")
    await gone.wait()
    assert runner.work.active == 0


async def test_the_end_that_comes_apart_is_waited_for_by_nobody(
    server: StandIn, runner: OpenAIRunner
) -> None:
    """[DONE] ends the answer; the connection is kept when the rest follows."""
    go = asyncio.Event()

    async def late(exchange: Exchange) -> None:
        await exchange.stream()
        await exchange.chunk(PLAIN)
        await go.wait()
        await exchange.end()

    server.play(late, streaming(PLAIN))
    assert (await answer(runner)).text == "Hello"
    go.set()
    for _ in range(10):
        await asyncio.sleep(0)
    assert (await answer(runner)).text == "Hello"
    assert server.connections == 1


async def test_a_comment_is_a_sign_of_life(server: StandIn, runner: OpenAIRunner) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.head(content_type="text/event-stream")
        await exchange.send(sse(delta("Hel")))
        await taken.wait()
        await exchange.send(b": still here\n\n")
        await again.wait()
        await exchange.send(sse(delta("lo"), stop(), usage()))
        exchange.close()

    taken, again = asyncio.Event(), asyncio.Event()
    server.play(script)
    async with aclosing(runner.stream(asking())) as events:
        assert await anext(events) == TextDelta("Hel")
        taken.set()
        assert await anext(events) is ALIVE
        again.set()
        assert await anext(events) == TextDelta("lo")
