"""What pictures cost is counted for the day, also over restarts, and can be limited."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest

from breeze.contracts.errors import QuotaError, UnavailableError
from breeze.contracts.requests import DrawRequest
from breeze.runners._runware_notes import Notes, Sent, Spending
from breeze.testing.standins.runware import PRICE, RunwareStandin
from tests.runners.runware_bench import draw, prompts, running, sent


@pytest.fixture
async def vendor() -> AsyncIterator[RunwareStandin]:
    async with RunwareStandin.serving() as served:
        yield served


async def test_the_limit_counts_over_restarts(vendor: RunwareStandin, tmp_path: Path) -> None:
    limit = 5.5 * PRICE
    async with running(vendor, home=tmp_path, daily_limit=limit) as runner:
        assert len((await draw(runner, DrawRequest(prompts(3)))).images) == 3
    async with running(vendor, home=tmp_path, daily_limit=limit) as runner:
        await draw(runner, DrawRequest(prompts(2)))
        with pytest.raises(QuotaError, match=r"daily limit of \$0.00715 are spent") as caught:
            await draw(runner, DrawRequest(prompts(1)))
        assert caught.value.detail == "daily_limit"
    assert len(sent(vendor)) == 5


async def test_the_limit_stops_a_batch_in_its_middle(vendor: RunwareStandin) -> None:
    async with running(vendor, daily_limit=5 * PRICE, batch_size=2, in_flight=1) as runner:
        answer = await draw(runner, DrawRequest(prompts(10)))
    assert (len(answer.images), {f.error.code for f in answer.failures}) == (4, {"E402"})
    assert vendor.work.cost <= 5 * PRICE


async def test_near_the_limit_it_is_said(vendor: RunwareStandin) -> None:
    async with running(vendor, daily_limit=10 * PRICE, warn_at=0.5) as runner:
        first = await draw(runner, DrawRequest(prompts(4)))
        then = await draw(runner, DrawRequest(prompts(1)))
    assert "spent_today" not in (first.metadata or {})
    facts = then.metadata or {}
    assert facts["spent_today"] == pytest.approx(5 * PRICE)
    assert facts["daily_limit"] == pytest.approx(10 * PRICE)


async def test_another_account_has_its_own_day(vendor: RunwareStandin, tmp_path: Path) -> None:
    async with running(vendor, home=tmp_path, daily_limit=PRICE) as runner:
        await draw(runner, DrawRequest.of("a sea"))
        with pytest.raises(QuotaError):
            await draw(runner, DrawRequest.of("a sea"))
    vendor.key = "other-key"
    async with running(vendor, home=tmp_path, daily_limit=PRICE, api_key="other-key") as runner:
        await draw(runner, DrawRequest.of("a sea"))
    names = [file.name for file in (tmp_path / "runware").iterdir()]
    assert len(names) == 2
    assert not any("key" in name for name in names)


def test_a_new_day_begins_at_nothing(tmp_path: Path) -> None:
    day = [date(2026, 11, 21)]
    spending = Spending(Notes(tmp_path, "spent", lambda: day[0]))
    spending.add("one", 2.0)
    spending.add("one", 2.0)  # told again after a restart
    assert spending.today == 2.0
    day[0] = date(2026, 11, 22)
    assert spending.today == 0.0
    spending.add("one", 2.0)  # a poll over midnight
    assert spending.today == 0.0
    spending.check(1.0)


def test_a_line_that_was_cut_does_no_harm(tmp_path: Path) -> None:
    notes = Notes(tmp_path, "spent", lambda: date(2026, 11, 21))
    Spending(notes).add("one", 0.5)
    with (tmp_path / "spent-2026-11-21.log").open("a") as file:
        file.write("garbage\ntwo 0.2")
    assert Spending(Notes(tmp_path, "spent", lambda: date(2026, 11, 21))).today == 0.5


def test_what_was_sent_is_remembered_for_a_week(tmp_path: Path) -> None:
    day = [date(2026, 11, 21)]
    Sent(Notes(tmp_path, "sent", lambda: day[0])).add(["a", "b"], named=True)
    later = Sent(Notes(tmp_path, "sent", lambda: day[0]))
    day[0] = date(2026, 11, 27)
    assert later.among(["a", "c"], named=True) == {"a"}
    assert later.among(["a"], named=False) == set()
    day[0] = date(2026, 11, 28)
    assert later.among(["a"], named=True) == set()


async def test_what_cannot_be_noted_is_not_sent(vendor: RunwareStandin, tmp_path: Path) -> None:
    (tmp_path / "runware").touch()
    async with running(vendor, home=tmp_path) as runner:
        with pytest.raises(UnavailableError, match="nothing is paid twice"):
            await draw(runner, DrawRequest(prompts(1), keys=("k",)))
    assert sent(vendor) == []


def test_a_servers_names_and_prices_are_believed_as_far_as_they_can_be(tmp_path: Path) -> None:
    """A name is no line of its own, a price no number that swallows all others."""
    spending = Spending(Notes(tmp_path, "spent-x"))
    for name in ("a b", "c\nd 999", "\u00e9", "e" * 500, "\ud800"):
        spending.add(name, 1.0)
    (file,) = tmp_path.iterdir()
    with file.open("a") as more:
        more.write("n nan\ni inf\nm -5.0\n")
    again = Spending(Notes(tmp_path, "spent-x"))
    again.add("a b", 1.0)  # known already
    assert again.today == spending.today == 5.0
    with pytest.raises(QuotaError):
        again.check(5.0)
