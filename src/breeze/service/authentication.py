"""Who sent this key? Asked of every request, so it is one digest and one look-up when known."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from hashlib import blake2b
from hmac import compare_digest
from pathlib import Path
from secrets import token_bytes

from breeze.config.server import ApiKey
from breeze.contracts.errors import AuthenticationError, InputError, RunnerError
from breeze.service.access import ANYBODY, STRANGER, Principal, Role
from breeze.service.keys import KeyFile, proof

_log = logging.getLogger("breeze.server")
_LOOK_AGAIN = 1.0
"""Seconds after which the file is looked at again: so long a revoked key may still work."""
_REMEMBERED = 1024
_LONGEST = 512
"""Bytes of the longest key that is looked at."""
_ROLES = {"use": Role.USE, "operate": Role.OPERATE}
_Known = tuple[bytes, bytes, Principal]


class Authentication:
    """Tells callers apart by the key they sent.

    `configured` are the keys of the configuration. While there has never been a key, everybody
    is let in: a server that others can reach is not started without one. Once there was a key,
    one is needed until the end of the process, even when the last was revoked.
    """

    def __init__(
        self,
        file: KeyFile,
        configured: Iterable[ApiKey] = (),
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = file
        self._now = now
        self._configured = tuple(_known_of(key) for key in configured)
        self._secret = token_bytes(32)
        self._remembered: dict[bytes, Principal] = {}
        self._looked_at = _signature(file.path)
        self._known = self._read()
        self._next_look = now() + _LOOK_AGAIN
        self.needed = bool(self._known)
        """Whether a caller needs a key."""

    @property
    def count(self) -> int:
        """How many keys open this server."""
        return len(self._known)

    def __call__(self, key: bytes) -> Principal:
        """Who sends `key`; STRANGER for none. Raises AuthenticationError for a wrong one."""
        if self._now() >= self._next_look:
            self._look()
        if not self.needed:
            return ANYBODY
        if not key:
            return STRANGER
        seen = blake2b(self._secret + key).digest()
        found = self._remembered.get(seen)
        return found if found is not None else self._proved(key, seen)

    def _proved(self, key: bytes, seen: bytes) -> Principal:
        """The owner of a key that is not remembered: all are compared, whichever fits."""
        found: Principal | None = None
        if len(key) <= _LONGEST:
            for salt, digest, principal in self._known:
                if compare_digest(proof(salt, key), digest):
                    found = principal
        if found is None:
            raise AuthenticationError(
                "This API key is not known here, or it was revoked. Send a key from "
                "`breeze keys add`."
            )
        if len(self._remembered) >= _REMEMBERED:
            self._remembered.clear()
        self._remembered[seen] = found
        return found

    def _look(self) -> None:
        """Read the file again when it has changed. A broken one changes nothing."""
        self._next_look = self._now() + _LOOK_AGAIN
        signature = _signature(self._file.path)
        if signature == self._looked_at:
            return
        self._looked_at = signature
        try:
            self._known = self._read()
        except RunnerError as error:
            _log.error("the keys stay as they were: %s", error)
            return
        self._remembered.clear()
        self.needed = self.needed or bool(self._known)

    def _read(self) -> tuple[_Known, ...]:
        stored = tuple(
            (
                bytes.fromhex(key.salt),
                bytes.fromhex(key.digest),
                Principal(key.name, _ROLES[key.role]),
            )
            for key in self._file.load()
        )
        known = (*self._configured, *stored)
        names = [principal.name for _, _, principal in known]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise InputError(
                f"Two keys are called {twice!r}, in the configuration and in {self._file.path}: "
                "rename one, or run: breeze keys revoke " + twice,
                field="apiKeys",
            )
        return known


def _known_of(key: ApiKey) -> _Known:
    salt = token_bytes(16)
    digest = proof(salt, key.key.get_secret_value().encode())
    return salt, digest, Principal(key.name, _ROLES[key.role])


def _signature(path: Path) -> tuple[int, ...]:
    """Changes whenever the file does; every writer here replaces it, so its number changes too."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_mtime_ns, found.st_size
