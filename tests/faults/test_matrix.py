"""Every fault, at every moment, for every dialect: what the caller and the provider see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.faults.cases import Case, Seen, cases, observed, play
from tests.faults.dialects import DIALECTS, HERE, Dialect
from tests.faults.document import DOCUMENT, section
from tests.faults.judging import violations
from tests.faults.scene import Vendors, staged, vendors
from tests.faults.table import table


async def measured(dialect: Dialect, home: Path) -> tuple[dict[Case, Seen], list[str]]:
    """Every cell of a dialect, and what must not be in words."""
    seen: dict[Case, Seen] = {}
    wrong = []
    async with vendors(dialect) as played:
        healthy = await answers(played, home)
        for case in cases(dialect):
            try:
                seen[case] = await play(case, played, home)
                found = violations(case, seen[case], healthy[case.whole, case.request], dialect)
                wrong += [f"{case}: {words}" for words in found]
            except AssertionError as hang:
                wrong.append(f"{case}: {hang}")
            await played.reset()
    return seen, wrong


async def answers(played: Vendors, home: Path) -> dict[tuple[bool, Any], Seen]:
    """What is answered when nothing goes wrong, to each kind of request."""
    kinds = {(case.whole, case.request) for case in cases(played.dialect)}
    async with staged(played, home, second=False) as stage:
        healthy = {kind: await observed(stage, *kind) for kind in kinds}
    await played.reset()
    assert all(seen.well for seen in healthy.values()), healthy
    return healthy


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("dialect", HERE, ids=lambda dialect: dialect.name)
async def test_no_fault_breaks_a_promise_and_the_document_is_true(
    dialect: Dialect, tmp_path: Path
) -> None:
    seen, wrong = await measured(dialect, tmp_path)
    assert wrong == []
    assert section(DOCUMENT.read_text("utf-8"), dialect.name) == table(seen), "run tools/faults.py"


def test_rows_of_the_matrix_are_told_apart() -> None:
    assert len({dialect.name for dialect in DIALECTS}) == len(DIALECTS)
    assert HERE
