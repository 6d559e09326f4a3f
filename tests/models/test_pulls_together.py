"""Pulls that are joined, stopped, killed, and gone on with."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.errors import CancelledError, NotFoundError
from breeze.contracts.model_files import Installed
from breeze.models import Pulling
from breeze.testing.standins.hub import HubStandin
from tests.models.hub import MB, fetched, opened, pulled, safetensors
from tests.models.process import begin

WEIGHTS = safetensors(8 * MB)
SLOW = 0.4
"""Share of a file after which a hub of these tests falls silent."""


async def begun(events: AsyncGenerator[Pulling | Installed], least: int = 1) -> Pulling:
    """The first state in which so many bytes are there."""
    async for event in events:
        assert isinstance(event, Pulling)
        if event.done >= least:
            return event
    raise AssertionError("it ended before")


def silent(hub: HubStandin) -> None:
    """From now on a file's second half is held back until `open_gate`."""
    hub.hold_after = 3 * MB


async def test_two_readers_share_one_pull_and_one_may_leave(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as store:
        hub.add("org/name", {"w.safetensors": WEIGHTS})
        silent(hub)
        async with aclosing(store.pull("hf:org/name")) as first:
            await begun(first)
            other = asyncio.create_task(pulled(store, "hf:org/name"))
            await asyncio.sleep(0)
        assert [p.stage for p in store.pulls()] == ["pull"]
        hub.open_gate()
        assert (await other).id == "org/name"
        assert max(fetched(hub, "cdn")) == 1


async def test_a_pull_survives_the_one_who_asked(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as store:
        hub.add("org/name", {"w.safetensors": WEIGHTS})
        async with aclosing(store.pull("hf:org/name")) as reader:
            await anext(reader)
        await pulled(store, "hf:org/name")
        assert max(fetched(hub, "cdn")) == 1


async def test_paused_and_gone_on_with(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as store:
        hub.add("org/name", {"w.safetensors": WEIGHTS})
        silent(hub)
        reader = store.pull("hf:org/name")
        await begun(reader, MB)
        state = await store.pause("org/name")
        assert (state.stage, state.done > 0) == ("paused", True)
        with pytest.raises(CancelledError, match="paused"):
            async for _ in reader:
                pass
        assert [p.stage for p in store.pulls()] == ["paused"]
        hub.open_gate()
        assert (await store.resume("org/name")).id == "org/name"
        await pulled(store, "hf:org/name")
        assert max(fetched(hub, "cdn")) <= 2
        assert store.pulls() == ()


async def test_cancelled_and_forgotten(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as store:
        hub.add("org/name", {"w.safetensors": WEIGHTS})
        silent(hub)
        reader = store.pull("hf:org/name")
        await begun(reader, MB)
        await store.cancel("org/name")
        with pytest.raises(CancelledError, match="cancelled"):
            async for _ in reader:
                pass
        assert (store.pulls(), store.models()) == ((), ())
        assert [f for f in (tmp_path / ".pulls").rglob("*") if f.is_file()] == []
        for change in (store.pause, store.resume, store.cancel):
            with pytest.raises(NotFoundError, match="no pull"):
                await change("org/name")
        hub.open_gate()


@pytest.mark.parametrize("by", ["who fetches", "who waits"])
async def test_a_pull_that_is_cancelled_is_so_for_those_who_wait_elsewhere(
    tmp_path: Path, by: str
) -> None:
    """Two stores on one folder are as two workers of a server are."""
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as one:
        hub.add("org/name", {"w.safetensors": WEIGHTS})
        silent(hub)
        first = one.pull("hf:org/name")
        await begun(first, MB)
        async with opened(tmp_path, hub) as other:
            second = other.pull("hf:org/name")
            await begun(second, MB)
            await (one if by == "who fetches" else other).cancel("org/name")
            for reader in (first, second):
                with pytest.raises(CancelledError, match="cancelled"):
                    async for _ in reader:
                        pass
            assert (one.pulls(), other.pulls()) == ((), ())
        hub.open_gate()


async def test_what_closing_leaves_is_collected_or_gone_on_with(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub:
        hub.add("org/name", {"w.safetensors": WEIGHTS})
        silent(hub)
        async with opened(tmp_path, hub) as store:
            await begun(store.pull("hf:org/name"), MB)
        async with opened(tmp_path, hub) as store:
            assert [p.stage for p in store.pulls()] == ["stopped"]
            assert (await store.collect(older_than=3600)).what == ()
            freed = await store.collect()
            assert (freed.what, freed.bytes > MB // 2) == (("org/name",), True)
            hub.open_gate()
            await pulled(store, "hf:org/name")


async def _line(process: subprocess.Popen[str], enough: Any) -> str:
    """The first line of output of which `enough(words)` is true."""
    assert process.stdout is not None
    while line := await asyncio.to_thread(process.stdout.readline):
        if enough(line.split()):
            return line.strip()
    raise AssertionError("it ended before")


def _ended(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    process.stdout.close()
    process.wait(20)


async def test_processes_share_one_pull_and_stop_each_other(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as store:
        hub.add("org/name", {"w.safetensors": WEIGHTS})
        silent(hub)
        other = begin(tmp_path, hub.origin, "hf:org/name")
        try:
            await _line(other, lambda words: words[0] == "pull" and int(words[1]) > MB)
            joined = asyncio.create_task(pulled(store, "hf:org/name"))
            async with aclosing(store.pull("hf:org/name")) as reader:
                await begun(reader)
            assert [p.stage for p in store.pulls()] == ["pull"]
            hub.open_gate()
            assert (await joined).id == "org/name"
            await _line(other, lambda words: words[0] == "installed")
            assert max(fetched(hub, "cdn")) == 1
            hub.close_gate()
            await store.remove("org/name")
        finally:
            other.kill()
            _ended(other)
        other = begin(tmp_path, hub.origin, "hf:org/name")
        try:
            await _line(other, lambda words: words[0] == "pull" and int(words[1]) > MB)
            assert (await store.pause("org/name")).stage == "paused"
            assert "paused" in await _line(other, lambda words: words[0] == "error")
        finally:
            other.kill()
            _ended(other)
        hub.open_gate()


async def test_a_full_disk_is_said_and_leaves_no_half_model(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as store:
        hub.add("org/name", {"w.safetensors": WEIGHTS})
        full = begin(tmp_path, hub.origin, "hf:org/name", limit=3 * MB)
        try:
            said = await _line(full, lambda words: words[0] == "error")
        finally:
            full.kill()
            _ended(full)
        assert said.startswith("error disk_full")
        assert "Free some space" in said
        assert store.models() == ()
        await pulled(store, "hf:org/name")  # there is room now
        assert max(fetched(hub, "cdn")) <= 2


@pytest.mark.slow
async def test_two_hundred_megabytes_with_drops_and_three_kills(tmp_path: Path) -> None:
    weights = safetensors(200 * MB)
    async with HubStandin.serving(strict=False) as hub, opened(tmp_path, hub) as store:
        hub.add("org/name", {"w.safetensors": weights})
        hub.cut_every = 7 * MB
        for share in (0.2, 0.45, 0.7):
            least = int(len(weights) * share)
            hub.hold_after = least + MB  # or a slow test would kill it at another place
            process = begin(tmp_path, hub.origin, "hf:org/name")
            await _line(process, lambda w, n=least: w[0] == "pull" and int(w[1]) >= n)
            process.kill()  # SIGKILL
            _ended(process)
        assert [p.stage for p in store.pulls()] == ["stopped"]
        hub.hold_after = None
        model = await pulled(store, "hf:org/name")
        file = model.folder / "w.safetensors"
        with file.open("rb") as found:
            digest = hashlib.file_digest(found, "sha256").hexdigest()
        assert digest == hashlib.sha256(weights).hexdigest()
        times = fetched(hub, "cdn")
        assert max(times) <= 2
        assert min(times) >= 1
        assert sum(times) < 1.2 * len(weights)
