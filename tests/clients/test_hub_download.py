"""The official client takes the stand-in of a hub for a hub."""

from __future__ import annotations

from pathlib import Path

import pytest

from breeze.testing.standins.hub import HubStandin
from tests.clients.scripted import outcomes
from tests.models.hub import safetensors

pytestmark = pytest.mark.timeout(900)  # the first run installs the client
FILES = {
    "config.json": b"{}", "model.safetensors": safetensors(2_000_000), "sub/vocab.txt": b"a\n",
}  # fmt: skip


async def test_the_official_client_downloads_from_the_stand_in(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub:
        hub.add("org/name", FILES)
        hub.add("org/many", {f"{n:03}.txt": b"x" for n in range(120)})
        hub.add("org/old", {}, moved_to="org/name")
        hub.add("org/gated", FILES, gated=True)
        told = await outcomes("huggingface", "hub_download", tmp_path, HF_ENDPOINT=hub.origin)
        keys = {call.headers.get("authorization") for call in hub.calls}
    assert {name: said.get("returned", said) for name, said in told.items()} == {
        "one_file": len(FILES["model.safetensors"]),
        "whole_repository": sorted(FILES),
        "many_pages": 120,
        "renamed": "{}",
        "refused": [
            "RepositoryNotFoundError", "RemoteEntryNotFoundError", "RevisionNotFoundError",
            "GatedRepoError",
        ],
    }  # fmt: skip
    assert keys == {None}
