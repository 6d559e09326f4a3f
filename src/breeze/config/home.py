"""The folder where everything of one user lives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

from breeze.contracts.errors import InputError, UnavailableError


@dataclass(frozen=True)
class Home:
    """Names of the files and folders below `root`. Nothing is created by asking for them."""

    root: Path

    @classmethod
    def find(cls, environ: Mapping[str, str]) -> Home:
        """BREEZE_HOME, else the platform's data folder of the user. Raises InputError."""
        given = environ.get("BREEZE_HOME")
        if not given:
            return cls(user_data_path("breeze", appauthor=False))
        try:
            return cls(Path(given).expanduser().absolute())
        except RuntimeError:  # "~somebody" who is not on this machine
            raise InputError(
                f"BREEZE_HOME={given} names no folder; set it to a full path.", field="BREEZE_HOME"
            ) from None

    def create(self) -> Home:
        """Make the root, private to the user, when it is not there. Raises UnavailableError."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise UnavailableError(
                f"{self.root} cannot be made: {error.strerror}; "
                "set BREEZE_HOME to a folder that you may write.",
            ) from error
        return self

    @property
    def config(self) -> Path:
        """What a person writes; Breeze only reads it. In YAML where that is all there is."""
        usual = self.root / "config.json"
        if usual.exists():
            return usual
        others = (self.root / "config.yaml", self.root / "config.yml")
        return next((path for path in others if path.exists()), usual)

    @property
    def settings(self) -> Path:
        """What the settings page and `breeze settings` save."""
        return self.root / "settings.json"

    @property
    def secrets(self) -> Path:
        """Keys and passwords, readable by the user only."""
        return self.root / "secrets.json"

    @property
    def keys(self) -> Path:
        """Who may use a server; no key is in it, only what proves one."""
        return self.root / "keys.json"

    @property
    def models(self) -> Path:
        """Folder of model files."""
        return self.root / "models"

    @property
    def catalogue(self) -> Path:
        """Models of one's own that can be pulled by name, in the form of our catalogue."""
        return self.root / "catalogue.json"

    @property
    def media(self) -> Path:
        """Folder of files that runners made."""
        return self.root / "media"

    @property
    def uploads(self) -> Path:
        """Folder of files that callers of a server sent, each for a while."""
        return self.root / "uploads"

    @property
    def cache(self) -> Path:
        """Folder of what may be deleted at any time."""
        return self.root / "cache"

    @property
    def database(self) -> Path:
        """Records of requests."""
        return self.root / "breeze.sqlite"
