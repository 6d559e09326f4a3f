"""Keys and passwords: by the beginnings that issuers give them, by labels, and by randomness."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from breeze.contracts.secrets import spans
from breeze.runners._rules_hits import Hit
from breeze.runners._rules_text import exact

_TOKEN = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_-]{20,128}+={0,2}(?![\w+/=-])")
_HEX = re.compile(r"(?:[0-9a-f]{32,}|[0-9A-F]{32,})")
_DIGEST = re.compile(
    r"(?:commit|sha-?\d*|md5|digest|checksum|hash|integrity|revision)\W{0,4}$", re.I
)
_UUID = re.compile(r"(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.I)
_HEX_SHARE = 0.75
"""Random hexadecimal digits carry 4 bits each at most, where base64 carries 6."""
_CHANGES = 0.4
"""Share of places where a random token goes from small to capital to digit; names change less."""


def find(text: str, entropy: float) -> Iterator[Hit]:
    """Every secret in `text`. `entropy`: bits a character from which a long token is one."""
    view = exact(text)
    for name, start, end in _spans(view.text, entropy):
        yield Hit(*view.span(start, end), "PII", f"secret.{name}")


def _spans(text: str, entropy: float) -> Iterator[tuple[str, int, int]]:
    yield from spans(text)
    for found in _TOKEN.finditer(text):
        if _random(found[0], entropy) and not _is_digest(text, found.start()):
            yield "random", *found.span()


def _random(token: str, entropy: float) -> bool:
    """Whether a token looks drawn at random, not spelled by a person."""
    if _UUID.fullmatch(token):
        return False
    if _HEX.fullmatch(token):
        return bits(token) >= entropy * _HEX_SHARE
    kinds = "".join(map(_kind, token))
    changes = sum(one != other and " " not in (one, other) for one, other in pairwise(kinds))
    mixed = len(set(kinds) - {" "}) == 3 and changes >= _CHANGES * len(kinds)
    return mixed and bits(token) >= entropy


def _kind(character: str) -> str:
    if character.isdigit():
        return "0"
    return "a" if character.islower() else "A" if character.isupper() else " "


def _is_digest(text: str, start: int) -> bool:
    return _DIGEST.search(text[max(0, start - 16) : start]) is not None


def bits(token: str) -> float:
    """Shannon entropy of the characters, in bits a character."""
    counts = Counter(token).values()
    return math.log2(len(token)) - sum(n * math.log2(n) for n in counts) / len(token)
