"""The address of an Ollama server, in all the ways in which `OLLAMA_HOST` is written."""

from __future__ import annotations

from ipaddress import ip_address

from breeze.contracts.errors import InputError

PORT = 11434
"""Where a server listens unless told otherwise."""
CLOUD = "ollama.com"
"""The vendor's own service; it is asked over TLS even when nobody says so."""
_USUAL = {"http": 80, "https": 443}


def server_url(said: str) -> str:
    """`said` as a base URL: `127.0.0.1:8080`, `:8080`, `box`, `[::1]`, `https://box/ai`, or "".

    The variable also tells the server where to listen: an address that means every interface is
    this machine to a client. Raises InputError for what is no address.
    """
    text = said.strip().strip("\"'").strip()
    scheme, mark, rest = text.partition("://")
    if not mark:
        scheme, rest = ("https" if text in (CLOUD, f"{CLOUD}:443") else "http"), text
    scheme = scheme.lower()
    if scheme not in _USUAL:
        raise _wrong(said, "it must begin with http:// or https://, or with the host")
    place, _, path = rest.partition("/")
    if any(character.isspace() for character in place):
        raise _wrong(said, "a host has no spaces")
    usual = _USUAL[scheme] if mark or scheme == "https" else PORT
    host, port = _host_port(place, usual, said)
    path = path.strip("/")
    return f"{scheme}://{host}:{port}" + (f"/{path}" if path else "")


def _host_port(place: str, usual: int, said: str) -> tuple[str, int]:
    if (address := _address(place)) is not None:
        return address, usual
    host, colon, port = place.rpartition(":")
    if not colon or port.endswith("]"):
        return place, usual
    if port and not (port.isascii() and port.isdecimal() and 0 < int(port) < 65_536):
        raise _wrong(said, f"{port!r} is no port")
    return _address(host) or host or "127.0.0.1", int(port or usual)


def _address(text: str) -> str | None:
    """A bare IP address as a URL holds it; None when `text` is none."""
    if not text:
        return "127.0.0.1"
    try:
        found = ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
    if found.is_unspecified:
        return "[::1]" if found.version == 6 else "127.0.0.1"
    return f"[{found}]" if found.version == 6 else str(found)


def _wrong(said: str, problem: str) -> InputError:
    shown = said.rpartition("@")[2].partition("?")[0]  # the rest may be a password, or a key
    return InputError(f"base_url {shown!r}: {problem}.", field="base_url")
