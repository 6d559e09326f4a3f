"""A server's store of models, asked by a program without an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from breeze.client import SyncClient
from breeze.contracts.errors import InputError, NotFoundError
from breeze.contracts.events import Finish, Progress
from tests.http.test_models_store import NAME, shop
from tests.models.held import HeldHub

T = TypeVar("T")
ASKED = f"hf:{NAME}"


async def asked(work: Callable[[SyncClient], T], url: str) -> T:
    """`work` with a client, in a thread that has no event loop."""

    def run() -> T:
        with SyncClient(url) as client:
            return work(client)

    return await asyncio.to_thread(run)


async def test_a_model_is_pulled_listed_and_removed(tmp_path: Path) -> None:
    def work(client: SyncClient) -> None:
        with client.pull(ASKED) as events:
            *steps, last = events
        assert all(isinstance(step, Progress) for step in steps)
        assert last == Finish(metadata={"model_name": NAME})
        assert NAME in [model.id for model in client.shelf().installed]
        assert client.remove_model(NAME) > 400_000
        with pytest.raises(NotFoundError):
            client.remove_model(NAME)
        with pytest.raises(InputError), client.pull("hf:..") as events:
            next(events)

    async with shop(tmp_path) as (server, _):
        await asked(work, server.url)


async def test_who_leaves_does_not_stop_it_and_others_may(tmp_path: Path) -> None:
    def begun(client: SyncClient) -> None:
        with client.pull(ASKED) as events:
            assert isinstance(next(events), Progress)

    def changed(client: SyncClient) -> None:
        assert [(pull.id, pull.stage) for pull in client.shelf().pulls] == [(NAME, "pull")]
        assert client.pause_pull(NAME).stage == "paused"
        assert client.resume_pull(NAME).id == NAME
        client.cancel_pull(NAME)
        assert client.shelf().pulls == ()

    async with shop(tmp_path, HeldHub) as (server, hub):
        assert isinstance(hub, HeldHub)
        await asked(begun, server.url)
        await asyncio.wait_for(hub.reached.wait(), 10)
        await asked(changed, server.url)
        hub.gate.set()
