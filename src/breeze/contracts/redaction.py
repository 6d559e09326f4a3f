"""Takes secrets out of what is to be kept: out of texts, and out of plain data."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from breeze.contracts.secrets import spans

MASK = "***"
_MORE = re.compile(
    r"\bbearer[ :=]{1,3}(?P<bearer>[a-z0-9._~+/=-]{8,})"
    r"|(?<![\w-])(?P<key>sk_[a-z0-9_]{32,100})"
    r"|://[^/\s:@]{0,100}:(?P<login>[^@/\s]{1,200})@"
    r"|[?&](?:key|api[_-]?key|token|access_token|sig|signature|x-[a-z]{2,8}-signature)="
    r"(?P<query>[^&\s\"']{4,})",
    re.IGNORECASE,
)
"""Secrets that are one by their place: after `Bearer`, or in a URL."""
_HEADER = re.compile(
    r"^([ \t]*[\w-]*(?:authorization|api-?key|token|secret|password|cookie)[\w-]*[ \t]*:[ \t]*)"
    r"\S.*$",
    re.IGNORECASE | re.MULTILINE,
)
"""Lines of headers that carry a key by their name."""
_NAMES = re.compile(
    r"(?:^|[_-])(?:api[_-]?key|secret|password|passwd|authorization|credentials?"
    r"|(?:access|auth|refresh|bearer)[_-]token)$",
    re.IGNORECASE,
)


def secret_spans(text: str, known: Iterable[str] = ()) -> list[tuple[int, int]]:
    """Where secrets stand in `text`, in order and apart. `known`: values that are secret."""
    found = [(start, end) for _, start, end in spans(text)]
    found += [m.span(str(m.lastgroup)) for m in _MORE.finditer(text)]
    for value in filter(None, known):
        found += [m.span() for m in re.finditer(re.escape(value), text)]
    apart: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if apart and start <= apart[-1][1]:
            apart[-1] = apart[-1][0], max(end, apart[-1][1])
        else:
            apart.append((start, end))
    return apart


def redacted(text: str, known: Iterable[str] = ()) -> str:
    """`text` with a mask in the place of each secret, and a mark for what is no Unicode."""
    for start, end in reversed(secret_spans(text, known)):
        text = f"{text[:start]}{MASK}{text[end:]}"
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def shown(value: Any) -> Any:
    """A setting that is no secret as it may be shown: addresses and headers may hold one."""
    if not isinstance(value, str):
        return [shown(item) for item in value] if isinstance(value, tuple | list) else value
    return redacted(_HEADER.sub(rf"\1{MASK}", value))


def redacted_data(value: Any, known: Iterable[str], kept: Callable[[bytes], Any]) -> Any:
    """Plain data without secrets. `kept`: what stands for bytes, of which texts are redacted."""
    if isinstance(value, str):
        return redacted(value, known)
    if isinstance(value, bytes):
        return kept(_redacted_bytes(value, known))
    if isinstance(value, dict):
        return {
            redacted(name, known): MASK
            if isinstance(inner, str) and inner and _NAMES.search(name)
            else redacted_data(inner, known, kept)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [redacted_data(inner, known, kept) for inner in value]
    return value


_TEXT = 1024 * 1024
"""Bytes up to which a file is looked at: it may be a text with a password in it."""


def _redacted_bytes(data: bytes, known: Iterable[str]) -> bytes:
    if len(data) > _TEXT or b"\0" in data[:1024]:
        return data
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return data
    changed = redacted(text, known)
    return data if changed == text else changed.encode()
