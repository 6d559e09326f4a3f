"""Where a server listens: found, bound and kept to the user, with a remedy when that fails."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from breeze.config.server import ServerSettings
from breeze.contracts.errors import InputError, UnavailableError
from breeze.surfaces.http.hosts import authority


class Address(NamedTuple):
    """Where to listen: an address of TCP, or the path of a Unix socket."""

    family: int
    place: Any


def address_of(settings: ServerSettings) -> Address:
    """Where `settings` want to listen. Raises InputError when no such address is here."""
    if settings.uds:
        if not hasattr(socket, "AF_UNIX"):
            raise InputError("This system has no Unix sockets: listen on a port.", field="uds")
        return Address(socket.AF_UNIX, str(Path(settings.uds).expanduser().absolute()))
    try:
        found = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError) as error:
        raise InputError(
            f"{settings.host!r} is no address of this machine ({error}): give one, such as "
            "127.0.0.1.",
            field="host",
        ) from error
    family, _, _, _, place = found[0]
    return Address(family, place)


@contextmanager
def listening(address: Address) -> Iterator[socket.socket]:
    """A socket bound to `address` for the time of the block. Raises UnavailableError."""
    listener = _bound(address)
    try:
        mine = _file_of(address)
        yield listener
        if mine is not None and mine == _file_of(address):
            Path(address.place).unlink(missing_ok=True)
    finally:
        listener.close()


def _file_of(address: Address) -> tuple[int, int] | None:
    """Which file a Unix socket is, so that nobody removes another's."""
    if not isinstance(address.place, str):
        return None
    with suppress(OSError):
        found = Path(address.place).stat()
        return found.st_dev, found.st_ino
    return None


def _bound(address: Address) -> socket.socket:
    if address.family == getattr(socket, "AF_UNIX", None):
        return _listen_at(Path(address.place))
    listener = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address.place)
    except OSError as error:
        listener.close()
        host, port = address.place[:2]
        raise UnavailableError(
            f"{authority(host)}:{port} cannot be listened on: {error.strerror}. Choose another "
            "with --port, or stop what uses it.",
            field="port",
        ) from error
    return listener


def _listen_at(path: Path) -> socket.socket:
    """A Unix socket that only this user may reach. One that a dead server left is replaced."""
    if path.exists() and not path.is_socket():
        raise InputError(f"{path} is a file: choose another path with --uds.", field="uds")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        if path.is_socket() and not _is_alive(path):
            path.unlink()
        listener.bind(str(path))
    except OSError as error:
        listener.close()
        raise UnavailableError(
            f"{path} cannot be listened on: {error.strerror or error}. Choose another path with "
            "--uds, or stop what uses it.",
            field="uds",
        ) from error
    finally:
        os.umask(before)
    return listener


def _is_alive(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return False
        return True
