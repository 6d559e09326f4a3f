"""Downloads: only from where they may come, verified, named, whole or not there."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from breeze.contracts.errors import DownloadError
from breeze.contracts.requests import DrawRequest
from breeze.runners._runware_download import policy_of
from breeze.runners._runware_files import Shelf, slug
from breeze.runners._runware_parameters import RunwareParameters
from breeze.testing.standins.runware import RunwareStandin
from tests.http.leavers import until
from tests.runners.runware_bench import Hasty, draw, expected, prompts, running, sent

NAME = re.compile(r"[0-9a-f]{16}_runware-100-1_\d{8}T\d{6}\.\d{6}Z\.(png|jpg|webp)")


@pytest.fixture
async def vendor() -> AsyncIterator[RunwareStandin]:
    async with RunwareStandin.serving() as served:
        yield served


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
async def test_pictures_are_kept_under_the_home(
    vendor: RunwareStandin, tmp_path: Path, form: str
) -> None:
    request = DrawRequest(prompts(2), format=form)  # type: ignore[arg-type]  # one of the three
    async with running(vendor, home=tmp_path) as runner:
        answer = await draw(runner, request)
    for picture, prompt in zip(answer.images, prompts(2), strict=True):
        file = Path(picture.file)
        assert file.parent == tmp_path / "media" / "images"
        assert NAME.fullmatch(file.name)
        assert file.read_bytes() == picture.data == expected(vendor, prompt)
        assert (picture.mime, picture.width) == (f"image/{form}", 512)


async def test_the_folder_can_be_another_or_none(vendor: RunwareStandin, tmp_path: Path) -> None:
    async with running(vendor, home=tmp_path, folder=str(tmp_path / "mine")) as runner:
        answer = await draw(runner, DrawRequest.of("a sea"))
        assert Path(answer.images[0].file).parent == tmp_path / "mine"
    async with running(vendor, home=tmp_path, keep=False) as runner:
        answer = await draw(runner, DrawRequest.of("a sea"))
    assert (answer.images[0].file, bool(answer.images[0].data)) == ("", True)
    assert not (tmp_path / "media").exists()


def test_names_are_harmless() -> None:
    assert slug("runware:100@1") == "runware-100-1"
    assert slug("../../etc/passwd\0") == "etc-passwd"
    assert slug("Łódź ☂") == "d"
    assert slug("☂") == "picture"


@pytest.mark.parametrize(
    "fault", ["altered", "length-long", "length-short", "stream-cut", "html-page", "gzip"]
)
async def test_a_file_that_is_not_what_it_should_be_is_fetched_again(
    vendor: RunwareStandin, tmp_path: Path, fault: str
) -> None:
    vendor.images.fault(fault, times=2)
    clock = Hasty()
    async with running(vendor, home=tmp_path, clock=clock) as runner:
        answer = await draw(runner, DrawRequest.of("a sea"))
    assert answer.images[0].data == expected(vendor, "a sea")
    assert [seconds for seconds in clock.slept if seconds >= 1] == [1, 2]
    assert len(list((tmp_path / "media" / "images").iterdir())) == 1
    assert len(vendor.work.billed) == 1


async def test_when_it_never_comes_that_is_told_and_nothing_is_left(
    vendor: RunwareStandin, tmp_path: Path
) -> None:
    vendor.images.fault("altered", times=None)
    async with running(vendor, home=tmp_path) as runner:
        with pytest.raises(DownloadError, match="the picture is made and paid"):
            await draw(runner, DrawRequest.of("a sea"))
    assert list((tmp_path / "media" / "images").iterdir()) == []
    vendor.images.heal()


async def test_downloads_run_beside_one_another(vendor: RunwareStandin) -> None:
    vendor.images.fault("stall", times=None)
    async with running(vendor, downloads=3) as runner:
        reading = asyncio.create_task(draw(runner, DrawRequest(prompts(4))))
        await until(lambda: len(vendor.images.calls) == 3)
        assert vendor.images.open_connections == 3
        reading.cancel()
        await asyncio.wait([reading])
    vendor.images.heal()


async def test_others_do_not_suffer_from_one_that_does_not_come(
    vendor: RunwareStandin, tmp_path: Path
) -> None:
    vendor.images.fault("error-500", times=1)
    async with running(vendor, home=tmp_path, retries=0) as runner:
        answer = await draw(runner, DrawRequest(prompts(4)))
    assert (len(answer.images), [f.error.code for f in answer.failures]) == (3, ["E500"])
    assert answer.usage is not None
    assert answer.usage.cost == pytest.approx(vendor.work.cost)  # it was paid all the same


async def test_what_is_too_large_is_not_fetched_to_its_end(
    vendor: RunwareStandin, tmp_path: Path
) -> None:
    vendor.images.fault("endless", times=None)
    async with running(vendor, home=tmp_path, max_megabytes=1, timeout=5, retries=0) as runner:
        with pytest.raises(DownloadError):
            await draw(runner, DrawRequest.of("a sea"))
    assert list((tmp_path / "media" / "images").iterdir()) == []
    vendor.images.heal()


@pytest.mark.parametrize("fault", ["redirect", "redirect-private"])
async def test_a_link_leads_nowhere_else(vendor: RunwareStandin, fault: str) -> None:
    vendor.images.fault(fault, times=None)
    async with running(vendor) as runner:
        with pytest.raises(DownloadError, match="where nothing may be fetched"):
            await draw(runner, DrawRequest.of("a sea"))
    assert len(vendor.images.calls) == 1
    vendor.images.heal()


def test_only_the_vendors_host_of_pictures_is_asked() -> None:
    policy = policy_of(RunwareParameters.of({"api_key": "k"}))
    assert (policy.hosts, policy.networks, policy.ports) == (("im.runware.ai",), (), ())
    other = RunwareParameters.of({"api_key": "k", "image_hosts": "a.example, b.example"})
    assert policy_of(other).hosts == ("a.example", "b.example")


async def test_pictures_may_come_within_the_answer(vendor: RunwareStandin, tmp_path: Path) -> None:
    """Some models send no link, whatever is asked for."""
    vendor.images.fault("altered", times=None)
    vendor.work.inline = "base64Data"
    async with running(vendor, home=tmp_path) as runner:
        answer = await draw(runner, DrawRequest.of("a sea"))
    assert answer.images[0].data == expected(vendor, "a sea")
    assert vendor.images.calls == []
    vendor.images.heal()


async def test_the_cache_gives_what_was_made_before(vendor: RunwareStandin, tmp_path: Path) -> None:
    async with running(vendor, home=tmp_path, cache=True) as runner:
        first = await draw(runner, DrawRequest(prompts(2), count=2, seed=4))
        again = await draw(runner, DrawRequest(prompts(3), count=2, seed=4))
        other = await draw(runner, DrawRequest(prompts(1), count=2, seed=5))
    assert [p.data for p in again.images[:4]] == [p.data for p in first.images]
    assert [task["positivePrompt"] for task in sent(vendor)] == [
        *prompts(2), prompts(3)[2], prompts(1)[0],
    ]  # fmt: skip
    assert again.usage is not None
    assert again.usage.cost == pytest.approx(2 * 0.0013)
    assert other.images[0].data != first.images[0].data


async def test_a_kept_file_that_is_broken_is_not_given(
    vendor: RunwareStandin, tmp_path: Path
) -> None:
    async with running(vendor, home=tmp_path, cache=True) as runner:
        first = await draw(runner, DrawRequest.of("a sea"))
        Path(first.images[0].file).write_bytes(first.images[0].data[:40])
        await draw(runner, DrawRequest.of("a sea"))
    assert len(sent(vendor)) == 2


def test_what_killed_processes_left_is_swept(tmp_path: Path) -> None:
    with Shelf(tmp_path).part() as mine:
        dead = tmp_path / ".4194303-0123456789abcdef.part"
        other = tmp_path / "holiday.png"
        dead.touch()
        other.touch()
        Shelf(tmp_path).sweep()
        assert (dead.exists(), mine.exists(), other.exists()) == (False, True, True)
    assert not mine.exists()
