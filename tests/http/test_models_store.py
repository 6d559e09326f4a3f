"""/v2/models: a server's store of models, seen and changed over HTTP and by our client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from breeze.client import Client
from breeze.contracts.errors import CancelledError, InputError, NotFoundError, RunnerError
from breeze.contracts.events import Finish, Progress
from breeze.contracts.shelf import PullStatus, Shelf
from breeze.contracts.wire import decode_event
from breeze.testing.standins.hub import HubStandin
from tests.http.conftest import Server, serving
from tests.http.raw import ask, request
from tests.models.held import HeldHub, supplied_by
from tests.models.hub import safetensors

FILES = {
    "config.json": b'{"architectures": ["LlamaForCausalLM"]}',
    "model.safetensors": safetensors(400_000),
}
NAME = "org/name"


@asynccontextmanager
async def shop(
    home: Path, kind: type[HubStandin] = HubStandin
) -> AsyncIterator[tuple[Server, HubStandin]]:
    """A server whose store knows a stand-in hub with one repository more."""
    async with kind.serving() as hub:
        hub.add(NAME, FILES)
        async with serving(home, supplier=supplied_by(hub)) as server:
            yield server, hub


async def all_of(client: Client, model: str, *, again: bool = False) -> list[Progress | Finish]:
    return [event async for event in client.pull(model, again=again)]


async def test_a_pull_is_a_stream_of_events(tmp_path: Path) -> None:
    async with shop(tmp_path) as (server, _):
        body = b'{"model": "hf:org/name"}'
        lines = request("POST", "/v2/models/pull", body, accept="application/x-ndjson")
        answer = await ask(server.url, lines)
        *steps, end = [decode_event(line) for line in answer.body.splitlines()]
        assert answer.status == 200
        assert all(isinstance(step, Progress) for step in steps)
        assert end == Finish(metadata={"model_name": NAME})
        frames = await ask(server.url, request("POST", "/v2/models/pull", body))
        assert frames.body.startswith(b"id: 1\ndata: {")


async def test_the_shelf_tells_what_is_there(tmp_path: Path) -> None:
    async with shop(tmp_path) as (server, _), server.client() as client:
        before = await client.shelf()
        assert [model.id for model in before.installed] == ["breeze-tiny"]
        assert before.installed[0].built_in
        assert "faster-whisper-tiny" in {model.id for model in before.catalogue}
        events = await all_of(client, "hf:org/name")
        assert isinstance(events[-1], Finish)
        after = await client.shelf()
        here = next(model for model in after.installed if model.id == NAME)
        assert (here.runner, here.links, after.pulls) == ("transformers", False, ())
        assert here.size > 400_000
        answer = await ask(server.url, request("GET", "/v2/models/store"))
        assert msgspec.json.decode(answer.body, type=Shelf) == after


async def test_a_model_is_removed_and_the_embedded_one_stays(tmp_path: Path) -> None:
    async with shop(tmp_path) as (server, _), server.client() as client:
        await all_of(client, "hf:org/name")
        assert await client.remove_model(NAME) > 400_000
        with pytest.raises(NotFoundError):
            await client.remove_model(NAME)
        with pytest.raises(InputError, match="came with the engine"):
            await client.remove_model("breeze-tiny")


async def test_a_pull_outlives_who_asked_for_it(tmp_path: Path) -> None:
    async with shop(tmp_path, HeldHub) as (server, hub), server.client() as client:
        assert isinstance(hub, HeldHub)
        watching = client.pull("hf:org/name")
        assert isinstance(await anext(watching), Progress)
        await asyncio.wait_for(hub.reached.wait(), 10)
        await watching.aclose()
        (pull,) = (await client.shelf()).pulls
        assert (pull.id, pull.stage) == (NAME, "pull")
        hub.gate.set()
        events = await all_of(client, "hf:org/name")
        assert isinstance(events[-1], Finish)
        assert sum("model.safetensors" in call.path for call in hub.calls) <= 2


async def test_a_pull_is_paused_resumed_and_cancelled(tmp_path: Path) -> None:
    async with shop(tmp_path, HeldHub) as (server, hub), server.client() as client:
        assert isinstance(hub, HeldHub)
        watching = asyncio.create_task(all_of(client, "hf:org/name"))
        await asyncio.wait_for(hub.reached.wait(), 10)
        paused = await client.pause_pull(NAME)
        assert (paused.id, paused.stage) == (NAME, "paused")
        with pytest.raises(CancelledError, match="aused"):
            await watching
        assert isinstance(await client.resume_pull(NAME), PullStatus)
        await client.cancel_pull(NAME)
        assert (await client.shelf()).pulls == ()
        with pytest.raises(NotFoundError):
            await client.pause_pull(NAME)
        hub.gate.set()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"model": "hf:no/such"}', 401),
        (b'{"model": "no-such-id"}', 404),
        (b'{"model": "hf:.."}', 400),
        (b'{"model": 7}', 400),
        (b'{"models": "x"}', 400),
        (b"{}", 400),
    ],
)
async def test_what_cannot_be_pulled_is_a_status(body: bytes, status: int, tmp_path: Path) -> None:
    async with shop(tmp_path) as (server, _):
        answer = await ask(server.url, request("POST", "/v2/models/pull", body))
        assert answer.status == status
        assert answer.json["message"]


@pytest.mark.parametrize(
    ("settings", "status", "why"),
    [
        ('"offline": true', 503, "nothing is fetched offline"),
        ('"quotaGb": 0.0001', 502, "of the 0.10 MB that they may"),
    ],
)
async def test_the_settings_hold_for_who_asks_over_http(
    settings: str, status: int, why: str, tmp_path: Path
) -> None:
    config = tmp_path / "config.json"
    config.write_text(f'{{"version": "2.0", "globalSettings": {{"models": {{{settings}}}}}}}')
    async with HubStandin.serving() as hub:
        hub.add(NAME, FILES)
        async with serving(tmp_path, supplier=supplied_by(hub), config=config) as server:
            body = b'{"model": "hf:org/name"}'
            answer = await ask(server.url, request("POST", "/v2/models/pull", body))
            assert (answer.status, why in answer.json["message"]) == (status, True)
        assert hub.sent == []


async def test_an_address_inside_is_not_fetched(tmp_path: Path) -> None:
    """The server's network is no place for callers to look around in."""
    async with shop(tmp_path) as (server, _), HubStandin.serving() as inside:
        inside.plain["secret.gguf"] = b"GGUF"
        async with server.client() as client:
            with pytest.raises(RunnerError, match="does not lead to a public server"):
                await all_of(client, f"{inside.origin}/files/secret.gguf")
        assert inside.calls == []
