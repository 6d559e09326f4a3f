"""Files sent ahead: whole or not at all, the sender's own, for a while, within limits."""

from __future__ import annotations

import asyncio
import hashlib
import os
import resource
import stat
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from breeze.contracts.errors import InputError, NotFoundError, TooLargeError, UnavailableError
from breeze.service.uploads import MIB, Upload, UploadLimits, Uploads

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


async def sent(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "uploads", UploadLimits(spare=0))


async def keep(uploads: Uploads, data: bytes = PNG, owner: str = "anna", **facts: str) -> Upload:
    return await uploads.receive(sent(data[:10], data[10:]), owner, **facts)  # type: ignore[arg-type]


def left(uploads: Uploads) -> list[Path]:
    return sorted(uploads.folder.iterdir()) if uploads.folder.exists() else []


async def test_a_file_comes_back_as_it_was_sent(uploads: Uploads) -> None:
    kept = await keep(uploads)
    found = uploads.get(kept.id, "anna")
    assert found.path.read_bytes() == PNG
    assert (found.size, found.mime) == (len(PNG), "image/png")
    assert found.sha256 == hashlib.sha256(PNG).hexdigest()
    assert 0 < found.expires_in <= uploads.limits.keep
    assert found._replace(expires_in=0) == kept._replace(expires_in=0)


async def test_only_this_user_of_the_machine_can_read_it(uploads: Uploads) -> None:
    kept = await keep(uploads)
    for path in (kept.path, kept.path.with_name("about.json")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for folder in (kept.path.parent, uploads.folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_another_sender_does_not_see_it(uploads: Uploads) -> None:
    kept = await keep(uploads)
    for other in ("", "berta", "Anna"):
        with pytest.raises(NotFoundError):
            uploads.get(kept.id, other)
        with pytest.raises(NotFoundError):
            uploads.remove(kept.id, other)
    assert uploads.get(kept.id, "anna")


@pytest.mark.parametrize(
    "id",
    [
        "", ".", "..", "../anna", "upload-", "/etc/passwd", "upload-%2e%2e", "upload-\0",
        "upload-" + "0" * 36, "upload-00000000-0000-4000-8000-000000000000/../x", "UPLOAD-X",
        "upload-00000000-0000-4000-8000-000000000000", "x" * 10_000,
        "upload-00000000-0000-4000-8000-00000000000\N{FULLWIDTH DIGIT ONE}",
    ],
)  # fmt: skip
async def test_what_is_no_id_of_ours_is_not_there(uploads: Uploads, id: str) -> None:
    await keep(uploads)
    for action in (uploads.get, uploads.remove):
        with pytest.raises(NotFoundError):
            action(id, "anna")
    assert len(left(uploads)) == 1


async def test_ids_cannot_be_guessed_from_one_another(uploads: Uploads) -> None:
    ids = {(await keep(uploads)).id for _ in range(20)}
    assert len({id[:16] for id in ids}) == 20


async def test_what_the_bytes_show_counts_more_than_what_was_said(uploads: Uploads) -> None:
    assert (await keep(uploads, PNG, mime="audio/wav")).mime == "image/png"
    assert (await keep(uploads, b"no magic", mime="audio/L16; rate=16000")).mime == "audio/l16"
    assert (await keep(uploads, b"no magic", mime="text/html\r\nx: y")).mime.startswith(
        "application/"
    )


async def test_a_file_is_gone_when_its_time_is_over_and_its_bytes_a_little_later(
    tmp_path: Path,
) -> None:
    ahead = 0.0
    uploads = Uploads(tmp_path, UploadLimits(keep=60, spare=0), now=lambda: time.time() + ahead)
    kept = await keep(uploads)
    ahead = 61.0
    with pytest.raises(NotFoundError):
        uploads.get(kept.id, "anna")
    assert kept.path.exists()  # a request that waits in a queue may still need it
    assert uploads.sweep() == 0
    ahead = 61.0 + 600.0
    await keep(uploads)
    assert not kept.path.exists()
    assert len(left(uploads)) == 1


async def test_an_empty_file_is_refused(uploads: Uploads) -> None:
    with pytest.raises(InputError):
        await uploads.receive(sent(b""), "anna")
    assert left(uploads) == []


async def test_too_large_a_file_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path, UploadLimits(size=3 * MIB, spare=0))
    with pytest.raises(TooLargeError):
        await uploads.receive(sent(*[bytes(MIB)] * 4), "anna")
    with pytest.raises(TooLargeError):
        await uploads.receive(sent(), "anna", size=3 * MIB + 1)
    assert left(uploads) == []


async def test_all_files_together_have_a_limit_too(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path, UploadLimits(total=2500, spare=0))
    for _ in range(2):
        await keep(uploads, bytes(1000))
    with pytest.raises(UnavailableError) as caught:
        await keep(uploads, bytes(1000))
    assert caught.value.data["status"] == 507
    few = Uploads(tmp_path, UploadLimits(files=2, spare=0))
    with pytest.raises(UnavailableError):
        await keep(few)
    assert len(left(uploads)) == 2


async def test_a_disk_without_room_is_noticed_before_and_in_the_middle(tmp_path: Path) -> None:
    room = [10 * MIB]
    uploads = Uploads(tmp_path, UploadLimits(spare=5 * MIB), free=lambda _: room[0])
    with pytest.raises(UnavailableError, match="disk is full"):
        await uploads.receive(sent(), "anna", size=6 * MIB)

    async def filling() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield bytes(MIB)
            room[0] = 4 * MIB
        raise AssertionError("all of it was taken")

    with pytest.raises(UnavailableError) as caught:
        await uploads.receive(filling(), "anna")
    assert (caught.value.detail, caught.value.retry_after) == ("no_room", 60)
    assert left(uploads) == []


async def test_a_disk_that_refuses_is_an_answer_and_no_crash(uploads: Uploads) -> None:
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MIB, usual[1]))
    try:
        with pytest.raises(UnavailableError) as caught:
            await uploads.receive(sent(*[bytes(MIB)] * 4), "anna")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert caught.value.data["status"] == 507
    assert left(uploads) == []


async def test_a_folder_that_cannot_be_made_is_an_answer_too(tmp_path: Path) -> None:
    (tmp_path / "uploads").write_text("in the way")
    with pytest.raises(UnavailableError):
        await keep(Uploads(tmp_path / "uploads", UploadLimits(spare=0)))


async def test_nothing_stays_when_the_sender_leaves_in_the_middle(uploads: Uploads) -> None:
    reached = asyncio.Event()

    async def stalling() -> AsyncIterator[bytes]:
        yield bytes(3 * MIB)
        reached.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(uploads.receive(stalling(), "anna"))
    await reached.wait()
    assert len(left(uploads)) == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert left(uploads) == []


async def test_what_a_crash_left_behind_goes_but_not_what_is_being_written(
    uploads: Uploads,
) -> None:
    kept = await keep(uploads)
    old = time.time() - 3600
    for name in (".dead.part", ".alive.part", "upload-without-about"):
        (uploads.folder / name).mkdir()
        (uploads.folder / name / "data").write_bytes(b"half")
        os.utime(uploads.folder / name / "data", (old, old))
        os.utime(uploads.folder / name, (old, old))
    os.utime(uploads.folder / ".alive.part" / "data")
    assert Uploads(uploads.folder).sweep() == 2
    assert {path.name for path in left(uploads)} == {kept.id, ".alive.part"}


async def test_a_file_outlives_the_process_that_took_it(uploads: Uploads) -> None:
    kept = await keep(uploads)
    assert Uploads(uploads.folder).get(kept.id, "anna").path == kept.path


async def test_a_removed_file_is_gone_at_once(uploads: Uploads) -> None:
    kept = await keep(uploads)
    uploads.remove(kept.id, "anna")
    with pytest.raises(NotFoundError):
        uploads.get(kept.id, "anna")
    assert left(uploads) == []


async def test_a_link_in_the_folder_is_not_followed_to_somebody_elses_file(
    uploads: Uploads, tmp_path: Path
) -> None:
    kept = await keep(uploads)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "data").write_text("precious")
    (uploads.folder / "link").symlink_to(outside)
    os.utime(outside / "data", (0, 0))
    os.utime(outside, (0, 0))
    uploads.sweep()
    assert (outside / "data").read_text() == "precious"
    assert uploads.get(kept.id, "anna")


async def test_only_its_own_files_are_held(uploads: Uploads) -> None:
    kept = await keep(uploads)
    assert uploads.holds(str(kept.path))
    for path in ("/etc/passwd", str(uploads.folder / ".." / "x" / "data"), f"{kept.path}/../../y"):
        assert not uploads.holds(path)


async def test_many_files_at_once_are_kept_apart(uploads: Uploads) -> None:
    contents = [bytes([i]) * 50_000 for i in range(16)]
    kept = await asyncio.gather(*(keep(uploads, data) for data in contents))
    assert [uploads.get(k.id, "anna").path.read_bytes() for k in kept] == contents
