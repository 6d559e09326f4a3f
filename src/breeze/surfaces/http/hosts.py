"""Names under which a server may be asked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address

from breeze.contracts.errors import InputError

LOOPBACK = ("127.0.0.1", "[::1]", "localhost")
_NAME = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_]([a-z0-9_.-]*[a-z0-9])?)(:[0-9]{1,5})?")


def authorities(hosts: Iterable[str]) -> frozenset[str]:
    """`hosts` and the loopback names, in the form of a Host header. Raises InputError."""
    return frozenset((*LOOPBACK, *map(_checked, hosts)))


def authority(host: str) -> str:
    """An address to bind, as it stands in a Host header: IPv6 in brackets."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def is_loopback(host: str) -> bool:
    """True when only this machine reaches a server that listens on `host`."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def is_wildcard(host: str) -> bool:
    """True when `host` means every address of the machine."""
    try:
        return ip_address(host.strip("[]")).is_unspecified
    except ValueError:
        return False


def _checked(host: str) -> str:
    text = host.strip().lower()
    if not text.isascii():
        text = text.encode("idna").decode("ascii")
    if not _NAME.fullmatch(text):
        raise _no_host(host)
    if not text.startswith("["):
        return text
    address, _, port = text[1:].partition("]")
    try:
        return f"[{IPv6Address(address)}]{port}"
    except ValueError:
        raise _no_host(host) from None


def _no_host(host: str) -> InputError:
    return InputError(
        f"{host!r} is no host: write a name or an address, with a port if you like.",
        field="allowedHosts",
    )
