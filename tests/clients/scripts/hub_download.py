"""Downloads of the official client: one file, a whole repository, and what is refused."""

from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)


def one_file() -> Any:
    return len(Path(hf_hub_download("org/name", "model.safetensors")).read_bytes())


def whole_repository() -> Any:
    folder = Path(snapshot_download("org/name"))
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def many_pages() -> Any:
    return len(list(HfApi().list_repo_tree("org/many", recursive=True)))


def renamed() -> Any:
    return Path(hf_hub_download("org/old", "config.json")).read_text()


def refused() -> Any:
    found = []
    for name, file, revision, kind in (
        ("org/none", "a", "main", RepositoryNotFoundError),
        ("org/name", "none", "main", EntryNotFoundError),
        ("org/name", "config.json", "v9", RevisionNotFoundError),
        ("org/gated", "config.json", "main", GatedRepoError),
    ):
        try:
            hf_hub_download(name, file, revision=revision)
        except kind as error:
            found.append(type(error).__name__)
    return found
