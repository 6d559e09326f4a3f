"""What fetches a URL that a caller or a server gave. Nothing else in the package may.

The name is resolved once, every address that it has must be public, and the connection goes to
that very address: a name that answers differently the next time gains nothing. Each redirect is
judged like the first URL. TLS is verified against the name. No proxy, no cookie, no key is used.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Container
from contextlib import aclosing, closing
from functools import cache
from ipaddress import ip_address, ip_network
from socket import SOCK_STREAM
from typing import NamedTuple
from urllib.parse import urljoin

from breeze.contracts.errors import InputError, RunnerError, TooLargeError
from breeze.contracts.web_address import Network, Place, is_public, place_of
from breeze.runners._fetch_http import Exchange, Unreadable

Resolve = Callable[[str, int], Awaitable[list[str]]]
MOST = 32
"""Files that one request may have fetched."""
_REDIRECTS = (301, 302, 303, 307, 308)


class Policy(NamedTuple):
    """What may be fetched.

    `limit`: bytes; `seconds`: for everything together; `redirects`: the most that are followed;
    `types`: how its content type must begin, empty for any; `ports`: beside 80 and 443; `hosts`:
    the only ones, on every step of the way, empty for any;
    `networks`: addresses that are fine though they are not public; `tls`: another TLS context;
    `resolve`: the addresses of a host and port, else the system's answer.
    """

    limit: int = 20_000_000
    seconds: float = 15.0
    redirects: int = 3
    types: tuple[str, ...] = ()
    ports: Container[int] = ()
    networks: tuple[Network, ...] = ()
    tls: ssl.SSLContext | None = None
    resolve: Resolve | None = None
    hosts: tuple[str, ...] = ()


class Fetched(NamedTuple):
    """What was there: its bytes, the type it was said to be, and the URL in the end."""

    data: bytes
    mime: str
    url: str


USUAL = Policy()
EVERYWHERE = Policy(ports=range(1, 65_536), networks=(ip_network("0.0.0.0/0"), ip_network("::/0")))
"""For an operator who wants pictures of their own network; never by default."""


def check_number(files: int, field: str) -> None:
    """Raises TooLargeError for more files than one request may have fetched."""
    if files > MOST:
        raise TooLargeError(
            f"{field}: {files} URLs are too many: name at most {MOST}, or send the files.",
            field=field,
            data={"limit": MOST, "asked": files},
        )


async def fetch(url: str, field: str = "url", policy: Policy = USUAL) -> Fetched:
    """The file at `url`. Raises InputError or TooLargeError for `field`.

    A name that does not exist and one that leads into a private network are the same error, so
    that nobody can look around inside through us.
    """
    data = bytearray()
    found = await fetch_into(data.extend, url, field, policy)
    return found._replace(data=bytes(data))


async def fetch_into(
    take: Callable[[bytes], object], url: str, field: str = "url", policy: Policy = USUAL
) -> Fetched:
    """The same, but `take` gets the bytes piece by piece as they come, and what is returned has
    none. What was taken before an error is to be thrown away.
    """
    try:
        async with asyncio.timeout(policy.seconds):
            for _ in range(policy.redirects + 1):
                found = await _one(take, url, field, policy)
                if isinstance(found, Fetched):
                    return found
                url = found
    except TimeoutError:
        raise _failed(field, f"did not come within {policy.seconds:g} s") from None
    except (OSError, Unreadable) as error:
        raise _failed(field, "could not be fetched") from error
    except TooLargeError as error:
        raise TooLargeError(
            f"{field} leads to more than {policy.limit} bytes: send a smaller file.",
            field=field,
            data={"limit": policy.limit},
        ) from error
    raise _failed(field, f"is redirected more than {policy.redirects} times")


async def _one(
    take: Callable[[bytes], object], url: str, field: str, policy: Policy
) -> Fetched | str:
    """The file, or the URL that it is said to be at."""
    place = place_of(url, field, policy.ports)
    if policy.hosts and place.host not in policy.hosts:
        raise _failed(field, f"leads to {place.host}, where nothing may be fetched")
    address = await _address(place, field, policy)
    tls = policy.tls or await asyncio.to_thread(_system_tls) if place.scheme == "https" else None
    with closing(await Exchange.begin(place, address, tls)) as exchange:
        head = await exchange.head()
        if head.status in _REDIRECTS and (where := head.headers.get("location")):
            return urljoin(url, where)
        if head.status != 200:
            raise _failed(field, f"was answered with HTTP status {head.status}")
        mime = head.headers.get("content-type", "").partition(";")[0].strip().lower()
        if policy.types and not mime.startswith(policy.types):
            raise _failed(field, f"leads to {mime[:80]!r}, not to {' or '.join(policy.types)}")
        async with aclosing(exchange.body(head, policy.limit)) as pieces:
            async for piece in pieces:
                take(piece)
        return Fetched(b"", mime, url)


async def _address(place: Place, field: str, policy: Policy) -> str:
    """The address to connect to. One that is not public among several spoils them all."""
    try:
        found = await (policy.resolve or _resolve)(place.host, place.port)
    except (OSError, UnicodeError):
        found = []
    if not found or not all(is_public(ip_address(text), policy.networks) for text in found):
        raise _failed(field, "does not lead to a public server")
    return found[0]


async def _resolve(host: str, port: int) -> list[str]:
    rows = await asyncio.get_running_loop().getaddrinfo(host, port, type=SOCK_STREAM)
    return [str(row[4][0]).partition("%")[0] for row in rows]


def _failed(field: str, what: str) -> RunnerError:
    return InputError(
        f"{field} {what}. Check the URL, or send the file itself.", field=field, detail="fetch"
    )


@cache
def _system_tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
