"""`breeze pull` and `breeze models …`: files of models come, are looked after, and go."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from breeze.contracts.events import Finish, Progress
from breeze.testing.standins.hub import HubStandin
from tests.cli.conftest import Done, Shell
from tests.client.conftest import serving
from tests.models.held import HeldHub, supplied_by
from tests.models.hub import safetensors

CONFIG = b'{"architectures": ["LlamaForCausalLM"]}'
FILES = {"config.json": CONFIG, "model.safetensors": safetensors(400_000)}


@pytest.fixture
async def hub(breeze: Shell) -> AsyncIterator[HubStandin]:
    """A hub that the command knows, with `breeze/tiny` and `org/name`."""
    async with HubStandin.serving() as hub:
        hub.add("org/name", FILES)
        breeze.environ["HF_ENDPOINT"] = hub.origin
        yield hub


async def ran(breeze: Shell, *arguments: str, **environ: str) -> Done:
    """The command, while the hub goes on."""
    return await asyncio.to_thread(breeze, *arguments, **environ)


async def test_a_model_is_pulled_listed_verified_and_removed(
    breeze: Shell, hub: HubStandin
) -> None:
    done = await ran(breeze, "pull", "hf:org/name")
    assert (done.code, done.text, done.err) == (0, "", "installed: org/name\n")
    listed = await ran(breeze, "models", "--installed")
    line = next(line for line in listed.text.splitlines() if line.startswith("org/name"))
    assert line.split()[1:5] == ["transformers", "LLM", "401", "kB"]
    assert "2 models" in listed.err
    assert (await ran(breeze, "models", "verify")).err == "org/name: 2 files as they should be\n"
    gone = await ran(breeze, "models", "remove", "org/name")
    assert "removed: org/name (401 kB free)" in gone.err
    assert len((await ran(breeze, "models", "--installed", "--json")).out.splitlines()) == 1


async def test_a_program_reads_events(breeze: Shell, hub: HubStandin) -> None:
    done = await ran(breeze, "pull", "hf:org/name", "--json")
    *steps, end = done.events
    assert all(isinstance(step, Progress) for step in steps)
    assert end == Finish(metadata={"model_name": "org/name"})


async def test_an_altered_file_is_found_and_only_it_is_fetched(
    breeze: Shell, hub: HubStandin
) -> None:
    await ran(breeze, "pull", "hf:org/name")
    (weights,) = breeze.home.glob("models/*/model.safetensors")
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    found = await ran(breeze, "models", "verify", "org/name", "--json")
    assert found.code == 5
    assert json.loads(found.out)["bad"] == ["model.safetensors"]
    hub.sent.clear()
    assert (await ran(breeze, "pull", "org/name", "--again")).code == 0  # as `verify` has said
    assert len({path for path, _, _ in hub.sent}) == 1
    assert (await ran(breeze, "models", "verify")).code == 0


async def test_ctrl_c_stops_and_the_same_command_goes_on(breeze: Shell) -> None:
    async with HeldHub.serving() as hub:
        hub.add("org/name", FILES)
        breeze.environ["HF_ENDPOINT"] = hub.origin
        process = breeze.start("pull", "hf:org/name", stderr=-1)
        await asyncio.wait_for(hub.reached.wait(), 20)
        process.send_signal(signal.SIGINT)
        _, said = await asyncio.to_thread(process.communicate, timeout=20)
        assert process.returncode == 130
        assert "What has come is kept; go on with: breeze pull hf:org/name" in said.decode()
        coming = await ran(breeze, "models", "--installed")
        assert "org/name: stopped" in coming.err
        hub.gate.set()
        assert (await ran(breeze, "pull", "hf:org/name")).code == 0


async def test_leftovers_are_cleared_away(breeze: Shell) -> None:
    async with HeldHub.serving() as hub:
        hub.add("org/name", FILES)
        breeze.environ["HF_ENDPOINT"] = hub.origin
        process = breeze.start("pull", "hf:org/name", stderr=-1)
        await asyncio.wait_for(hub.reached.wait(), 20)
        process.kill()
        await asyncio.to_thread(process.communicate, timeout=20)
        hub.gate.set()
        assert (await ran(breeze, "models", "cancel", "org/name")).code == 0
        assert "org/name" not in (await ran(breeze, "models", "--installed")).err
        assert (await ran(breeze, "models", "gc")).code == 0
        assert (await ran(breeze, "models", "cancel", "org/name")).code != 0


async def test_offline_says_what_to_do(breeze: Shell, hub: HubStandin) -> None:
    done = await ran(breeze, "pull", "hf:org/name", "--offline")
    assert done.code == 5
    assert "E501" in done.err
    assert hub.calls == []


async def test_the_embedded_model_is_always_here(breeze: Shell) -> None:
    assert (await ran(breeze, "pull", "breeze-tiny")).err == "installed: breeze-tiny\n"
    refused = await ran(breeze, "models", "remove", "breeze-tiny")
    assert (refused.code, "came with the engine" in refused.err) == (2, True)


async def test_a_catalogue_of_ones_own_is_read(breeze: Shell, hub: HubStandin) -> None:
    breeze.home.mkdir()
    entry = {"id": "mine", "runner": "transformers", "source": "hf:org/name",
             "files": [{"fileName": name} for name in FILES]}  # fmt: skip
    (breeze.home / "catalogue.json").write_text(json.dumps({"models": [entry]}))
    listed = await ran(breeze, "models", "--catalogue")
    assert any(line.startswith("mine ") for line in listed.text.splitlines())
    assert (await ran(breeze, "pull", "mine")).err == "installed: mine\n"


async def test_a_broken_catalogue_is_named(breeze: Shell) -> None:
    breeze.home.mkdir()
    (breeze.home / "catalogue.json").write_text('{"models": [{"id": 7}]}')
    done = await ran(breeze, "models", "--catalogue")
    assert done.code == 2
    assert "catalogue.json, line 1: models[0].id: Expected `str`, got `int`" in done.err


async def test_a_server_pulls_for_itself(breeze: Shell, hub: HubStandin, tmp_path: Path) -> None:
    async with serving(tmp_path / "server", supplier=supplied_by(hub)) as server:
        done = await ran(breeze, "pull", "hf:org/name", "--url", server.url)
        assert (done.code, done.err) == (0, "installed: org/name\n")
        there = await ran(breeze, "models", "--installed", "--url", server.url)
        assert "org/name" in there.text
    assert not breeze.home.exists()


async def test_who_asks_for_a_model_that_is_not_here_hears_what_to_pull(breeze: Shell) -> None:
    done = await ran(breeze, "chat", "hello", "--model", "qwen2.5-0.5b-instruct")
    assert done.code == 4
    assert "not on this disk. Run: breeze pull qwen2.5-0.5b-instruct" in done.err


async def test_a_pull_that_rests_is_gone_on_with_by_its_id(breeze: Shell) -> None:
    async with HeldHub.serving() as hub:
        hub.add("org/name", FILES)
        breeze.environ["HF_ENDPOINT"] = hub.origin
        process = breeze.start("pull", "hf:org/name", stderr=-1)
        await asyncio.wait_for(hub.reached.wait(), 20)
        paused = await ran(breeze, "models", "pause", "org/name")
        assert "go on with: breeze models resume org/name" in paused.err
        await asyncio.to_thread(process.communicate, timeout=20)
        hub.gate.set()
        done = await ran(breeze, "models", "resume", "org/name")
        assert (done.code, done.err) == (0, "installed: org/name\n")
        assert (await ran(breeze, "models", "resume", "org/name")).code == 4


async def test_models_tells_what_is_on_the_disk_too(breeze: Shell, hub: HubStandin) -> None:
    await ran(breeze, "pull", "hf:org/name")
    done = await ran(breeze, "models")
    assert any(line.startswith("llamacpp/breeze-tiny") for line in done.text.splitlines())
    assert "on this disk: org/name for transformers (401 kB)" in done.err


async def test_a_servers_store_is_changed_from_here(
    breeze: Shell, hub: HubStandin, tmp_path: Path
) -> None:
    async with serving(tmp_path / "server", supplier=supplied_by(hub)) as server:
        await ran(breeze, "pull", "hf:org/name", "--url", server.url)
        gone = await ran(breeze, "models", "remove", "org/name", "--url", server.url)
        assert "removed: org/name" in gone.err
        for what in ("pause", "resume", "cancel"):
            refused = await ran(breeze, "models", what, "org/name", "--url", server.url)
            assert (refused.code, "no pull of org/name" in refused.err) == (4, True)
    assert not breeze.home.exists()


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ('"offline": true', "nothing is fetched offline"),
        ('"quotaGb": 0.0001', "models take 0.00 MB of the 0.10 MB that they may"),
    ],
)
async def test_the_settings_of_a_config_hold(
    breeze: Shell, hub: HubStandin, settings: str, why: str
) -> None:
    breeze.home.mkdir()
    (breeze.home / "config.json").write_text(
        f'{{"version": "2.0", "globalSettings": {{"models": {{{settings}}}}}}}'
    )
    done = await ran(breeze, "pull", "hf:org/name")
    assert (done.code, why in done.err) == (5, True)
    assert hub.sent == []
