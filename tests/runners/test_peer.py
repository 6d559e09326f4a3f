"""The peer runner: every kind of work on another server, as if it were done there directly."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from breeze.config import parse_config
from breeze.contracts.answers import ChatAnswer
from breeze.contracts.capability import Capability
from breeze.contracts.errors import (
    AuthenticationError,
    BlockedError,
    DeadlineError,
    InputError,
    NotFoundError,
    OverloadedError,
    ProcessingError,
    QuotaError,
    RateLimitError,
    RunnerError,
    UnavailableError,
)
from breeze.contracts.events import ALIVE, Adjusted, Finish, Restarted, TextDelta, Usage
from breeze.contracts.messages import ImagePart, Message, TextPart
from breeze.contracts.request import AUTO, new_id
from breeze.contracts.requests import ChatRequest, SpeakRequest, TranscribeRequest
from breeze.runners._peer_parameters import PeerParameters
from breeze.runners.peer import PeerRunner
from breeze.testing.media import pcm, png, wav
from breeze.testing.samples import Samples, renewed
from breeze.testing.scripted import Gate, Script, scripted
from tests.client.conftest import END, HEAD, lines, raw
from tests.client.test_parity import same
from tests.http.accounts import KEY, keys
from tests.http.conftest import serving
from tests.http.leavers import until
from tests.runners.peers import NAME, beside, configured, pair
from tests.testing.rehearsals import MOCKS

OTHERWISE = {"runner", "model", "decision", "request_id", "metadata", "id"}
"""What an answer through a peer says otherwise: who gave it."""


async def played(stream: Any) -> list[Any]:
    """All events of a stream as plain data, the end without who gave it."""
    seen: list[Any] = []
    async with stream as events:
        async for event in events:
            plain = same(event)
            if isinstance(event, Finish):
                plain.pop("metadata")
                plain["result"] = {k: v for k, v in plain["result"].items() if k not in OTHERWISE}
            seen.append(plain)
    return seen


@pytest.mark.parametrize("kind", [Samples.short, Samples.full])
@pytest.mark.parametrize("capability", Capability)
async def test_every_kind_of_work_gives_the_events_of_the_other_server(
    tmp_path: Path, capability: Capability, kind: Any
) -> None:
    request = kind(Samples(), capability)
    mock = MOCKS[capability]
    async with pair(tmp_path) as (server, engine):
        there = await played(server.engine.stream(renewed(request, runner=mock, strict=True)))
        named = renewed(request, model=f"{NAME}/{mock}", strict=True)
        assert await played(engine.stream(named)) == there
        whole = msgspec.structs.replace(renewed(named), whole=True)
        assert await played(engine.stream(whole)) == there


async def test_who_really_answered_is_told(tmp_path: Path) -> None:
    async with pair(tmp_path) as (_, engine):
        request = ChatRequest.of("Hi", model=f"{NAME}/mock_llm", strict=True)
        answer = await engine.run(request)
    assert (answer.runner, answer.mock) == (NAME, True)
    assert answer.metadata is not None
    assert answer.metadata["mock"] is True
    assert answer.metadata["model_name"].startswith("mock_llm")


async def test_the_other_server_selects_when_no_model_is_named(tmp_path: Path) -> None:
    plain = Script([TextDelta("There"), Usage(1, 2, cost=0.25), Finish()])
    async with pair(tmp_path, runners=[scripted("plain", plain)], config=_only("plain")) as (
        _,
        engine,
    ):
        answer = await engine.run(ChatRequest.of("Hi", session_id="s-1", deadline=30))
    (call,) = plain.calls
    assert (answer.text, answer.usage) == ("There", Usage(1, 2, cost=0.25))
    assert (call.request.session_id, call.request.deadline) == ("s-1", 30)
    assert call.request.id.startswith(answer.request_id)


def _only(*names: str) -> Any:
    runners = {name: {"class": name} for name in names}
    return parse_config({"capabilities": {"LLM": {"runners": runners}}}).config


ERRORS: list[RunnerError] = [
    InputError("Not so.", field="messages[0].content", data={"limit": 3}),
    AuthenticationError("Who are you?"),
    QuotaError("Nothing left."),
    RateLimitError("Slowly.", retry_after=7.5),
    OverloadedError("Full.", retry_after=2, retryable=False),
    ProcessingError("Broken.", detail="malformed", retryable=False),
    DeadlineError("Too late.", retryable=False),
    BlockedError("Not this.", field="text", data={"categories": ["x"]}),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
@pytest.mark.parametrize("after", [0, 1])
async def test_an_error_is_the_same_here_as_there(
    tmp_path: Path, error: RunnerError, after: int
) -> None:
    error.retryable = False  # so that one try is all
    steps: list[Any] = [*[TextDelta("x")] * after, error]
    runners = [scripted(name, Script(steps)) for name in ("flaky", "flakier")]
    async with pair(tmp_path, runners=runners, config=_only("flaky", "flakier")) as (
        server,
        engine,
    ):
        found = []
        for place, name in ((server.engine, "flakier"), (engine, f"{NAME}/flaky")):
            with pytest.raises(type(error)) as caught:
                await played(place.stream(ChatRequest.of("Hi", model=name, strict=True)))
            found.append(caught.value.info())
    there, here = found
    facts = ("code", "message", "status", "retryable", "field", "detail", "retry_after", "data")
    assert [getattr(here, f) for f in facts] == [getattr(there, f) for f in facts]
    assert (here.delivered, here.runner, here.model) == (after, NAME, "flaky")


async def test_what_was_changed_there_is_told_here(tmp_path: Path) -> None:
    note = Adjusted("temperature", 2.0, 1.0, "more makes no sense")
    script = Script([note, TextDelta("x"), Restarted("a", "b", "E501"), TextDelta("y"), Finish()])
    async with pair(tmp_path, runners=[scripted("odd", script)], config=_only("odd")) as (
        _,
        engine,
    ):
        async with engine.stream(ChatRequest.of("Hi", model=f"{NAME}/odd")) as events:
            seen = [event async for event in events]
    assert [type(event) for event in seen] == [Adjusted, TextDelta, Restarted, TextDelta, Finish]
    assert (seen[0], seen[2]) == (note, Restarted("a", "b", "E501"))
    assert isinstance(last := seen[-1], Finish)
    assert isinstance(last.result, ChatAnswer)
    assert last.result.text == "y"


async def test_parameters_of_a_request_are_for_their_runner(tmp_path: Path) -> None:
    async with pair(tmp_path) as (_, engine):
        spoken = ChatRequest.of("Hi", model=f"{NAME}/mock_llm", strict=True)
        fine = msgspec.structs.replace(spoken, params={"stream_chunk_delay_ms": 1})
        assert (await engine.run(fine)).text
        for name in ("no_such_thing", "base_url", "api_key"):
            with pytest.raises(InputError) as caught:
                await engine.run(msgspec.structs.replace(fine, id=new_id(), params={name: "x"}))
            assert caught.value.field == f"params.{name}"


async def test_large_things_go_ahead_and_are_freed(tmp_path: Path) -> None:
    sound = wav(40.0)
    assert len(sound) > 1024 * 1024
    file = tmp_path / "long.wav"
    file.write_bytes(sound)
    picture = png(8, 8) + bytes(1024 * 1024)
    look = Message("user", (TextPart("What is it?"), ImagePart(picture)))
    seen = scripted("seen", Script([TextDelta("x"), Finish()]))
    async with pair(tmp_path, runners=[seen], config=_only("seen")) as (server, engine):
        asr = f"{NAME}/mock_asr"
        direct = await server.engine.run(TranscribeRequest(audio=sound, runner="mock_asr"))
        for given in ({"audio": sound}, {"file": str(file)}):
            heard = await engine.run(TranscribeRequest(**given, model=asr))
            assert heard.text == direct.text
        assert (await engine.run(ChatRequest((look,), model=f"{NAME}/mock_vlm"))).text
        kept = server.app.uploads
        await until(lambda: not list(kept.folder.glob("upload-*")))  # errands have no event


async def _speaking() -> AsyncIterator[bytes]:
    for _ in range(4):
        yield pcm(0.25)


async def test_a_live_source_is_sent_when_it_has_ended(tmp_path: Path) -> None:
    async with pair(tmp_path) as (server, engine):
        heard = await engine.run(
            TranscribeRequest(live=_speaking(), sample_rate=16_000, model=f"{NAME}/mock_asr")
        )
        direct = TranscribeRequest(audio=pcm(0.25) * 4, sample_rate=16_000, runner="mock_asr")
        assert heard.text == (await server.engine.run(direct)).text
    assert [note.field for note in heard.adjustments] == ["live"]


async def test_their_models_are_listed_under_our_name(tmp_path: Path) -> None:
    async with pair(tmp_path) as (_, engine):
        (found,) = [models for name, models in (await engine.models()).items() if name == NAME]
    names = {model.id: model for model in found}
    assert found[0].id == AUTO
    assert names["mock_tts"].capabilities == (Capability.TTS,)
    assert names["mock_tts"].metadata == {"mock": True}
    assert all(model.id == AUTO or "/" in model.id or model.id in names for model in found)


async def test_two_servers_that_name_each_other_end_in_a_clear_error(tmp_path: Path) -> None:
    async with serving(tmp_path / "one", ledger=False) as one:
        two_config = configured(one.url)
        async with serving(tmp_path / "two", config=two_config, ledger=False) as two:
            settings = {"runner_parameters": {"peer": {"base_url": two.url}}}
            async with one.client() as client:
                await _save(client, settings)
                path = "/".join(["peer", NAME] * 4)
                started = time.perf_counter()
                with pytest.raises(UnavailableError) as caught:
                    await client.run(ChatRequest.of("Hi", model=path, strict=True))
                listed = await client.models()
            async with two.client() as client:
                assert await client.models()
    assert time.perf_counter() - started < 10
    assert caught.value.detail == "loop"
    assert "name each other" in caught.value.message
    assert not any("/".join(["peer", NAME]) in m.id for m in listed.get("peer", ()))


async def _save(client: Any, settings: dict[str, Any]) -> None:
    body = msgspec.json.encode(settings)
    headers = {"content-type": "application/json"}
    await client._connection.ask("PATCH", "/v2/settings", dict, data=body, headers=headers)


async def test_a_key_opens_the_door_and_is_never_told(tmp_path: Path) -> None:
    async with serving(tmp_path / "x", app={"authenticate": keys(tmp_path / "k")}) as server:
        request = ChatRequest.of("Hi", model=f"{NAME}/mock_llm", strict=True)
        async with beside(tmp_path / "a", server.url, api_key=KEY) as engine:
            assert (await engine.run(request)).text
        wrong = "brz_" + "wrong" * 8
        async with beside(tmp_path / "b", server.url, api_key=wrong) as engine:
            with pytest.raises(AuthenticationError) as caught:
                await engine.run(msgspec.structs.replace(request, id=new_id()))
    assert wrong not in repr(caught.value.info())


async def test_who_leaves_here_is_noticed_there(tmp_path: Path) -> None:
    gate = Gate()
    slow = Script([TextDelta("x"), gate, Finish()])
    silent = Script([gate, Finish()])
    runners = [scripted("slow", slow), scripted("silent", silent)]
    async with pair(tmp_path, runners=runners, config=_only("slow")) as (_, engine):
        for name, script, first in (("slow", slow, True), ("silent", silent, False)):
            gate.started.clear()
            stream = engine.stream(ChatRequest.of("Hi", model=f"{NAME}/{name}", strict=True))
            reading = asyncio.ensure_future(anext(stream))
            if first:
                await reading
            await gate.started.wait()
            left = time.perf_counter()
            if not first:
                engine.cancel(stream.request_id)
            await stream.aclose()
            async with asyncio.timeout(5):
                await script.calls[-1].over.wait()
            assert time.perf_counter() - left < 0.1
            if not first:
                with pytest.raises(RunnerError):
                    await reading


def _finish(**fields: Any) -> bytes:
    return msgspec.json.encode({"type": "finish", **fields})


ODD = [
    ((HEAD, lines(b'{"type":"text","text":"x"}'), END), "cut"),
    ((HEAD, lines(b'{"type":"text","text":"x"}')), "cut"),
    ((HEAD, lines(b'{"type":"text",'), END), "malformed"),
    ((HEAD, lines(b'{"type":"audio","data":"","index":0,"sample_rate":1}'), END), "malformed"),
    ((b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\nhi",), "malformed"),
    ((b"HTTP/1.1 404 X\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\nhi",), "stranger"),
]


@pytest.mark.parametrize(("answer", "detail"), ODD)
async def test_what_is_no_sound_answer_is_an_error(answer: Any, detail: str) -> None:
    async with raw(answer) as server:
        runner = PeerRunner(PeerParameters.of({"base_url": server.url}))
        await runner.load("")
        with pytest.raises(RunnerError) as caught:
            async for _ in runner.stream(ChatRequest.of("Hi")):
                pass
        await runner.unload()
    assert caught.value.detail == detail


async def test_signs_of_life_and_unknown_fields_are_passed_over() -> None:
    said = b'{"type":"text","text":"x","tone":"glad"}'
    life, more = b"1\r\n\n\r\n", asyncio.Event()
    async with raw((HEAD, life, more.wait, lines(said, _finish(new=1)), END)) as server:
        runner = PeerRunner(PeerParameters.of({"base_url": server.url}))
        await runner.load("")
        seen = []
        async for event in runner.stream(ChatRequest.of("Hi")):
            seen.append(event)
            more.set()
        await runner.unload()
    assert seen == [ALIVE, TextDelta("x"), Finish()]
    assert b"x-breeze-hops: 1" in server.asked[0]


async def test_nobody_there(tmp_path: Path) -> None:
    async with beside(tmp_path, "http://127.0.0.1:9") as engine:
        with pytest.raises(UnavailableError):
            await engine.run(SpeakRequest("Hi"))
        with pytest.raises((NotFoundError, UnavailableError)):
            await engine.run(SpeakRequest("Hi", model="no-such-model"))


def test_parameters() -> None:
    runner = PeerRunner(PeerParameters.of({}))
    assert "base_url" in str(runner.check())
    for wrong in ("ftp://x", "http://127.0.0.1:8765/v1", "http://u:p@h"):
        assert not PeerParameters.validate_parameters({"base_url": wrong}).ok
    clear = {"base_url": "http://gpu.example:8765", "api_key": "brz_1"}
    assert PeerParameters.validate_parameters(clear).warnings[0].field == "base_url"
    assert PeerRunner(PeerParameters.of({"base_url": "https://gpu.example"})).check() is None
