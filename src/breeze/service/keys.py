"""API keys: made here, shown once, and kept only as something that proves them.

A key is 256 random bits, so nobody can guess one from its digest however fast the digest is: a
slow hash would only make every request slow. The salt keeps equal digests from looking equal.
What is stored does not let anybody in: what is sent is hashed before it is compared.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import Annotated, Literal

from pydantic import Field, StrictFloat, StrictStr

from breeze.config.files import locked, make_private, write_atomically
from breeze.config.findings import read_model
from breeze.config.home import Home
from breeze.config.json_text import json_bytes
from breeze.config.names import check_key
from breeze.config.section import Section
from breeze.config.server import KeyName, RoleName
from breeze.contracts.errors import InputError, NotFoundError

PREFIX = "brz_"
"""How every key begins, so that people and scanners know one when they see it."""
_Hex = Annotated[StrictStr, Field(pattern=r"^[0-9a-f]+$", repr=False)]


class StoredKey(Section):
    """One key as the file has it. `created` in Unix seconds."""

    id: StrictStr
    name: KeyName
    role: RoleName
    created: StrictFloat
    salt: Annotated[_Hex, Field(min_length=32, max_length=32)]
    digest: Annotated[_Hex, Field(min_length=64, max_length=64)]


class _File(Section):
    version: Literal[1] = 1
    keys: tuple[StoredKey, ...] = Field((), repr=False)


@dataclass(frozen=True)
class KeyFile:
    """The keys of a home. Safe between processes; every change is whole or not at all.

    All methods raise InputError when the file cannot be read, UnavailableError when the disk
    refuses.
    """

    home: Home

    @property
    def path(self) -> Path:
        return self.home.keys

    def load(self) -> tuple[StoredKey, ...]:
        """Every stored key, in the order in which they were made."""
        make_private(self.path)
        return read_model(self.path, _File).keys

    def add(self, name: str, role: RoleName) -> str:
        """A new key, in clear: it cannot be read again. Raises InputError for a taken name."""
        try:
            check_key(name)
        except ValueError as error:
            raise InputError(f"{error}.", field="name") from None
        key, salt = PREFIX + token_urlsafe(32), token_hex(16)
        with self._alone():
            known = self.load()
            if any(stored.name == name for stored in known):
                raise InputError(
                    f"There is a key called {name!r}: choose another name, or run: "
                    f"breeze keys revoke {name}",
                    field="name",
                )
            made = StoredKey(
                id=token_hex(4),
                name=name,
                role=role,
                created=round(time.time(), 3),
                salt=salt,
                digest=proof(bytes.fromhex(salt), key.encode()).hex(),
            )
            self._save((*known, made))
        return key

    def revoke(self, name: str) -> None:
        """Forget a key, by its name or id. Running servers refuse it within a second."""
        with self._alone():
            known = self.load()
            kept = tuple(key for key in known if name not in (key.name, key.id))
            if len(kept) == len(known):
                raise NotFoundError(
                    f"No stored key is called {name!r}. Run: breeze keys list", field="name"
                )
            self._save(kept)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.home.create()
        with locked(self.path):
            yield

    def _save(self, keys: tuple[StoredKey, ...]) -> None:
        data = json_bytes(_File(keys=keys).model_dump(by_alias=True))
        write_atomically(self.path, data, mode=0o600)


def proof(salt: bytes, key: bytes) -> bytes:
    """What is kept of a key."""
    return sha256(salt + key).digest()
