"""Where a base URL leads, and the head of a request that goes there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from breeze.contracts.errors import InputError
from breeze.version import __version__

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS = {"host", "content-length", "content-type", "transfer-encoding", "connection"}
_PATH = re.compile(r"[!-~]*")


class Target(NamedTuple):
    """A server: whether over TLS, host and port to connect to, `Host` header, path prefix."""

    tls: bool
    host: str
    port: int
    authority: str
    path: str

    @property
    def loopback(self) -> bool:
        """True when the host is this machine, by name or by address."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost" or self.host.endswith(".localhost")


def target_of(base_url: str) -> Target:
    """The server and path of `base_url`. Raises InputError that says what is wrong."""
    try:
        parts = urlsplit(base_url.strip())
        host, port = parts.hostname or "", parts.port
        known = host if ":" in host else host.encode("idna").decode("ascii")
    except ValueError as error:  # UnicodeError is one
        raise _wrong(base_url, str(error)) from None
    if problem := _problem(parts, known):
        raise _wrong(base_url, problem)
    tls = parts.scheme == "https"
    usual = 443 if tls else 80
    name = f"[{known}]" if ":" in known else known
    authority = name if port in (None, usual) else f"{name}:{port}"
    return Target(tls, known, port or usual, authority, parts.path.rstrip("/"))


def _problem(parts: SplitResult, host: str) -> str:
    if parts.scheme not in ("http", "https"):
        return "it must begin with http:// or https://"
    if not host:
        return "it has no host"
    if parts.username is not None or parts.password is not None:
        return "it must not hold a user name or password"
    if parts.query or parts.fragment:
        return "it must end with the path"
    if not _PATH.fullmatch(parts.path):
        return "its path must be percent-encoded"
    return ""


def _wrong(base_url: str, problem: str) -> InputError:
    shown = base_url.rpartition("@")[2].partition("?")[0]  # the rest may be a password, or a key
    return InputError(f"base_url {shown!r}: {problem}.", field="base_url")


def request_head(
    target: Target, method: str, path: str, headers: Mapping[str, str], content_type: str
) -> bytes:
    """The head of a request up to the value of content-length; whole when there is no body.

    Raises InputError for a header that cannot be sent; its value is not shown.
    """
    lines = [f"{method} {target.path}{path} HTTP/1.1", f"host: {target.authority}"]
    lines += [f"{name}: {value}" for name, value in headers.items() if _checked(name, value)]
    lines += [f"user-agent: breeze/{__version__}", "accept-encoding: identity"]
    if content_type:
        lines += [f"content-type: {content_type}", "content-length: "]
        return "\r\n".join(lines).encode("latin-1")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def with_query(path: str, values: Mapping[str, Any]) -> str:
    """`path` with `values` as its query: None is left out, a list gives its name several times."""
    pairs = [(name, one) for name, value in values.items() for one in _each(value)]
    return f"{path}?{urlencode(pairs)}" if pairs else path


def _each(value: Any) -> list[str]:
    if isinstance(value, list | tuple):
        return [text for one in value for text in _each(one)]
    if value is None:
        return []
    return [str(value).lower() if isinstance(value, bool) else str(value)]


def segment(text: str) -> str:
    """`text` as one segment of a path: a slash in it is no separator."""
    return quote(text, safe="")


def header_fields(text: str) -> dict[str, str]:
    """The headers in `text`, one `Name: value` a line. Raises InputError for what is none."""
    found = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, colon, value = line.partition(":")
        if not colon:
            raise InputError("headers: write one “name: value” a line.", field="headers")
        _checked(name.strip(), value.strip())
        found[name.strip().lower()] = value.strip()
    return found


def _checked(name: str, value: str) -> bool:
    """True for a header to send, False for an empty one."""
    if not _HEADER.fullmatch(name) or name.lower() in _OURS:
        raise InputError(f"headers: {name!r} cannot be set.", field="headers")
    if not value.isprintable() or not value.isascii():
        raise InputError(
            f"{name}: its value holds characters that no header may hold. Give it again, "
            "without line breaks.",
            field="headers",
        )
    return bool(value)
