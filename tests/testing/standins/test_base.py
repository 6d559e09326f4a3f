"""What every stand-in does, whoever it plays: it serves, records and goes wrong when told to."""

from __future__ import annotations

import asyncio
import ssl
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from breeze import ChatRequest, DrawRequest, Engine, SpeakRequest, TranscribeRequest
from breeze.config import parse_config
from breeze.testing.media import wav
from breeze.testing.standins import FAULTS, Standin, UnknownFaultError, names, standin
from breeze.testing.standins.openai import OpenAIStandin
from tests.testing.standins.wire import answered, asking, chat, connected, request, told, whole


async def test_it_records_every_request_byte_by_byte() -> None:
    async with OpenAIStandin.serving() as vendor:
        sent = asking(chat(), x_odd="Ä")
        await answered(vendor, sent)
        call = vendor.calls[0]
    assert call.head + call.body == sent
    assert (call.method, call.path, call.outcome) == ("POST", "/v1/chat/completions", "done")
    assert call.json == chat()


@pytest.mark.parametrize("name", [n for n in names() if standin(n).capability])
async def test_its_configuration_is_all_that_its_runner_needs(name: str, tmp_path: Path) -> None:
    works = (
        ChatRequest.of("hello"), SpeakRequest("hello"), TranscribeRequest(audio=wav(1.0)),
        DrawRequest.of("a hill"),
    )  # fmt: skip
    async with standin(name).serving() as vendor:
        file = parse_config(vendor.config(vendor.url))
        (capability,) = file.config.capabilities
        (work,) = (work for work in works if work.needs == capability)
        options: dict[str, Any] = {"home": tmp_path, "environ": {}, "ledger": False}
        async with Engine.open(config=file.config, **options) as engine:
            answer: Any = await engine.run(work)
    assert (answer.runner, vendor.calls[-1].outcome) == ("rehearsal", "done")


async def test_a_connection_serves_one_request_after_another() -> None:
    async with OpenAIStandin.serving() as vendor:
        async with connected(vendor) as (reader, writer):
            writer.write(request("GET", "/v1/models") + asking(chat(stream=True)))
            assert (await whole(reader))[0] == 200
            status, headers, body = await whole(reader)
        assert (status, headers["content-type"]) == (200, "text/event-stream")
        assert body.endswith(b"data: [DONE]\n\n")
        assert {call.connection for call in vendor.calls} == {0}


async def test_a_body_may_come_in_chunks_and_wait_to_be_asked_for() -> None:
    async with OpenAIStandin.serving() as vendor:
        data = asking(chat())
        head, body = data.split(b"\r\n\r\n", 1)
        async with connected(vendor) as (reader, writer):
            lines = [line for line in head.split(b"\r\n") if b"content-length" not in line]
            lines += [b"transfer-encoding: chunked", b"expect: 100-continue", b"", b""]
            writer.write(b"\r\n".join(lines))
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
            for part in (body[:5], body[5:]):
                writer.write(b"%x\r\n%b\r\n" % (len(part), part))
            writer.write(b"0\r\n\r\n")
            assert (await whole(reader))[0] == 200
        assert vendor.calls[0].body == body


async def test_a_form_comes_apart_in_the_order_of_its_parts() -> None:
    form = (
        b'--x\r\ncontent-disposition: form-data; name="model"\r\n\r\nwhisper\r\n'
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n'
        b"Content-Type: audio/wav\r\n\r\n\x00\r\n\xff\r\n--x--\r\n"
    )
    async with OpenAIStandin.serving() as vendor:
        sent = request(
            "POST", "/v1/chat/completions", form, content_type="multipart/form-data; boundary=x"
        )
        await answered(vendor, sent)
        parts = vendor.calls[0].form
        vendor.problems.clear()  # it was no chat
    assert [(p.name, p.filename, p.mime) for p in parts] == [
        ("model", "", ""),
        ("file", "a.wav", "audio/wav"),
    ]
    assert parts[1].data == b"\x00\r\n\xff"


async def test_tls_is_had_with_an_authority_to_trust() -> None:
    async with OpenAIStandin.serving(tls=True) as vendor:
        trust = ssl.create_default_context(cadata=vendor.ca_pem.decode())
        async with connected(vendor, trust) as (reader, writer):
            writer.write(request("GET", "/v1/models"))
            assert (await whole(reader))[0] == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            async with connected(vendor, ssl.create_default_context()):
                pass
        assert vendor.url.startswith("https://")


async def test_a_wrong_key_is_refused_in_the_vendors_words() -> None:
    async with OpenAIStandin.serving() as vendor:
        status, _, body = await answered(vendor, asking(chat(), authorization="Bearer wrong"))
    assert status == 401
    assert b'"code":"invalid_api_key"' in body


async def test_without_a_key_of_its_own_it_takes_anybody() -> None:
    async with OpenAIStandin.serving(key="") as vendor:
        assert (await answered(vendor, asking(chat(), authorization="")))[0] == 200


@pytest.mark.parametrize(
    ("headers", "model"),
    [
        ({"x_standin": "rate-limit;wait=7"}, "m"),
        ({}, "standin-rate-limit;wait=7"),
        ({}, "org/standin-rate-limit;wait=7"),
    ],
)
async def test_a_request_chooses_a_fault_by_header_or_model(
    headers: dict[str, str], model: str
) -> None:
    async with OpenAIStandin.serving() as vendor:
        status, got, _ = await answered(vendor, asking(chat() | {"model": model}, **headers))
        assert vendor.calls[0].fault.startswith("rate-limit;wait=7")
    assert (status, got["retry-after"]) == (429, "7")


async def test_a_queued_fault_is_for_the_next_requests_that_it_is_meant_for() -> None:
    async with OpenAIStandin.serving() as vendor:
        vendor.fault("error-500", times=2, on="POST /chat")
        asked = [request("GET", "/v1/models"), *[asking(chat())] * 3]
        assert [(await answered(vendor, data))[0] for data in asked] == [200, 500, 500, 200]


async def test_a_fault_that_nobody_met_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="never played: stream-cut;after=3"):
        async with OpenAIStandin.serving() as vendor:
            vendor.fault("stream-cut", after=3)


async def test_a_route_that_is_not_served_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="unexpected: GET /v1/nothing"):
        async with OpenAIStandin.serving() as vendor:
            await answered(vendor, request("GET", "/v1/nothing"))


async def test_a_key_in_an_address_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="the key stood in an address"):
        async with OpenAIStandin.serving() as vendor:
            await answered(vendor, request("GET", "/v1/models?key=test-key"))


async def test_unknown_faults_and_values_name_the_nearest() -> None:
    async with OpenAIStandin.serving() as vendor:
        with pytest.raises(UnknownFaultError, match="did you mean stream-cut"):
            vendor.fault("stream-kut")
        with pytest.raises(UnknownFaultError, match="takes no value 'when': it takes after"):
            vendor.fault("stream-cut", when=2)


async def test_silence_ends_when_the_client_leaves_or_is_released() -> None:
    async with OpenAIStandin.serving() as vendor:
        vendor.fault("stall", times=2)
        async with connected(vendor) as (reader, writer):
            writer.write(asking(chat(stream=True)))
            await reader.readuntil(b"You ")
        await vendor.idle()
        assert vendor.calls[0].outcome == "left"
        async with connected(vendor) as (reader, writer):
            writer.write(asking(chat(stream=True)))
            await reader.readuntil(b"You ")
            vendor.release()
            await reader.read()
        assert vendor.calls[1].outcome == "cut"


async def test_nobody_listens_until_it_listens_again() -> None:
    async with OpenAIStandin.serving() as vendor:
        vendor.fault("refused")
        with suppress(ConnectionError):
            assert await told(vendor, asking(chat())) == b""
        with pytest.raises(ConnectionRefusedError):
            await told(vendor, asking(chat()))
        await vendor.listen()
        assert (await answered(vendor, asking(chat())))[0] == 200


async def test_names_lead_to_stand_ins() -> None:
    assert "openai" in names()
    for name in names():
        kind = standin(name)
        assert issubclass(kind, Standin)
        assert kind.name == name
    with pytest.raises(LookupError, match="did you mean openai"):
        standin("opena")


def test_every_row_of_the_list_is_there() -> None:
    of_one_dialect = {25, 28, 29, 31, 32, 34}
    recorder = {36}
    assert {f.number for f in FAULTS} == set(range(1, 37)) - of_one_dialect - recorder
    assert len({f.name for f in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("fault", [f.name for f in FAULTS])
async def test_every_fault_shows(fault: str, stream: bool) -> None:
    """Nothing that a fault does is an accident of the stand-in, and none takes long."""
    async with OpenAIStandin.serving() as vendor:
        usual = await told(vendor, asking(chat(stream=stream)))
        vendor.fault(f"{fault};mib=1" if "mib" in _values(fault) else fault)
        began = time.perf_counter()
        async with connected(vendor) as (reader, writer):
            writer.write(asking(chat(stream=stream)))
            got, closed = b"", False
            with suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(0.1):
                    while data := await reader.read(65536):
                        got += data
                        if len(got) > 2**22:
                            break
                    closed = not data
        await vendor.idle()
        assert vendor.problems == []
        assert vendor.calls[1].outcome in ("done", "cut", "left")
        assert time.perf_counter() - began < 5
        if stream and fault not in ("framing-together", "usage-missing", "framing-bytewise"):
            assert got.partition(b"\r\nx-req")[2] != usual.partition(b"\r\nx-req")[2] or closed


def _values(fault: str) -> dict[str, str]:
    return dict(next(f for f in FAULTS if f.name == fault).values)
