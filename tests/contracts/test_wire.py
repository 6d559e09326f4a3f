"""Every request, event and answer travels as JSON and msgpack and comes back the same."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from breeze.contracts import wire
from breeze.contracts.answers import Result
from breeze.contracts.errors import ErrorInfo, InputError
from breeze.contracts.events import AnyEvent, Finish, TextDelta
from breeze.contracts.requests import AnyRequest, ChatRequest, EmbedRequest, TranscribeRequest
from tests.contracts.strategies import members, of, structs

REQUESTS, EVENTS, ANSWERS = members(AnyRequest), members(AnyEvent), members(Result)


def back(data: bytes, union: Any) -> Any:
    return msgspec.json.decode(data, type=union)


@pytest.mark.parametrize("kind", REQUESTS)
@given(data=st.data())
def test_a_request_is_the_same_after_json(kind: type[msgspec.Struct], data: st.DataObject) -> None:
    request = data.draw(structs(kind))
    sent = wire.encode(request)
    received = wire.decode_request(sent)
    assert received == request
    assert wire.encode(received) == sent
    assert json.loads(sent)["type"] == kind.__struct_config__.tag


@pytest.mark.parametrize("kind", [*EVENTS, ErrorInfo])
@given(data=st.data())
def test_an_event_is_the_same_after_json(kind: type[msgspec.Struct], data: st.DataObject) -> None:
    event = data.draw(structs(kind))
    sent = wire.encode(event)
    received = wire.decode_event(sent)
    assert received == event
    assert wire.encode(received) == sent
    assert b"\n" not in sent


@pytest.mark.parametrize("kind", ANSWERS)
@given(data=st.data())
def test_an_answer_is_the_same_after_json(kind: type[msgspec.Struct], data: st.DataObject) -> None:
    answer = data.draw(structs(kind))
    sent = wire.encode(answer)
    assert back(sent, Result) == answer
    assert wire.encode(back(sent, Result)) == sent


@pytest.mark.parametrize("union", [AnyRequest, AnyEvent, Result])
@given(data=st.data())
def test_msgpack_carries_the_same(union: Any, data: st.DataObject) -> None:
    value = data.draw(of(union))
    sent = wire.encode_msgpack(value)
    received = msgspec.msgpack.decode(sent, type=union)
    assert received == value
    assert wire.encode_msgpack(received) == sent


def test_a_whole_number_in_a_float_field_settles_after_one_trip() -> None:
    request = ChatRequest.of("Hello", temperature=1, deadline=5)
    received = wire.decode_request(wire.encode(request))
    assert received == request
    settled = wire.encode(received)
    assert wire.encode(wire.decode_request(settled)) == settled


def test_what_was_left_out_is_not_sent() -> None:
    assert json.loads(wire.encode(EmbedRequest.of("Hello", id="one"))) == {
        "type": "embed",
        "id": "one",
        "texts": ["Hello"],
    }
    assert wire.encode(TextDelta("Hi")) == b'{"type":"text","text":"Hi"}'


def test_every_type_has_a_tag_of_its_own() -> None:
    for kinds in (REQUESTS, EVENTS, ANSWERS):
        tags = ["error", *(kind.__struct_config__.tag for kind in kinds)]
        assert len(set(tags)) == len(tags)


def test_only_the_end_is_not_partial() -> None:
    for kind in EVENTS:
        assert isinstance(kind.partial, property)  # type: ignore[attr-defined]  # all are events
    assert TextDelta("Hi").partial
    assert not Finish().partial


WRONG = [
    (b'{"type":"chat"}', "messages"),
    (b'{"id":"one"}', "type"),
    (b'{"type":"sing"}', "type"),
    (b'{"type":"chat","messages":[{"content":"Hi"}]}', "messages[0].role"),
    (b'{"type":"chat","messages":[{"role":"boss"}]}', "messages[0].role"),
    (b'{"type":"chat","messages":[{"role":"user","content":7}]}', "messages[0].content"),
    (
        b'{"type":"chat","messages":[{"role":"user","content":[{"type":"text"}]}]}',
        "messages[0].content[0].text",
    ),
    (b'{"type":"chat","messages":[],"n":"two"}', "n"),
    (b'{"type":"chat","messages":[],"temperature":1e999}', "temperature"),
    (b'{"type":"chat","messages":[],"guardian":{"strictness":"huge"}}', "guardian.strictness"),
    (b'{"type":"transcribe","audio":"not base64"}', "audio"),
    (b'{"type":"transcribe","live":[1]}', "live"),
    (b'{"type":"speak","text":null}', "text"),
    (b"[]", ""),
]


@pytest.mark.parametrize(("data", "field"), WRONG)
def test_a_wrong_request_names_its_field(data: bytes, field: str) -> None:
    with pytest.raises(InputError) as caught:
        wire.decode_request(data)
    assert caught.value.field == field
    assert caught.value.message.endswith(".")


DEEP = b'{"type":"chat","messages":[],"params":{"a":' + b"[" * 100_000


@pytest.mark.parametrize(
    "data", [b"", b"{", b"\xff", b'{"type":"\xff"}', DEEP, '{"type":"\ud800"}']
)
def test_what_is_no_json_is_refused(data: bytes | str) -> None:
    with pytest.raises(InputError, match="not valid JSON"):
        wire.decode_request(data)


@given(st.binary() | st.text())
def test_nothing_but_an_input_error_comes_of_any_bytes(data: bytes | str) -> None:
    with pytest.raises(InputError):
        wire.decode_request(data)


@pytest.mark.parametrize(
    "data", [b"", b"{}", b'{"type":"text"}', b'{"type":"text","text":"\xff"}', DEEP]
)
def test_an_event_that_cannot_be_read_is_a_decode_error(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        wire.decode_event(data)


async def microphone() -> AsyncIterator[bytes]:
    yield b""


def test_a_live_source_cannot_travel() -> None:
    request = TranscribeRequest(live=microphone(), sample_rate=16_000)
    with pytest.raises(InputError, match="live source") as caught:
        wire.encode(request)
    assert caught.value.field == "live"


def test_what_is_not_data_cannot_travel() -> None:
    with pytest.raises(InputError, match="type object"):
        wire.encode(ChatRequest.of("Hello", params={"tool": object()}))
