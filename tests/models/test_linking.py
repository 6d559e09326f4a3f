"""A model of another program becomes one of ours, and not a byte is copied."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from breeze.contracts.capability import Capability
from breeze.contracts.errors import InputError
from breeze.contracts.model_files import installed
from breeze.models.elsewhere import find
from breeze.models.elsewhere.found import Found
from breeze.models.linking import definition, link
from breeze.testing.standins.hub import HubStandin
from tests.models.disks import CacheDisk, OllamaDisk, gguf
from tests.models.hub import opened, pulled

PLACE = "registry.ollama.ai/library"


def only(program: str, folder: Path) -> Found:
    (model,) = find(program, {}, folder)
    return model


def test_a_linked_model_shares_its_bytes_with_the_other_program(tmp_path: Path) -> None:
    disk, root = OllamaDisk(tmp_path / "other"), tmp_path / "models"
    disk.model(f"{PLACE}/tiny/1b", model=gguf(general__license="mit"), projector=gguf())
    made = link(only("ollama", disk.folder), root)
    (here,) = installed(root, "llamacpp")
    assert here == made
    assert here.entry.name == "model.gguf"
    told = here.definition
    assert (told.id, told.links, told.context, told.licence) == ("tiny:1b", True, 2048, "mit")
    assert told.capabilities == (Capability.LLM, Capability.VLM)
    assert here.entry.stat().st_nlink == 2
    assert here.entry.read_bytes() == gguf(general__license="mit")


def test_what_makes_vectors_is_told_by_its_header(tmp_path: Path) -> None:
    disk = OllamaDisk(tmp_path)
    header = gguf(general__architecture="bert", bert__pooling_type=1)
    disk.model(f"{PLACE}/nomic/1", model=header)
    assert definition(only("ollama", tmp_path)).capabilities == (Capability.EMBEDDING,)


def test_a_file_that_lies_is_not_taken_up(tmp_path: Path) -> None:
    disk, root = OllamaDisk(tmp_path / "other"), tmp_path / "models"
    disk.model(f"{PLACE}/broken/1", model=gguf()[:40])
    with pytest.raises(InputError, match="broken:1.*GGUF"):
        link(only("ollama", disk.folder), root)
    assert installed(root) == ()


def test_what_cannot_be_used_says_why(tmp_path: Path) -> None:
    OllamaDisk(tmp_path).model(f"{PLACE}/cloud/1", license="x")
    with pytest.raises(InputError, match="cloud:1 has no file on this disk"):
        link(only("ollama", tmp_path), tmp_path / "models")


def test_links_of_the_cache_are_followed_once(tmp_path: Path) -> None:
    disk, root = CacheDisk(tmp_path / "hub"), tmp_path / "models"
    config = b'{"architectures": ["LlamaForCausalLM"]}'
    disk.model(
        "org/name", {"config.json": config, "model.safetensors": b"x", "sub/more.json": b"1"}
    )
    made = link(only("hf-cache", disk.folder), root)
    assert (made.definition.runner, made.entry) == ("transformers", made.folder)
    assert made.definition.capabilities == (Capability.LLM,)
    assert not (made.folder / "sub/more.json").is_symlink()
    assert (made.folder / "sub/more.json").read_bytes() == b"1"
    assert all(file.sha256 for file in made.definition.files)


def test_another_disk_is_reached_by_a_symbolic_link(tmp_path: Path) -> None:
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is one disk only")
    with TemporaryDirectory(dir=memory) as elsewhere:
        disk = OllamaDisk(Path(elsewhere))
        disk.model(f"{PLACE}/far/1", model=gguf())
        made = link(only("ollama", disk.folder), tmp_path / "models")
        assert made.entry.is_symlink()
        assert made.entry.read_bytes() == gguf()


async def test_links_count_neither_as_ours_nor_for_the_quota(tmp_path: Path) -> None:
    CacheDisk(tmp_path / "hub").model("org/linked", {"model.gguf": gguf() + bytes(3_000_000)})
    (found,) = find("hf-cache", {}, tmp_path / "hub")
    root = tmp_path / "models"
    link(found, root)
    async with HubStandin.serving() as hub, opened(root, hub, quota=4_000_000) as store:
        assert store.size("org/linked") < 2000
        await pulled(store, "hf:breeze/tiny")
        assert await store.remove("org/linked") < 2000
