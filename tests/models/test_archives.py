"""Models that come as archives: unpacked on the way, and never beyond their folder."""

from __future__ import annotations

import asyncio
import tarfile
from contextlib import aclosing
from pathlib import Path

import pytest

from breeze.contracts.errors import CancelledError, DownloadError, InputError
from breeze.contracts.model_files import ModelDefinition, ModelFile
from breeze.models import Catalogue, Pulling
from breeze.models.unpack import unpack
from breeze.testing.standins.hub import HubStandin
from tests.models.archives import tarred, zipped
from tests.models.hub import MB, opened, pulled, safetensors

VOSK = {
    "vosk-model-x/am/final.mdl": b"\0B acoustic",
    "vosk-model-x/conf/model.conf": b"--beam=10\n",
    "vosk-model-x/README": b"by somebody",
}


@pytest.mark.parametrize(
    ("name", "data"),
    [("m.zip", zipped(VOSK)), ("m.tar.bz2", tarred(VOSK)), ("m.tar.gz", tarred(VOSK, "gz")),
     ("m.tar", tarred(VOSK, ""))],
)  # fmt: skip
async def test_an_archive_becomes_a_model(tmp_path: Path, name: str, data: bytes) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as store:
        hub.plain[name] = data
        model = await pulled(store, f"{hub.origin}/files/{name}")
        assert (model.id, model.definition.runner) == ("m", "vosk")
        assert (model.entry / "am/final.mdl").read_bytes() == b"\0B acoustic"
        assert sorted(p.name for p in model.folder.iterdir()) == [
            "README", "am", "conf", "model.json"
        ]  # fmt: skip
        assert (await store.verify("m")).good == (
            "am/final.mdl", "conf/model.conf", "README"
        )  # fmt: skip
        assert store.pulls() == ()
        assert [p for p in (tmp_path / ".pulls").rglob("*") if p.is_file()] == []


async def test_unpacking_is_told_as_a_stage(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as store:
        hub.plain["m.zip"] = zipped(VOSK)
        events = [e async for e in store.pull(f"{hub.origin}/files/m.zip")]
        states = [e for e in events if isinstance(e, Pulling)]
        stages = list(dict.fromkeys(state.stage for state in states))
        assert stages == ["resolve", "pull", "unpack", "check", "publish"]
        unpacking = next(state for state in states if state.stage == "unpack")
        assert unpacking.total == len(hub.plain["m.zip"])


async def test_a_catalogue_names_an_archive_with_its_digest_and_files_beside_it(
    tmp_path: Path,
) -> None:
    async with HubStandin.serving() as hub:
        hub.plain |= {"m.zip": zipped(VOSK), "more.txt": b"more"}
        files = tuple(ModelFile(n, urls=(f"{hub.origin}/files/{n}",)) for n in hub.plain)
        good = ModelDefinition("v", "vosk", files=files)
        bad = ModelDefinition(
            "b", "vosk", files=(ModelFile("m.zip", urls=files[0].urls, sha256="0" * 64),)
        )
        async with opened(tmp_path, hub, Catalogue([good, bad])) as store:
            model = await pulled(store, "v")
            assert (model.folder / "more.txt").read_bytes() == b"more"
            assert (model.folder / "conf/model.conf").is_file()
            with pytest.raises(DownloadError, match="digest"):
                await pulled(store, "b")
            assert [m.id for m in store.models()] == ["v"]


async def test_an_archive_of_a_repository_is_unpacked_when_it_is_asked_for(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as store:
        hub.add("org/name", {"m.tar.bz2": tarred(VOSK), "config.json": b"{}"})
        model = await pulled(store, "hf:org/name:m.tar.bz2")
        assert (model.folder / "am/final.mdl").is_file()
        whole = await pulled(store, "hf:org/name")
        assert (whole.folder / "m.tar.bz2").is_file()


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"../evil": b"x"}, "stay within"),
        ({"a/../../evil": b"x"}, "stay within"),
        ({"/etc/evil": b"x"}, "stay within"),
        ({"C:/evil": b"x"}, "stay within"),
        ({"a\\..\\evil": b"x"}, "stay within"),
        ({"nul.txt": b"x"}, "plain name"),
        ({"a/x": b"1", "A/y": b"2"}, "another case"),
        ({"a": b"1", "A": b"2"}, "another case"),
        ({"a": b"1", "a/b": b"2"}, "twice"),
        ({"a/b": b"1", "a": b"2"}, "twice"),
        ({}, "no file"),
        ({"a": bytes(120 * MB)}, "would become"),
        ({f"._{n}": b"" for n in range(10_001)}, "10000 files"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
@pytest.mark.parametrize("form", ["zip", "tar"])
def test_what_means_harm_is_refused(
    tmp_path: Path, files: dict[str, bytes], why: str, form: str
) -> None:
    path = tmp_path / f"m.{'zip' if form == 'zip' else 'tar.gz'}"
    path.write_bytes(zipped(files) if form == "zip" else tarred(files, "gz"))
    with pytest.raises(InputError, match=why):
        unpack(path, tmp_path / "in" / "model")
    around = {p for p in tmp_path.rglob("*") if p.is_file()}
    assert all(p == path or (tmp_path / "in" / "model") in p.parents for p in around)


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
)
def test_a_link_or_device_is_refused(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "m.tar"
    path.write_bytes(tarred({"a": b"/etc/passwd"}, "", kind))
    with pytest.raises(InputError, match="link or a device"):
        unpack(path, tmp_path / "in")


@pytest.mark.parametrize("mode", [0o120777, 0o020666])
def test_a_link_in_a_zip_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "m.zip"
    path.write_bytes(zipped({"a": b"/etc/passwd"}, mode))
    with pytest.raises(InputError, match="link or a device"):
        unpack(path, tmp_path / "in")


def test_a_tar_that_tells_without_end_is_refused(tmp_path: Path) -> None:
    """Attributes of files are read into memory: 300 MB of them must not be."""
    out = tarfile.TarInfo("pax")
    out.type, out.size = tarfile.XHDTYPE, 300 * MB
    path = tmp_path / "m.tar"
    with path.open("wb") as file:
        file.write(out.tobuf())
        file.truncate(out.size + 2048)
    with pytest.raises(InputError, match="says more"):
        unpack(path, tmp_path / "in")


@pytest.mark.parametrize(
    ("name", "data"),
    [("m.zip", zipped(VOSK)), ("m.tbz2", tarred(VOSK)), ("m.tgz", tarred(VOSK, "gz")),
     ("m.tar", tarred(VOSK, "")[:4096])],
)  # fmt: skip
def test_a_damaged_archive_never_does_more_than_fail(
    tmp_path: Path, name: str, data: bytes
) -> None:
    path = tmp_path / name
    refused = 0
    for n in range(100):
        at = n * 7919 % len(data)
        path.write_bytes(data[:at] + bytes([data[at] ^ (1 << n % 8)]) + data[at + 1 + n % 3 :])
        try:
            unpack(path, tmp_path / f"in-{n}")
        except InputError:
            refused += 1
    assert refused > 10
    assert {p.name.partition("-")[0] for p in tmp_path.iterdir()} == {name, "in"}


def test_what_a_desktop_leaves_in_archives_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "m.zip"
    path.write_bytes(zipped({"__MACOSX/._a": b"x", "./m/a": b"1", "m/.DS_Store": b"x"}))
    assert [file.path for file in unpack(path, tmp_path / "in")] == ["m/a"]


@pytest.mark.parametrize("form", ["zip", "tar.bz2"])
async def test_there_must_be_room_for_what_is_in_it(tmp_path: Path, form: str) -> None:
    files = {f"m/{n}": bytes(2 * MB) for n in range(5)}
    async with HubStandin.serving() as hub, opened(tmp_path, hub, quota=5 * MB) as store:
        hub.plain[f"m.{form}"] = zipped(files) if form == "zip" else tarred(files)
        with pytest.raises(DownloadError, match="unpacked, but models take") as caught:
            await pulled(store, f"{hub.origin}/files/m.{form}")
        assert caught.value.detail == "quota"
        assert store.models() == ()
        assert not list(tmp_path.rglob("unpacked"))


async def test_what_is_in_it_is_looked_at(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as store:
        hub.plain["lie.zip"] = zipped({"m.safetensors": safetensors(1000)[:-4]})
        hub.plain["code.zip"] = zipped({"m/w.bin": b"\x80\x04\x95" + bytes(20)})
        for name, why in (("lie", "not a sound model file"), ("code", "pickled")):
            with pytest.raises(InputError, match=why):
                await pulled(store, f"{hub.origin}/files/{name}.zip")
        assert store.models() == ()


async def test_forms_that_are_not_unpacked_are_refused_before_a_byte_comes(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as store:
        with pytest.raises(InputError, match="not unpacked here"):
            await pulled(store, f"{hub.origin}/files/m.7z")
        assert hub.calls == []


async def test_a_pull_that_is_paused_while_it_unpacks_goes_on(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as store:
        hub.plain["m.tar"] = tarred({f"m/{n}": bytes(MB) for n in range(60)} | VOSK, "")
        url = f"{hub.origin}/files/m.tar"
        async with aclosing(store.pull(url)) as events:
            async for event in events:
                if isinstance(event, Pulling) and event.stage == "unpack":
                    break
            paused = await store.pause("m")
        hub.sent.clear()
        assert (paused.stage, list(tmp_path.rglob("unpacked"))) == ("paused", [])
        model = await asyncio.wait_for(pulled(store, url), 30)
        assert (model.folder / "m/59").stat().st_size == MB
        assert hub.sent == []


async def test_a_pull_that_is_cancelled_while_it_unpacks_leaves_nothing(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path, hub) as store:
        hub.plain["m.tar"] = tarred({f"m/{n}": bytes(MB) for n in range(60)}, "")
        async with aclosing(store.pull(f"{hub.origin}/files/m.tar")) as events:
            async for event in events:
                if isinstance(event, Pulling) and event.stage == "unpack":
                    break
            await store.cancel("m")
            with pytest.raises(CancelledError, match="cancelled"):
                await anext(events)
        assert [p for p in (tmp_path / ".pulls").rglob("*") if p.is_file()] == []
