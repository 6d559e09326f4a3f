"""The key that a caller sends, and what is said to those who lack one."""

from __future__ import annotations

from collections.abc import Mapping

from breeze.contracts.errors import AuthenticationError
from breeze.service.access import Principal, Role


def key_of(headers: Mapping[bytes, bytes]) -> bytes:
    """The key that was sent, whichever header carries it; empty when there is none."""
    scheme, _, key = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() == b"bearer":
        return key.strip()
    return headers.get(b"x-api-key", b"")


def refused(caller: Principal, needed: Role) -> AuthenticationError:
    """What a caller without the role `needed` is told."""
    if caller.role is Role.OPEN:
        return AuthenticationError(
            "This server needs an API key: send `Authorization: Bearer KEY` with a key from "
            "`breeze keys add`."
        )
    return AuthenticationError(
        f"The key {caller.name!r} may use the engine, but this route needs the role "
        f"{needed.name.lower()}.",
        data={"status": 403},
    )
