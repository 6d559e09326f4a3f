"""Keys and passwords in text: by the beginnings that issuers give them, and by labels."""

from __future__ import annotations

import re
from collections.abc import Iterator

_KNOWN = {
    "sk": r"sk-(?:[a-z]{2,8}-){0,3}[A-Za-z0-9_-]{20,200}+",
    "akia": r"(?:AKIA|ASIA)[0-9A-Z]{16}(?!\w)",
    "ghp": r"gh[pousr]_[A-Za-z0-9]{30,255}+|github_pat_[A-Za-z0-9_]{40,255}+",
    "xox": r"xox[abeprs]-[A-Za-z0-9-]{10,200}+",
    "aiza": r"AIza[A-Za-z0-9_-]{35}(?![\w-])",
    "hf": r"hf_[A-Za-z0-9]{30,60}+",
    "glpat": r"glpat-[A-Za-z0-9_-]{20,60}+",
    "brz": r"brz_[A-Za-z0-9_-]{20,200}+",
    "jwt": r"eyJ[A-Za-z0-9_-]{8,1024}+\.[A-Za-z0-9_-]{8,2048}+\.[A-Za-z0-9_-]{8,1024}+",
    "pem": r"-----BEGIN [A-Z0-9 ]{0,24}PRIVATE KEY-----[A-Za-z0-9+/=\s:,]{0,3900}+"
    r"(?:-----END [A-Z0-9 ]{0,24}PRIVATE KEY-----)?",
}
_PREFIXED = re.compile("|".join(f"(?P<{name}>(?<![\\w-]){form})" for name, form in _KNOWN.items()))
_HINT = re.compile(r"sk-|A[KS]IA|gh[pousr]_|github_|xox|AIza|hf_|glpat-|brz_|eyJ|-----BEGIN")
_LABELLED = re.compile(
    r"(?:pass(?:word|wd|phrase|wort|code)|contraseña|mot de passe|\bpwd|api[_ -]?key|"
    r"(?:access|auth|secret|private|client)[_ -]?(?:token|key|secret)|密碼|密码)"
    r"[\"']?(?:\s{0,3}[:=：]\s{0,3}|\s(?:is|ist|es|est)\s)[\"']?([^\s\"',;]{8,128}+)",  # noqa: RUF001
    re.IGNORECASE,
)


def spans(text: str) -> Iterator[tuple[str, int, int]]:
    """Kind, start and end of every secret in `text`."""
    if _HINT.search(text):
        for found in _PREFIXED.finditer(text):
            yield str(found.lastgroup), *found.span()
    for found in _LABELLED.finditer(text):
        if _mixed(found[1]):
            yield "labelled", *found.span(1)


def _mixed(value: str) -> bool:
    """Whether it has letters and also digits or signs, as passwords do and words do not."""
    letters = any(map(str.isalpha, value))
    return letters and any(c.isdigit() or c in "!@#$%^&*?+~" for c in value[:-1])
