"""Keys and passwords: by the beginnings that issuers give them, by labels, and by randomness."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from breeze.runners._rules_hits import Hit
from breeze.runners._rules_text import exact

_KNOWN = {
    "sk": r"sk-(?:[a-z]{2,8}-){0,3}[A-Za-z0-9_-]{20,200}+",
    "akia": r"(?:AKIA|ASIA)[0-9A-Z]{16}(?!\w)",
    "ghp": r"gh[pousr]_[A-Za-z0-9]{30,255}+|github_pat_[A-Za-z0-9_]{40,255}+",
    "xox": r"xox[abeprs]-[A-Za-z0-9-]{10,200}+",
    "aiza": r"AIza[A-Za-z0-9_-]{35}(?![\w-])",
    "hf": r"hf_[A-Za-z0-9]{30,60}+",
    "glpat": r"glpat-[A-Za-z0-9_-]{20,60}+",
    "jwt": r"eyJ[A-Za-z0-9_-]{8,1024}+\.[A-Za-z0-9_-]{8,2048}+\.[A-Za-z0-9_-]{8,1024}+",
    "pem": r"-----BEGIN [A-Z0-9 ]{0,24}PRIVATE KEY-----[A-Za-z0-9+/=\s:,]{0,3900}+"
    r"(?:-----END [A-Z0-9 ]{0,24}PRIVATE KEY-----)?",
}
_PREFIXED = re.compile("|".join(f"(?P<{name}>(?<![\\w-]){form})" for name, form in _KNOWN.items()))
_HINT = re.compile(r"sk-|A[KS]IA|gh[pousr]_|github_|xox|AIza|hf_|glpat-|eyJ|-----BEGIN")
_LABELLED = re.compile(
    r"(?:pass(?:word|wd|phrase|wort|code)|contraseña|mot de passe|\bpwd|api[_ -]?key|"
    r"(?:access|auth|secret|private|client)[_ -]?(?:token|key|secret)|密碼|密码)"
    r"[\"']?(?:\s{0,3}[:=：]\s{0,3}|\s(?:is|ist|es|est)\s)[\"']?([^\s\"',;]{8,128}+)",  # noqa: RUF001
    re.IGNORECASE,
)
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
    if _HINT.search(text):
        for found in _PREFIXED.finditer(text):
            yield str(found.lastgroup), *found.span()
    for found in _LABELLED.finditer(text):
        if _mixed(found[1]):
            yield "labelled", *found.span(1)
    for found in _TOKEN.finditer(text):
        if _random(found[0], entropy) and not _is_digest(text, found.start()):
            yield "random", *found.span()


def _mixed(value: str) -> bool:
    """Whether it has letters and also digits or signs, as passwords do and words do not."""
    letters = any(map(str.isalpha, value))
    return letters and any(c.isdigit() or c in "!@#$%^&*?+~" for c in value[:-1])


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
