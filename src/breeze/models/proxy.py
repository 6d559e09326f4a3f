"""The proxy that leads out of a network, as the environment names it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from breeze.contracts.errors import InputError


class Proxies(NamedTuple):
    """`https` and `http`: addresses of proxies for such URLs, empty for none; `none`: hosts that
    are asked directly, as NO_PROXY lists them.
    """

    https: str = ""
    http: str = ""
    none: str = ""

    def __repr__(self) -> str:
        return f"Proxies({bool(self.https)}, {bool(self.http)})"  # they may have a password

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Proxies:
        """As HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY say, in small letters or large."""
        said = {name.lower(): value.strip() for name, value in sorted(environ.items())}
        every = said.get("all_proxy", "")
        return cls(
            said.get("https_proxy") or every, said.get("http_proxy") or every,
            said.get("no_proxy", ""),
        )  # fmt: skip

    def for_url(self, url: str) -> Proxy | None:
        """Who is to be asked for `url`; None when it is asked for directly. Raises InputError."""
        parts = urlsplit(url)
        given = self.https if parts.scheme == "https" else self.http
        direct = ("localhost", "127.0.0.0/8", "::1", *self.none.split(","))
        if not given or any(_fits(parts.hostname or "", one) for one in direct):
            return None
        return _proxy(given if "://" in given else f"http://{given}")


class Proxy(NamedTuple):
    """Its address, and the headers that say who we are to it."""

    url: str
    headers: dict[str, str]


def _fits(host: str, entry: str) -> bool:
    """Whether an entry of NO_PROXY means this host: `*`, a name with all below it, a network."""
    entry = entry.strip().lower()
    if entry == "*":
        return True
    try:
        return ip_address(host) in ip_network(entry, strict=False)
    except ValueError:
        name = entry.partition(":")[0].removeprefix("*").removeprefix(".")
        return bool(name) and (host == name or host.endswith(f".{name}"))


def _proxy(address: str) -> Proxy:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(
            "HTTPS_PROXY or HTTP_PROXY is no address of an HTTP proxy. Set it to such as "
            "http://proxy.example:3128, or NO_PROXY=* for none.",
            field="HTTPS_PROXY",
        )
    headers = dict[str, str]()
    if parts.username:
        who = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        headers["proxy-authorization"] = f"Basic {b64encode(who).decode()}"
    return Proxy(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", headers)
