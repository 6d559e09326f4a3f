"""Atomic writes, locks and private files."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from breeze.config import locked, write_atomically
from breeze.config.files import make_private
from breeze.contracts.errors import UnavailableError


@pytest.fixture
def open_umask() -> Iterator[None]:
    """The laxest umask there is."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_write_makes_folders_and_leaves_only_the_file(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b" / "file.json"
    write_atomically(file, b"one")
    write_atomically(file, b"two")
    assert file.read_bytes() == b"two"
    assert [entry.name for entry in file.parent.iterdir()] == ["file.json"]


def test_a_reader_keeps_the_version_it_opened(tmp_path: Path) -> None:
    file = tmp_path / "file.json"
    write_atomically(file, b"old")
    with file.open("rb") as reader:
        write_atomically(file, b"new and longer")
        assert reader.read() == b"old"


@pytest.mark.usefixtures("open_umask")
@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_the_mode_is_right_from_the_start(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "file.json"
    write_atomically(file, b"{}", mode=mode)
    assert mode_of(file) == mode


def test_a_stricter_file_stays_strict(tmp_path: Path) -> None:
    file = tmp_path / "file.json"
    write_atomically(file, b"{}", mode=0o600)
    write_atomically(file, b"[]", mode=0o644)
    assert mode_of(file) == 0o600


def test_a_link_is_written_through(tmp_path: Path) -> None:
    real, link = tmp_path / "real" / "settings.json", tmp_path / "settings.json"
    write_atomically(real, b"old")
    link.symlink_to(real)
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"


def test_a_refused_write_changes_nothing_and_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"not a folder")
    with pytest.raises(UnavailableError, match="nothing was changed") as refused:
        write_atomically(tmp_path / "file" / "inside.json", b"{}")
    assert "allow writing there" in refused.value.message
    assert (tmp_path / "file").read_bytes() == b"not a folder"


def test_one_at_a_time(tmp_path: Path) -> None:
    """Threads that read, add one and write under the lock lose no count."""
    file = tmp_path / "count"
    file.write_bytes(b"0")

    def add() -> None:
        for _ in range(20):
            with locked(file):
                write_atomically(file, str(int(file.read_bytes()) + 1).encode())

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert file.read_bytes() == b"80"


def test_a_lock_that_is_held_too_long_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    told: list[str] = []

    def wait() -> None:
        try:
            with locked(file, timeout=0.05):
                told.append("got it")
        except UnavailableError as error:
            told.append(error.message)

    with locked(file):
        thread = threading.Thread(target=wait)
        thread.start()
        thread.join()
    assert told == [f"{file} is in use by another process for 0.05 s; stop it or try again."]


def test_a_lock_is_free_again_after_a_failure(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    with pytest.raises(ZeroDivisionError), locked(file):
        _ = 1 / 0
    with locked(file, timeout=0):
        assert not file.exists()


def test_the_next_holder_sweeps_what_a_killed_writer_left(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    stale = tmp_path / ".settings.json.0123456789abcdef.tmp"
    strangers = [tmp_path / name for name in (".other.json.01.tmp", "settings.json.tmp", ".x")]
    for path in (stale, *strangers):
        path.write_bytes(b"half")
    with locked(file):
        assert not stale.exists()
        assert all(path.exists() for path in strangers)


def test_a_folder_that_cannot_be_made_cannot_be_locked(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(UnavailableError, match="cannot be locked"),
        locked(tmp_path / "file" / "settings.json"),
    ):
        pytest.fail("the block must not run")


@pytest.mark.parametrize(
    ("before", "after"), [(0o644, 0o600), (0o666, 0o600), (0o440, 0o400), (0o600, 0o600)]
)
def test_private_means_private(tmp_path: Path, before: int, after: int) -> None:
    file = tmp_path / "secrets.json"
    file.touch()
    file.chmod(before)
    assert make_private(file) is (before != after)
    assert mode_of(file) == after


def test_nothing_is_made_private_where_nothing_is(tmp_path: Path) -> None:
    assert make_private(tmp_path / "secrets.json") is False
