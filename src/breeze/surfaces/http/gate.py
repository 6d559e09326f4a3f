"""What is checked of every request before anything else, on HTTP and on the router's socket.

A page in a browser must not reach the server behind its user's back: Host (against DNS
rebinding), Origin and Sec-Fetch-Site. A header that decides something must not be there twice,
and nothing may go round in circles between servers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from breeze.contracts.errors import AuthenticationError, InputError, RunnerError, TooLargeError
from breeze.surfaces.http.asked import Asked
from breeze.surfaces.http.hosts import authorities, authority, is_loopback, is_wildcard
from breeze.surfaces.http.reply import Headers, Reply

LONGEST_URL = 8192
"""Bytes of path and query."""
_KNOWN_AT_MOST = 256
_ONCE = frozenset((
    b"host", b"authorization", b"x-api-key", b"content-length", b"content-type", b"origin",
    b"transfer-encoding", b"content-encoding", b"x-breeze-hops", b"sec-fetch-site",
))  # fmt: skip
"""Headers that decide something: two of a kind let two readers see two different requests."""
_RARE = frozenset((b"origin", b"sec-fetch-site", b"content-encoding", b"x-breeze-hops"))
_ORIGIN = re.compile(r"https?://[][a-zA-Z0-9_.:-]+")
_NAMES = re.compile(rb"[A-Za-z0-9_, -]{1,1000}")
_READS = ("GET", "HEAD", "OPTIONS")
_EXPOSED = (
    b"x-request-id, x-breeze-runner, x-breeze-model, x-breeze-decision, x-breeze-mock, "
    b"x-breeze-adjustments, retry-after"
)


class Gate:
    """Lets a request in or refuses it.

    `hosts`: further names under which the server may be asked, a port being optional. The
    loopback names 127.0.0.1, [::1] and localhost are always among them. `any_host`: whatever
    name is asked for is fine. `origins`: pages that may use the server from a browser, such as
    `https://app.example`. `hops`: how many servers may have passed a request on.

    Raises InputError for a host or origin that is no such thing.
    """

    def __init__(
        self,
        *,
        hosts: Iterable[str] = (),
        origins: Iterable[str] = (),
        any_host: bool = False,
        hops: int = 8,
    ) -> None:
        self._hosts = authorities(hosts)
        self._origins = frozenset(map(_origin, origins))
        self._any_host = any_host
        self._hops = hops
        self._known: set[bytes] = set()

    @classmethod
    def of_bind(
        cls, host: str, *, hosts: Iterable[str] = (), origins: Iterable[str] = (), hops: int = 8
    ) -> Gate:
        """The gate of a server that listens on `host`; an empty one is a Unix socket.

        A Unix socket and a public bind without `hosts` answer to any name: no page in a browser
        reaches the one, and it knows no key of the other. A public address given as a number
        always answers to itself.
        """
        named = tuple(hosts)
        if host and is_loopback(host):
            return cls(hosts=(*named, authority(host)), origins=origins, hops=hops)
        any_host = not named
        itself = () if not host or is_wildcard(host) else (authority(host),)
        return cls(hosts=(*named, *itself), origins=origins, any_host=any_host, hops=hops)

    def check(self, asked: Asked) -> None:
        """Raises RunnerError when the request, of HTTP or for a WebSocket, must not come in."""
        headers = asked.headers
        if headers.get(b"host") not in self._known:
            self._check_host(asked)
        if len(headers) != len(asked.pairs):
            _check_repeated(asked.pairs)
        if len(asked.path) + len(asked.query) > LONGEST_URL:
            raise _too_long()
        if not headers.keys().isdisjoint(_RARE):
            self._check_rare(asked)

    def cors(self, headers: Mapping[bytes, bytes]) -> Headers:
        """What lets a page of another, allowed origin read the answer."""
        origin = headers.get(b"origin", b"")
        if origin not in self._origins:
            return [(b"vary", b"Origin")] if self._origins else []
        return [
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", _EXPOSED),
            (b"vary", b"Origin"),
        ]

    def options(self, headers: Mapping[bytes, bytes], allowed: Iterable[str]) -> Reply:
        """The answer to OPTIONS: what a path takes, and whether a page may send it."""
        methods = ", ".join(allowed).encode()
        found: Headers = [(b"allow", methods)]
        if headers.get(b"origin") in self._origins:
            asked = headers.get(b"access-control-request-headers", b"")
            if not _NAMES.fullmatch(asked):
                asked = b"authorization, content-type"
            found += [
                (b"access-control-allow-methods", methods),
                (b"access-control-allow-headers", asked),
                (b"access-control-max-age", b"600"),
            ]
        return Reply(b"", b"text/plain", headers=found)

    # inside -------------------------------------------------------------------------------

    def _check_host(self, asked: Asked) -> None:
        host = asked.headers.get(b"host")
        if host is None:
            if asked.version == "1.0":
                return  # no browser sends that
            raise InputError("The request has no Host header: name the server.", field="host")
        if not self._any_host and self._hosts.isdisjoint(authorities_of(host)):
            shown = host[:100].decode("latin-1")
            raise AuthenticationError(
                f"This server does not answer to the name {shown!r}. Ask for it by an address of "
                "its own, or add the name to allowedHosts in its settings.",
                field="host",
                data={"status": 403},
            )
        if len(self._known) < _KNOWN_AT_MOST:
            self._known.add(host)

    def _check_rare(self, asked: Asked) -> None:
        headers = asked.headers
        if (encoding := headers.get(b"content-encoding", b"identity")) != b"identity":
            raise _compressed(encoding)
        self._check_hops(headers.get(b"x-breeze-hops", b"0"))
        origin = headers.get(b"origin")
        if origin is not None:
            self._check_origin(origin, headers.get(b"host", b""))
        elif asked.method not in _READS and _from_elsewhere(headers):
            raise _foreign(b"another site")

    def _check_origin(self, origin: bytes, host: bytes) -> None:
        if origin in self._origins:
            return
        if not host or origin.lower() not in (
            b"http://" + host.lower(),
            b"https://" + host.lower(),
        ):
            raise _foreign(origin)

    def _check_hops(self, given: bytes) -> None:
        if not given.isdigit() or len(given) > 4:
            raise InputError("x-breeze-hops must be a small whole number.", field="x-breeze-hops")
        if int(given) >= self._hops:
            raise InputError(
                f"The request went through {int(given)} servers, and {self._hops} are the most: "
                "do they pass it round in a circle?",
                field="x-breeze-hops",
                data={"limit": self._hops, "asked": int(given)},
            )


def authorities_of(host: bytes) -> tuple[str, ...]:
    """A Host header as `name:port` and as `name` alone, in lower case."""
    text = host.decode("latin-1").lower()
    name, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or not port.isascii():
        return (text,)
    return text, name


def _origin(given: str) -> bytes:
    if not _ORIGIN.fullmatch(given):
        raise InputError(
            f"{given!r} is no origin: write it as https://name or https://name:port.",
            field="allowedOrigins",
        )
    return given.lower().encode("ascii")


def _check_repeated(headers: Iterable[tuple[bytes, bytes]]) -> None:
    seen = set()
    for name, _ in headers:
        if name in seen and name in _ONCE:
            text = name.decode()
            raise InputError(f"The header {text} is there more than once.", field=text)
        seen.add(name)


def _from_elsewhere(headers: Mapping[bytes, bytes]) -> bool:
    return headers.get(b"sec-fetch-site", b"none") not in (b"none", b"same-origin")


def _foreign(origin: bytes) -> RunnerError:
    shown = origin[:200].decode("latin-1")
    return AuthenticationError(
        f"Pages of {shown} may not use this server: add the origin to allowedOrigins in its "
        "settings if they should.",
        field="origin",
        data={"status": 403},
    )


def _compressed(encoding: bytes) -> RunnerError:
    shown = encoding[:40].decode("latin-1")
    return InputError(
        f"Bodies compressed with {shown!r} are not taken: send it as it is.",
        field="content-encoding",
        data={"status": 415},
    )


def _too_long() -> RunnerError:
    return TooLargeError(
        f"The URL is longer than {LONGEST_URL} bytes: send long values in the body.",
        field="url",
        data={"status": 414, "limit": LONGEST_URL},
    )
