"""When a server wants to be asked again, in all the ways in which servers say it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime

_LONGEST = 86_400.0
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_RESETS = (b"x-ratelimit-reset-requests", b"x-ratelimit-reset-tokens", b"x-ratelimit-reset")


def retry_after(headers: Mapping[bytes, bytes]) -> float | None:
    """Seconds to wait, 0 to a day; None when nothing sensible is said."""
    for seconds in _said(headers):
        if 0 <= seconds < float("inf"):
            return min(seconds, _LONGEST)
    return None


def told_to_retry(headers: Mapping[bytes, bytes]) -> bool | None:
    """What `x-should-retry` says, None when it says nothing."""
    return {b"true": True, b"false": False}.get(headers.get(b"x-should-retry", b"").strip().lower())


def _said(headers: Mapping[bytes, bytes]) -> Iterator[float]:
    """Every hint that can be read, the one that counts first."""
    if (value := _number(headers.get(b"retry-after-ms", b""))) is not None:
        yield value / 1000
    if text := headers.get(b"retry-after", b""):
        value = _number(text)
        if value is None:
            value = _until(text)
        if value is not None:
            yield value
    resets = [_duration(headers[name]) for name in _RESETS if name in headers]
    if known := [value for value in resets if value is not None]:
        yield max(known)


def _number(text: bytes) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _until(text: bytes) -> float | None:
    """Seconds until an HTTP date; 0 when it is over."""
    try:
        return max(0.0, parsedate_to_datetime(text.decode("latin-1")).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _duration(text: bytes) -> float | None:
    """Seconds in `1s`, `6m0s`, `120ms`, or a bare number."""
    said = text.decode("latin-1").strip()
    parts = _PART.findall(said)
    if parts and "".join(number + unit for number, unit in parts) == said:
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    return _number(text)
