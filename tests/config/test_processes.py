"""Settings under several processes, under SIGKILL, and on a full disk."""

from __future__ import annotations

import multiprocessing
import random
import resource
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

import pytest

from breeze.config import Home, SettingsStore
from breeze.contracts.errors import RunnerError

LARGE = 300_000
KILLS = 100
VERSIONS = tuple(letter * LARGE for letter in "ab")


@pytest.fixture(scope="module")
def processes() -> Iterator[ForkServerContext]:
    """Cheap processes: they fork from one that has imported what they need."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["breeze.config", "filelock"])
    yield context
    for child in multiprocessing.active_children():
        child.kill()


def start(
    processes: ForkServerContext, work: Callable[..., None], *arguments: Any
) -> tuple[ForkServerProcess, Connection]:
    """A process that does `work(connection, *arguments)`, and our end of the connection."""
    ours, theirs = processes.Pipe()
    process = processes.Process(target=work, args=(theirs, *arguments))
    process.start()
    theirs.close()
    return process, ours


def finish(process: ForkServerProcess, connection: Connection) -> None:
    process.join()
    assert process.exitcode == 0
    process.close()
    connection.close()


def save_many(_: Connection, root: Path, writer: int, count: int) -> None:
    store = SettingsStore(Home(root))
    for number in range(count):
        store.set(f"writer{writer}", f"value_{number}", number, secret=False)
        store.set(f"writer{writer}", f"key_{number}", f"secret {number}", secret=True)


def test_writers_in_several_processes_lose_nothing(
    processes: ForkServerContext, tmp_path: Path
) -> None:
    writers, count = 4, 15
    started = [start(processes, save_many, tmp_path, n, count) for n in range(writers)]
    for process, connection in started:
        finish(process, connection)
    store = SettingsStore(Home(tmp_path))
    names = {f"writer{n}" for n in range(writers)}
    assert store.load().runner_parameters == {
        name: {f"value_{number}": number for number in range(count)} for name in names
    }
    assert store.secrets() == {
        name: {f"key_{number}": f"secret {number}" for number in range(count)} for name in names
    }


def save_for_ever(connection: Connection, root: Path) -> None:
    store = SettingsStore(Home(root))
    connection.send("ready")
    while True:
        for text in VERSIONS:
            store.set("writer", "text", text, secret=False)
            store.set("writer", "key", text, secret=True)


def spare_files(root: Path) -> list[Path]:
    return [path for path in root.iterdir() if path.suffix == ".tmp"]


def wait_for_a_moment(process: ForkServerProcess, root: Path, chance: random.Random) -> None:
    """Any moment, or, every other time, one in the middle of writing."""
    if chance.random() < 0.5:
        process.join(chance.uniform(0, 0.03))  # it never ends by itself
        return
    before = set(spare_files(root))
    while not set(spare_files(root)) - before:
        assert process.is_alive()


@pytest.mark.slow
def test_a_kill_in_the_middle_of_saving_leaves_one_whole_version(
    processes: ForkServerContext, tmp_path: Path
) -> None:
    store, chance, interrupted = SettingsStore(Home(tmp_path)), random.Random(7), 0
    for text in VERSIONS:
        store.set("writer", "text", text, secret=False)
        store.set("writer", "key", text, secret=True)
    for _ in range(KILLS):
        process, connection = start(processes, save_for_ever, tmp_path)
        assert connection.recv() == "ready"
        wait_for_a_moment(process, tmp_path, chance)
        process.kill()
        process.join()
        process.close()
        connection.close()
        assert store.load().runner_parameters["writer"]["text"] in VERSIONS
        assert store.secrets()["writer"]["key"] in VERSIONS
        left = len(spare_files(tmp_path))
        assert left <= 1  # each start sweeps what the one before left
        interrupted += left
    assert interrupted >= KILLS // 10, "the kills hardly ever met a save"
    store.set("writer", "text", "calm", secret=False)
    assert {path.name for path in tmp_path.iterdir()} == {
        "settings.json", ".settings.json.lock", "secrets.json", ".secrets.json.lock"
    }  # fmt: skip


def save_on_a_full_disk(connection: Connection, root: Path, secret: bool) -> None:
    """The disk has room for 50 kB in each file."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, resource.RLIM_INFINITY))
    try:
        SettingsStore(Home(root)).set("writer", "text", VERSIONS[0], secret=secret)
    except RunnerError as error:
        connection.send((error.code, error.message))


@pytest.mark.parametrize("secret", [False, True])
def test_a_full_disk_is_reported_and_the_old_file_stays(
    processes: ForkServerContext, tmp_path: Path, secret: bool
) -> None:
    store = SettingsStore(Home(tmp_path))
    store.set("writer", "text", "short", secret=secret)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    process, connection = start(processes, save_on_a_full_disk, tmp_path, secret)
    code, message = connection.recv()
    finish(process, connection)
    assert code == "E501"
    assert "could not be written: File too large; nothing was changed. Free some space" in message
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
