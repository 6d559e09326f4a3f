"""The bytes of a chat stream: what official clients rely on, and some never check."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from breeze.contracts.errors import InputError, OverloadedError, ProcessingError
from breeze.contracts.events import (
    Adjusted,
    Finish,
    Progress,
    ReasoningDelta,
    Redacted,
    Restarted,
    TextDelta,
    ToolCallDelta,
    Usage,
)
from breeze.contracts.values import TokenLogprob
from breeze.testing.scripted import Gate, Script, Step, scripted
from tests.http.conftest import Serve
from tests.http.openai_wire import official, post

PATH = "/v1/chat/completions"
ASKED: Any = [{"role": "user", "content": "Hello"}]
USAGE = {"stream_options": {"include_usage": True}}
RICH: list[Step] = [
    Progress("loading", 1, 2),
    Adjusted("seed", 1, None, "no dice"),
    ReasoningDelta("hm"),
    TextDelta("Hel"),
    TextDelta("lo", 0, (TokenLogprob("lo", -0.5, (("lo", -0.5),)),)),
    TextDelta("Hallo\n\n“”", 1),
    ToolCallDelta(0, "c0", "f"),
    ToolCallDelta(0, arguments="{}"),
    Adjusted("top_p", 0.5, None, "later"),
    Usage(3, 4, reasoning_tokens=1, cached_tokens=2),
    Finish("tool_calls"),
]


async def test_every_chunk_has_the_same_id_time_and_model(serve: Serve) -> None:
    async with serve(runners=[scripted("one", Script(RICH), default_model="m")]) as server:
        raw = await post(server, PATH, model="one", messages=ASKED, n=2, stream=True, **USAGE)
    first = raw.chunks[0]
    assert first["id"] == f"chatcmpl-{raw.headers['x-request-id']}"
    assert first["model"] == raw.headers["x-breeze-model"] == "m"
    for chunk in raw.chunks:
        assert chunk["object"] == "chat.completion.chunk"
        assert [chunk[name] for name in ("id", "created", "model")] == [
            first[name] for name in ("id", "created", "model")
        ]
    assert type(first["created"]) is int


async def test_the_order_is_role_pieces_reason_usage_done(serve: Serve) -> None:
    async with serve(runners=[scripted("one", Script(RICH))]) as server:
        raw = await post(server, PATH, model="one", messages=ASKED, n=2, stream=True, **USAGE)
    *before, last = raw.chunks
    choices = [choice for chunk in before for choice in chunk["choices"]]
    for index in (0, 1):
        own = [choice for choice in choices if choice["index"] == index]
        assert own[0]["delta"] == {"role": "assistant", "content": ""}
        assert all("role" not in choice["delta"] for choice in own[1:])
        assert (own[-1]["delta"], own[-1]["finish_reason"]) == ({}, "tool_calls")
        assert all(choice["finish_reason"] is None for choice in own[:-1])
    assert all(chunk["usage"] is None for chunk in before)
    assert last["choices"] == []
    assert last["usage"] == {
        "prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7,
        "prompt_tokens_details": {"cached_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 1},
    }  # fmt: skip


async def test_nobody_who_did_not_ask_gets_usage(serve: Serve) -> None:
    async with serve(runners=[scripted("one", Script(RICH))]) as server:
        raw = await post(server, PATH, model="one", messages=ASKED, stream=True)
        off = await post(
            server, PATH, model="one", messages=ASKED, stream=True,
            stream_options={"include_usage": False},
        )  # fmt: skip
    for stream in (raw, off):
        assert all("usage" not in chunk for chunk in stream.chunks)
        assert all(chunk["choices"] for chunk in stream.chunks)


async def test_adjustments_ride_on_the_first_chunk_and_on_the_last(serve: Serve) -> None:
    async with serve(runners=[scripted("one", Script(RICH))]) as server:
        raw = await post(server, PATH, model="one", messages=ASKED, stream=True, user="me")
    told = [
        (number, one["field"])
        for number, chunk in enumerate(raw.chunks)
        for one in chunk.get("breeze", {}).get("adjustments", ())
    ]
    end = len(raw.chunks) - 1
    assert told == [(0, "user"), (0, "seed"), (end, "top_p")]
    assert raw.headers["x-breeze-adjustments"] == "user, seed"


async def test_an_answer_without_text_is_still_an_answer(serve: Serve) -> None:
    async with serve(runners=[scripted("one", Script([Finish()]))]) as server:
        raw = await post(server, PATH, model="one", messages=ASKED, stream=True)
        whole = await post(server, PATH, model="one", messages=ASKED)
    assert [choice["delta"] for chunk in raw.chunks for choice in chunk["choices"]] == [
        {"role": "assistant", "content": ""}, {},
    ]  # fmt: skip
    assert whole.json["choices"][0]["message"]["content"] == ""


async def test_the_usage_of_an_answer_without_text_is_told(serve: Serve) -> None:
    script = Script([Usage(3, 1), Finish("length")])
    async with serve(runners=[scripted("one", script)]) as server:
        raw = await post(server, PATH, model="one", messages=ASKED, stream=True, **USAGE)
    assert raw.chunks[-1]["usage"]["total_tokens"] == 4


async def test_an_early_failure_is_a_status_whatever_was_adjusted_before(serve: Serve) -> None:
    script = Script([InputError("Too odd.", field="messages")])
    ours = {"strict": True, "guardian": {"enabled": True}}
    async with serve(runners=[scripted("one", script)]) as server:
        raw = await post(server, PATH, model="one", messages=ASKED, stream=True, breeze=ours)
    assert (raw.status, raw.error["param"]) == (400, "messages")


async def test_withdrawn_text_is_said_in_a_chunk_without_choices(serve: Serve) -> None:
    script = Script(
        [
            TextDelta("bad"),
            Restarted("a", "b", "it broke"),
            TextDelta("secret"),
            Redacted(0, 6, "***", "private"),
            Finish(),
        ]
    )
    async with serve(runners=[scripted("one", script)]) as server, official(server) as client:
        raw = await post(server, PATH, model="one", messages=ASKED, stream=True, **USAGE)
        stream = await client.chat.completions.create(model="one", messages=ASKED, stream=True)
        assert len([chunk async for chunk in stream]) == len(raw.chunks) - 1
    said = [chunk for chunk in raw.chunks if "event" in chunk.get("breeze", {})]
    assert said[0]["breeze"] == {
        "event": "restarted", "discard": "all", "from": "a", "to": "b", "reason": "it broke",
    }  # fmt: skip
    assert said[1]["breeze"]["event"] == "redacted"
    assert (said[1]["breeze"]["start"], said[1]["breeze"]["end"]) == (0, 6)
    assert all(chunk["choices"] == [] for chunk in said)


async def test_a_failure_after_output_is_an_error_event_and_no_done(serve: Serve) -> None:
    script = Script([TextDelta("Once"), ProcessingError("The line went dead.", detail="cut")])
    async with serve(runners=[scripted("one", script)]) as server, official(server) as client:
        raw = await post(server, PATH, model="one", messages=ASKED, stream=True)
        stream = await client.chat.completions.create(model="one", messages=ASKED, stream=True)
        heard = [(await anext(stream)).choices[0].delta.content for _ in range(2)]
        with pytest.raises(openai.APIError, match="The line went dead") as failed:
            await anext(stream)
    assert heard == ["", "Once"]
    assert failed.value.code == "E101"
    *_, last = raw.events
    assert raw.status == 200
    error = json.loads(last)
    assert (error["error"]["type"], error["breeze"]["delivered"]) == ("server_error", 1)
    assert "[DONE]" not in raw.events


async def test_a_runner_that_stops_without_an_end_never_looks_complete(serve: Serve) -> None:
    script = Script([TextDelta("Once")])
    async with serve(runners=[scripted("one", script)]) as server, official(server) as client:
        stream = await client.chat.completions.create(model="one", messages=ASKED, stream=True)
        with pytest.raises(openai.APIError, match="cut"):
            [chunk async for chunk in stream]


@pytest.mark.parametrize(
    ("error", "status"),
    [(InputError("Too odd.", field="messages"), 400), (OverloadedError("Full."), 503)],
)
async def test_a_failure_before_output_is_a_status(
    serve: Serve, error: Exception, status: int
) -> None:
    steps: list[Step] = [Progress("loading"), Adjusted("seed", 1, None, "x"), error]
    async with serve(runners=[scripted("one", Script(steps))]) as server:
        raw = await post(
            server, PATH, model="one", messages=ASKED, stream=True, breeze={"strict": True}
        )
    assert raw.status == status
    assert raw.headers["content-type"] == "application/json"
    assert raw.error["message"]


async def test_a_token_leaves_before_the_next_one_is_made(serve: Serve) -> None:
    gate = Gate()
    script = Script([TextDelta("one"), gate, TextDelta(" two"), Finish()])
    async with serve(runners=[scripted("slow", script)]) as server, official(server) as client:
        stream = await client.chat.completions.create(model="slow", messages=ASKED, stream=True)
        await anext(stream)
        assert (await anext(stream)).choices[0].delta.content == "one"
        assert not gate.release.is_set()
        gate.release.set()
        assert [c.choices[0].delta.content async for c in stream] == [" two", None]


async def test_leaving_a_stream_closes_the_runner(serve: Serve) -> None:
    gate = Gate()
    script = Script([TextDelta("one"), gate, Finish()])
    async with serve(runners=[scripted("slow", script)]) as server, official(server) as client:
        stream = await client.chat.completions.create(model="slow", messages=ASKED, stream=True)
        await gate.started.wait()
        await stream.close()
        await script.calls[0].over.wait()
        assert script.calls[0].closed


async def test_the_headers_say_who_answers_before_the_first_piece(serve: Serve) -> None:
    gate = Gate()
    script = Script([TextDelta("one"), gate, Finish()])
    runner = scripted("slow", script, default_model="m")
    async with serve(runners=[runner]) as server, official(server) as client:
        stream = await client.chat.completions.create(model="slow", messages=ASKED, stream=True)
        headers = stream.response.headers
        assert headers["content-type"].startswith("text/event-stream")
        assert (headers["x-breeze-runner"], headers["x-breeze-model"]) == ("slow", "m")
        assert len(headers["x-breeze-decision"]) == 16
        assert "x-breeze-mock" not in headers
        gate.release.set()
        await stream.close()


async def test_text_of_every_kind_arrives_as_it_is(serve: Serve) -> None:
    said = ["\n\ndata: [DONE]\n\n", '"quoted"\\', "漢字🌬️", "\u2028\u0000\r", "[DONE]"]
    script = Script([*(TextDelta(text) for text in said), Finish()])
    async with serve(runners=[scripted("one", script)]) as server, official(server) as client:
        stream = await client.chat.completions.create(model="one", messages=ASKED, stream=True)
        heard = [c.choices[0].delta.content async for c in stream]
    assert heard == ["", *said, None]
