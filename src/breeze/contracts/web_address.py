"""Where a caller's URL leads, and whether anybody may be sent there. One parser, one judge."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple

from breeze.contracts.errors import InputError, RunnerError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
LONGEST = 2048
"""Bytes of a URL that a caller may give."""
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\]|[A-Za-z0-9_.-]+)(:(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[^?#]*)?(?P<query>\?[^#]*)?(#.*)?"
)
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_NUMBER = re.compile(r"([0-9]+|0x[0-9a-f]*)")
_USUAL = {"http": 80, "https": 443}
_NOT_PUBLIC = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24",
        "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "168.63.129.16/32",  # a cloud's own services, on an address that looks public
        "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
    )
)  # fmt: skip
_GLOBAL = ip_network("2000::/3")
"""All IPv6 that is routed; what carries IPv4 inside (mapped, 6to4, NAT64, Teredo) is not of it."""


class Place(NamedTuple):
    """A URL taken apart. `host` in lower case, IPv6 without brackets; `target` as it is asked."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """As the Host header has it."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == _USUAL[self.scheme] else f"{name}:{self.port}"


def place_of(url: str, field: str, ports: Container[int] = (), longest: int = LONGEST) -> Place:
    """Where `url` leads. Raises InputError for `field`; `ports` beside 80 and 443 are fine.

    Anything that two parsers may read differently is refused: user names, backslashes, spaces,
    control characters, letters beyond ASCII, numbers that are no usual IPv4 address.
    """
    found = _URL.fullmatch(url) if len(url) <= longest and url.isascii() else None
    if found is None or not url.isprintable() or re.search(r'[\\ "<>^`{|}]', url):
        raise _wrong(
            "must be http:// or https:// with a plain host name, without user name, spaces or "
            "backslashes, other characters being percent-encoded",
            field,
        )
    scheme, host = found["scheme"], found["host"].lower().strip("[]")
    port = int(found["port"] or _USUAL[scheme])
    if port != _USUAL[scheme] and port not in ports:
        raise _wrong(f"must use the port {_USUAL[scheme]} of {scheme}", field)
    if (literal := _literal(host, field)) is None and not _NAME.fullmatch(host):
        raise _wrong("has no valid host name", field)
    target = (found["path"] or "/") + (found["query"] or "")
    return Place(scheme, str(literal or host), port, target)


def is_public(address: Address, allowed: Iterable[Network] = ()) -> bool:
    """True for an address that anybody reaches, and for those in `allowed`."""
    if any(address in network for network in allowed):
        return True
    if isinstance(address, IPv6Address) and address not in _GLOBAL:
        return False
    return not any(address in network for network in _NOT_PUBLIC)


def _literal(host: str, field: str) -> Address | None:
    """The address that `host` is, or None for a name. A number of another form is neither."""
    try:
        return ip_address(host)
    except ValueError:
        last = host.rpartition(".")[2]
        if ":" in host or _NUMBER.fullmatch(last):
            raise _wrong("has a number for a host that is no usual IP address", field) from None
        return None


def _wrong(what: str, field: str) -> RunnerError:
    return InputError(f"{field} {what}.", field=field, detail="invalid_url")
