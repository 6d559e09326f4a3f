"""Disks that are really full: small ones, mounted for a test."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from breeze.contracts.errors import DownloadError
from breeze.models import Pulling
from breeze.testing.standins.hub import HubStandin
from tests.models.archives import tarred, zipped
from tests.models.hub import MB, fetched, opened, pulled, safetensors


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 12 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    try:
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=12m", "none", place],
            capture_output=True,
            text=True,
        )
    except OSError as error:
        pytest.skip(f"no disk can be mounted here: {error}")
    if made.returncode:
        pytest.skip(f"no disk can be mounted here: {made.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


async def test_what_does_not_fit_is_refused_before_the_first_byte(disk: Path) -> None:
    async with HubStandin.serving() as hub, opened(disk / "models", hub) as store:
        hub.add("org/name", {"w.safetensors": safetensors(20 * MB)})
        with pytest.raises(DownloadError, match=r"20\.00 MB are to be fetched, but the disk of"):
            await pulled(store, "hf:org/name")
        assert hub.sent == []
        assert store.models() == ()


async def test_a_disk_that_fills_up_meanwhile_leaves_no_half_model(disk: Path) -> None:
    weights = safetensors(8 * MB)
    async with HubStandin.serving() as hub, opened(disk / "models", hub) as store:
        hub.add("org/name", {"w.safetensors": weights})
        hub.hold_after = 3 * MB
        async with aclosing(store.pull("hf:org/name")) as events:
            async for event in events:
                if isinstance(event, Pulling) and event.done > MB:
                    break
        other = disk / "of-somebody-else"
        with other.open("wb", buffering=0) as file, pytest.raises(OSError, match="space"):
            file.writelines(bytes(MB // 4) for _ in range(100))
        hub.open_gate()
        with pytest.raises(DownloadError, match=r"is full\. Free some space") as caught:
            await pulled(store, "hf:org/name")
        assert (caught.value.detail, store.models()) == ("disk_full", ())
        assert [pull.stage for pull in store.pulls()] == ["failed"]
        other.unlink()
        model = await pulled(store, "hf:org/name")
        assert (model.folder / "w.safetensors").read_bytes() == weights
        assert max(fetched(hub, "cdn")) <= 2


@pytest.mark.parametrize("form", ["zip", "tar.bz2"])
async def test_what_does_not_fit_unpacked_is_refused(disk: Path, form: str) -> None:
    files = {f"m/{n}": bytes(4 * MB) for n in range(4)}
    async with HubStandin.serving() as hub, opened(disk / "models", hub) as store:
        hub.plain[f"m.{form}"] = zipped(files) if form == "zip" else tarred(files)
        with pytest.raises(DownloadError, match="unpacked, but the disk of") as caught:
            await pulled(store, f"{hub.origin}/files/m.{form}")
        assert (caught.value.detail, store.models()) == ("disk_full", ())
        assert sum(p.stat().st_size for p in disk.rglob("*") if p.is_file()) < MB
