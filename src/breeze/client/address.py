"""Where the server is and with which key: checked once, before anything is sent."""

from __future__ import annotations

from urllib.parse import urlsplit

from breeze.contracts.errors import InputError

DEFAULT_URL = "http://127.0.0.1:8765"


def checked_url(url: str) -> str:
    """`url` without a slash at its end. Raises InputError when no request could go there."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise InputError(
            "The server's address must look like http://host:8765; set BREEZE_URL or give url.",
            field="url",
        )
    if parts.username is not None or parts.password is not None:
        raise InputError(
            "The address holds a user or a password: give the key as key, or set BREEZE_KEY.",
            field="url",
        )
    if parts.query or parts.fragment:
        raise InputError("The address must not have a query or a fragment.", field="url")
    return url.rstrip("/")


def checked_key(key: str) -> str:
    """`key`, which can travel in a header. Raises InputError, which does not repeat it."""
    if key and not (key.isascii() and key.isprintable() and " " not in key):
        raise InputError(
            "The key holds characters that no key has: check key or BREEZE_KEY.", field="key"
        )
    return key


def checked_resume(resume: float | None) -> float | None:
    """Seconds for which lost work goes on. Raises InputError outside 1 to 300."""
    if resume is not None and not 1 <= resume <= 300:
        raise InputError(f"resume is {resume:g}, must be 1 to 300 seconds.", field="resume")
    return resume
