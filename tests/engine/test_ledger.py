"""The account of every attempt, on disk."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

import pytest
from msgspec.structs import replace

from breeze.engine.ledger import Ledger, Row


def row(request_id: str = "r1", status: str = "finished") -> Row:
    return Row(request_id, "s", "LLM", "one", "tiny", 1.0, 0.5, 0.1, status, "", 3, 7, 11)


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "deep" / "breeze.sqlite")
    ledger.add(row())
    ledger.add(row("r2", "cancelled"))
    assert ledger.rows() == [row(), row("r2", "cancelled")]
    assert ledger.rows("r2") == [row("r2", "cancelled")]
    ledger.close()


def test_nothing_is_made_before_the_first_row(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "breeze.sqlite")
    assert ledger.rows() == []
    ledger.close()
    assert list(tmp_path.iterdir()) == []


def test_a_second_engine_adds_to_the_same_file(tmp_path: Path) -> None:
    for name in ("r1", "r2"):
        ledger = Ledger(tmp_path / "breeze.sqlite")
        ledger.add(row(name))
        ledger.close()
    with sqlite3.connect(tmp_path / "breeze.sqlite") as database:
        found = database.execute("SELECT request_id, prompt_tokens FROM attempts").fetchall()
    database.close()
    assert found == [("r1", 7), ("r2", 7)]


def test_ten_thousand_rows_are_all_there(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "breeze.sqlite")
    for number in range(10_000):
        ledger.add(row(str(number)))
    assert [r.request_id for r in ledger.rows()] == [str(n) for n in range(10_000)]
    ledger.close()


def test_a_disk_that_fails_costs_rows_and_a_warning_but_no_request(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    ledger = Ledger(blocked / "breeze.sqlite")
    with caplog.at_level(logging.WARNING, logger="breeze.ledger"):
        ledger.add(row())
        ledger.flush()
    assert ledger.lost == 1
    assert "1 usage rows lost" in caplog.text
    ledger.close()


@pytest.mark.parametrize(
    "odd", [replace(row(), prompt_tokens=10**30), row("\ud800")], ids=["number", "text"]
)
def test_a_value_that_cannot_be_stored_costs_its_own_row_only(tmp_path: Path, odd: Row) -> None:
    ledger = Ledger(tmp_path / "breeze.sqlite")
    for each in (row("r1"), odd, row("r3")):
        ledger.add(each)
    assert ledger.rows() == [row("r1"), row("r3")]
    assert ledger.lost == 1
    ledger.close()


def test_no_path_keeps_no_account() -> None:
    ledger = Ledger(None)
    ledger.add(row())
    assert ledger.rows() == []
    ledger.close()
