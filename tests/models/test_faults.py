"""What becomes of a pull for each fault of the hub: the table in docs/faults.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from breeze.contracts.errors import RunnerError
from breeze.testing.standins.hub import HubStandin
from tests.faults.document import DOCUMENT
from tests.models.hub import opened, pulled, safetensors

WEIGHTS = safetensors(2_000_000)
PAGE = DOCUMENT.read_text("utf-8").partition("## The hub of models")[2]
TABLE = {
    (name, how): end.strip("` ")
    for name, how, end in re.findall(r"^\| `([a-z-]+)` \| (once|always) \| ([^|]+) \|$", PAGE, re.M)
}
VALUES = {"file-cut": ";after=700000", "file-altered": ";at=9"}


def test_the_table_has_every_fault_of_the_hub() -> None:
    assert {name for name, _ in TABLE} == {fault.name for fault in HubStandin.own_faults}


@pytest.mark.parametrize(("name", "how"), TABLE, ids="-".join)
async def test_a_fault_ends_as_the_page_says(name: str, how: str, tmp_path: Path) -> None:
    async with HubStandin.serving(strict=False) as hub, opened(tmp_path, hub, tries=3) as store:
        hub.add("org/name", {"config.json": b"{}", "w.safetensors": WEIGHTS})
        hub.cut_every = 600_000
        on = "GET /api" if name == "pages-endless" else "GET /cdn"
        hub.fault(name + VALUES.get(name, ""), on=on, times=1 if how == "once" else None)
        try:
            model = await pulled(store, "hf:org/name")
        except RunnerError as error:
            end = " ".join(filter(None, (error.code, error.detail)))
            assert store.models() == ()
        else:
            end = "the model"
            assert (model.folder / "w.safetensors").read_bytes() == WEIGHTS
        assert end == TABLE[name, how]
