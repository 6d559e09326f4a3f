"""Names of files that came from elsewhere, and the folders of the store."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path, PurePosixPath

from breeze.contracts.errors import InputError
from breeze.contracts.model_files import MANIFEST, folder_name

_RESERVED = {"con", "prn", "aux", "nul", *(f"{n}{i}" for n in ("com", "lpt") for i in range(10))}
_LONGEST = 1024


def safe_path(name: str, field: str = "model") -> PurePosixPath:
    """`name` as a path within a model's folder. Raises InputError for one that leads elsewhere."""
    parts = name.split("/")
    if (
        len(name) > _LONGEST
        or not name.isprintable()
        or any(c in name for c in '\\:<>"|')
        or any(part in ("", ".", "..") or part.endswith((" ", ".")) for part in parts)
        or any(len(p.encode()) > 250 or p.partition(".")[0].lower() in _RESERVED for p in parts)
    ):
        raise InputError(
            f"{field}: {name[:120]!r} is no name for a file of a model: it must stay within the "
            "model's folder and be a plain name on every system.",
            field=field,
        )
    if name == MANIFEST:
        raise InputError(f"{field}: {MANIFEST} is the store's own file.", field=field)
    return PurePosixPath(name)


class Places:
    """Where things lie under a store's root. Nothing is created by asking."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def model(self, id: str) -> Path:
        """The folder of an installed model."""
        return self.root / folder_name(id)

    def pull(self, id: str) -> Path:
        """The folder of a pull: its plan, its state, what has come."""
        return self.root / ".pulls" / folder_name(id)

    def lock(self, id: str) -> Path:
        """The lock of whoever changes this model."""
        return self.root / ".locks" / f"{sha256(id.encode()).hexdigest()[:32]}.lock"

    @property
    def pulls(self) -> Path:
        return self.root / ".pulls"

    @property
    def trash(self) -> Path:
        """What is being removed; anything in it may go."""
        return self.root / ".trash"
