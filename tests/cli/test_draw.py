"""Fifty prompts from a file: what fails is said, what is there is not made, or paid, again."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.errors import ErrorInfo, UnavailableError
from breeze.contracts.events import ImageFailed, ImageReady
from breeze.surfaces.cli._draw_batch import Saving
from breeze.surfaces.cli._draw_journal import NAME, Journal
from breeze.surfaces.cli._json import JsonView
from breeze.testing.standins._runware_pictures import picture
from breeze.testing.standins._runware_work import drawn
from breeze.testing.standins.runware import PRICE, RunwareStandin
from tests.cli.conftest import COMMAND, Done, Shell
from tests.http.leavers import until

FIFTY = [f"a lighthouse, number {i}" for i in range(50)]
BROKEN = {7, 17, 27, 37, 47}


@pytest.fixture
async def vendor() -> AsyncIterator[RunwareStandin]:
    async with RunwareStandin.serving() as served:
        yield served


@pytest.fixture
def shell(breeze: Shell, vendor: RunwareStandin) -> Shell:
    """The command, set up as the plan has it."""
    breeze.home.mkdir()
    (breeze.home / "config.yaml").write_text(
        f"""providers:
  image:
    runware:
      api_key: "test-key"
      base_url: {vendor.url}
      model: "runware:100@1"
      image_size: 128x192
      steps: 4
      rate_limit_delay: 0
      batch_size: 4
"""
    )
    return breeze


async def run(shell: Shell, *arguments: str) -> Done:
    return await asyncio.to_thread(shell, *arguments)


def write_prompts(shell: Shell) -> None:
    lines = [f"{p} fail:contentPolicyViolation" if i in BROKEN else p for i, p in enumerate(FIFTY)]
    (shell.folder / "prompts.txt").write_text("# fifty of them\n\n" + "\n".join(lines) + "\n")


def sent(vendor: RunwareStandin) -> list[dict[str, Any]]:
    tasks = [task for call in vendor.calls for task in call.json]
    return [task for task in tasks if task["taskType"] == "imageInference"]


def pictures(folder: Path) -> dict[int, bytes]:
    """The files that are there, by the place of their prompt."""
    return {int(f.name[:2]) - 1: f.read_bytes() for f in folder.glob("*.png")}


def wanted(vendor: RunwareStandin) -> dict[int, bytes]:
    """What must be there: computed from what the vendor was asked for."""
    found = {}
    for task in sent(vendor):
        prompt = task["positivePrompt"]
        if "fail:" not in prompt:
            found[FIFTY.index(prompt)] = picture(drawn(task, 0), 128, 192, "PNG")
    return found


async def test_a_batch_of_fifty_with_five_that_fail(shell: Shell, vendor: RunwareStandin) -> None:
    write_prompts(shell)
    done = await run(shell, "draw", "--batch", "prompts.txt", "--out", "pictures")
    assert done.code == 5, done.err
    folder = shell.folder / "pictures"
    assert pictures(folder) == wanted(vendor)
    assert len(pictures(folder)) == 45
    assert pictures(folder).keys().isdisjoint(BROKEN)
    complaints = [line for line in done.err.splitlines() if line.startswith("failed: ")]
    assert [line.split()[1] for line in complaints] == ["8", "18", "28", "38", "48"]
    assert complaints[0].startswith("failed: 8 (a lighthouse, number 7 fail:contentPolic…): G100 ")
    assert "contentPolicyViolation (stand-in). The server's content policy" in complaints[0]
    assert "45 pictures, 5 failed (run it again" in done.err
    assert f"45 pictures · ${45 * PRICE:.4f}" in done.err
    assert vendor.work.cost == pytest.approx(45 * PRICE)
    assert [f.name for f in folder.iterdir() if f.name.endswith((".tmp", ".part"))] == []


async def test_run_again_it_tries_what_failed_and_nothing_else(
    shell: Shell, vendor: RunwareStandin
) -> None:
    write_prompts(shell)
    await run(shell, "draw", "--batch", "prompts.txt", "--out", "pictures")
    calls, cost = len(sent(vendor)), vendor.work.cost
    (shell.folder / "pictures" / "01-a-lighthouse-number-0.png").unlink()
    again = await run(shell, "draw", "--batch", "prompts.txt", "--out", "pictures", "--json")
    assert again.code == 5
    assert len([e for e in again.events if isinstance(e, ImageReady)]) == 1
    assert {e.error.code for e in again.events if isinstance(e, ImageFailed)} == {"G100"}
    fresh = sent(vendor)[calls:]
    assert {FIFTY.index(t["positivePrompt"].partition(" fail")[0]) for t in fresh} == BROKEN
    assert vendor.work.cost == cost  # the lost file was made, and paid, before
    assert len(pictures(shell.folder / "pictures")) == 45


async def test_a_killed_run_goes_on_where_it_was(shell: Shell, vendor: RunwareStandin) -> None:
    write_prompts(shell)
    folder = shell.folder / "pictures"
    arguments = ("draw", "--batch", "prompts.txt", "--out", "pictures")
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *arguments, cwd=shell.folder, env=shell.environ,
        stderr=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    while len(pictures(folder)) < 10:  # noqa: ASYNC110  # another process writes them
        await asyncio.sleep(0.002)
    vendor.images.fault("stall", times=None)  # it is in the middle of downloads
    calls = len(vendor.images.calls)
    await until(lambda: len(vendor.images.calls) >= calls + 2)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    vendor.images.heal()
    there = len(pictures(folder))
    paid = len(vendor.work.billed)
    assert 10 <= there < 45
    assert paid >= there

    done = await run(shell, *arguments)
    assert done.code == 5, done.err
    assert f"{there} pictures are there" in done.err
    assert pictures(folder) == wanted(vendor)
    assert len(pictures(folder)) == 45
    tasks = [task["taskUUID"] for task in sent(vendor) if "fail:" not in task["positivePrompt"]]
    assert len(tasks) == len(set(tasks)) == 45
    assert len(vendor.work.billed) == 45
    kept = shell.home / "media" / "images"
    left = [f for place in (folder, kept) for f in place.iterdir() if f.suffix in (".tmp", ".part")]
    assert left == []


async def test_all_is_there(shell: Shell, vendor: RunwareStandin) -> None:
    (shell.folder / "two.txt").write_text("a sea\na hill\n")
    arguments = ("draw", "--batch", "two.txt", "--out", "deep/er", "--count", "2")
    first = await run(shell, *arguments)
    assert (first.code, first.text) == (0, "deep/er\n")
    names = sorted(f.name for f in (shell.folder / "deep" / "er").glob("*.png"))
    assert names == ["1-a-sea-1.png", "1-a-sea-2.png", "2-a-hill-1.png", "2-a-hill-2.png"]
    calls = len(vendor.calls)
    again = await run(shell, *arguments)
    assert (again.code, len(vendor.calls)) == (0, calls)
    assert "All 4 pictures are in deep/er" in again.err
    fresh = await run(shell, *arguments, "--fresh", "--format", "webp")
    assert (fresh.code, len(vendor.work.billed)) == (0, 4)
    assert len(list((shell.folder / "deep" / "er").glob("*.webp"))) == 4


async def test_a_folder_of_another_batch_is_left_alone(shell: Shell) -> None:
    (shell.folder / "one.txt").write_text("a sea\n")
    await run(shell, "draw", "--batch", "one.txt", "--out", "pictures")
    (shell.folder / "one.txt").write_text("a hill\n")
    done = await run(shell, "draw", "--batch", "one.txt", "--out", "pictures")
    assert done.code == 2
    assert "holds the pictures of another batch" in done.err


async def test_a_batch_of_which_nothing_comes_says_so(shell: Shell) -> None:
    (shell.folder / "bad.txt").write_text("a sea\na hill fail:contentPolicyViolation\n")
    arguments = ("draw", "--batch", "bad.txt", "--out", "p")
    first, again = await run(shell, *arguments), await run(shell, *arguments)
    assert (first.code, again.code) == (5, 3)
    assert "no picture was made for 2 (a hill fail:contentPolicyViolation)" in again.err


async def test_the_batch_is_drawn_by_any_runner(mocked: Shell) -> None:
    done = await run(mocked, "draw", "--batch", "-", "--out", "pictures")
    assert (done.code, "- holds no prompt" in done.err) == (2, True)
    (mocked.folder / "one.txt").write_text("a sea\na hill\n")
    done = await run(mocked, "draw", "--batch", "one.txt", "--out", "p", "--size", "64x64")
    assert done.code == 0, done.err
    assert sorted(f.name for f in (mocked.folder / "p").glob("*.png")) == [
        "1-a-sea.png", "2-a-hill.png",
    ]  # fmt: skip


async def test_a_picture_is_enlarged_and_cut_out(shell: Shell, vendor: RunwareStandin) -> None:
    (shell.folder / "photo.png").write_bytes(picture("x", 64, 64, "PNG"))
    for task in ("upscale", "remove_background"):
        done = await run(shell, "draw", "--task", task, "--image", "photo.png", "-o", f"{task}.png")
        assert done.code == 0, done.err
        assert (shell.folder / f"{task}.png").stat().st_size > 0
    done = await run(shell, "see", "photo.png", "What is it?", "--runner", "runware")
    assert done.text.startswith("A picture of ")
    assert [call.json[0]["taskType"] for call in vendor.calls[::2]] == [
        "upscale", "removeBackground", "caption",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("draw",), "Missing argument 'PROMPT'"),
        (("draw", "--batch", "x.txt"), "--batch FILE needs --out DIR"),
        (("draw", "--batch", "no.txt", "--out", "p"), "no.txt cannot be read"),
        (("draw", "a sea", "--out", "p"), "go with --batch FILE"),
        (("draw", "--task", "upscale"), "--task upscale needs --image FILE"),
        (("draw", "--task", "upscale", "--image", "work.txt"), "work.txt cannot be read"),
    ],
)
def test_what_cannot_be_meant_is_said(mocked: Shell, arguments: tuple[str, ...], says: str) -> None:
    done = mocked(*arguments)
    assert (done.code, says in done.err) == (2, True), done.err


async def test_partial_failure_of_one_prompt_is_not_silent(
    shell: Shell, vendor: RunwareStandin
) -> None:
    vendor.images.fault("model-missing", times=None, on="GET")
    done = await run(shell, "draw", "a sea", "--json", "--param", "retries=0")
    vendor.images.heal()
    assert done.code == 5
    last = done.events[-1]
    assert isinstance(last, ErrorInfo)
    assert last.code == "E500"


def test_the_journal_is_plain_lines(mocked: Shell) -> None:
    (mocked.folder / "one.txt").write_text("a sea\n")
    assert mocked("draw", "--batch", "one.txt", "--out", "p", "--size", "64x64").code == 0
    lines = (mocked.folder / "p" / ".breeze-draw.jsonl").read_text().splitlines()
    first, second = map(json.loads, lines)
    assert first.keys() == {"batch", "run", "pictures"}
    assert (second["prompt"], second["file"]) == (0, "1-a-sea.png")


def test_a_bar_shows_how_far_a_batch_is(mocked: Shell) -> None:
    terminals = pytest.importorskip("tests.cli.terminal", reason="these are POSIX ones")
    (mocked.folder / "some.txt").write_text("a sea\na hill\na wood\na town\na lake\n")
    slow = ("--param", "stream_chunk_delay_ms=400", "--size", "64x64")
    code, shown = terminals.run(mocked, "draw", "--batch", "some.txt", "--out", "p", *slow)
    assert (code, "drawing" in shown, "━" in shown) == (0, True, True), shown
    assert len(list((mocked.folder / "p").glob("*.png"))) == 5


async def test_near_the_daily_limit_a_person_is_told(shell: Shell) -> None:
    limit = ("--param", f"daily_limit={4 * PRICE}", "--param", "warn_at=0.5")
    first = await run(shell, "draw", "a sea", *limit)
    second = await run(shell, "draw", "a sea", "--count", "2", *limit)
    third = await run(shell, "draw", "a sea", "--count", "2", *limit)
    assert (first.code, "daily limit" in first.err) == (0, False)
    assert "$0.0039 of the daily limit of $0.0052 are spent" in second.err
    assert third.code == 5
    assert "E402 $0.0039 of the daily limit of $0.0052 are spent" in third.err


@pytest.mark.parametrize(
    "mime", ["image/../../../evil", "image/x/../../../evil", "/etc/evil", "image/png\x1b[2J", ""]
)
def test_what_a_server_says_a_picture_is_leads_out_of_no_folder(tmp_path: Path, mime: str) -> None:
    folder = tmp_path / "one" / "two"
    folder.mkdir(parents=True)
    path = Journal(folder, {}, ["a boat"], fresh=False).put(b"-", mime, 0, 0, {})
    assert path == folder / "1-a-boat.bin"
    assert {f for f in tmp_path.rglob("*") if f.is_file()} == {path, folder / NAME}


def test_a_file_that_a_server_names_is_none_of_ours(tmp_path: Path) -> None:
    own = tmp_path / "own.txt"
    own.write_text("private")
    folder = tmp_path / "pictures"
    folder.mkdir()
    journal = Journal(folder, {}, ["a boat"], fresh=False)
    event = ImageReady(b"", 0, "image/png", 1, 1, file=str(own))
    with pytest.raises(UnavailableError, match="gave no picture"):
        Saving(JsonView(), journal, [0], {"count": 1}, here=False).show(event)
    assert list(folder.glob("*.png")) == []


def test_a_sound_is_not_enlarged(mocked: Shell) -> None:
    (mocked.folder / "song.wav").write_bytes(b"RIFF\x24\0\0\0WAVEfmt ")
    done = mocked("draw", "--task", "upscale", "--image", "song.wav")
    assert (done.code, "song.wav is neither PNG, JPEG nor WebP" in done.err) == (2, True), done.err
