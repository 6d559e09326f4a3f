"""Personal data by form and by check digits: addresses, numbers, and links that carry a password.

Every pattern is bounded and starts at a place that it recognises at once, so that no text makes
it slow.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator

from breeze.runners._rules_hits import Hit
from breeze.runners._rules_numbers import card_lengths, iban_length, is_iban, luhn
from breeze.runners._rules_text import exact

Span = tuple[int, int]

_EMAIL = re.compile(
    r"(?<![\w.%+-])[\w.%+-]{1,64}+@(?:[\w-]{1,63}+\.){1,8}[^\W\d_]{2,24}(?![\w-])"
    r"|(?<![\w.%+-])[\w.%+-]{1,64}+ ?[\[(] ?at ?[\])] ?[\w-]{1,63}+"
    r"(?: ?[\[(] ?dot ?[\])] ?|\.)[^\W\d_]{2,24}(?!\w)"
)
_AT = re.compile(r"[\[(] ?at ?[\])]")
_LOGIN = re.compile(r"(?<=://)[^\s/:@]{1,64}+:[^\s/@]{1,128}+@[\w.-]{1,253}")
_CARD = re.compile(
    r"(?<!\w)(?:[2-6][0-9]{12,18}+"
    r"|[2-6][0-9]{3}([ .-])[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?P<more>\1[0-9]{1,3})?"
    r"|3[0-9]{3}[ .-][0-9]{6}[ .-][0-9]{4,5}"
    r"|(?<![0-9][ -])[2-6](?:[ -][0-9]){12,18}+)(?!\w)"
)
_IBAN = re.compile(r"(?<!\w)(?=([A-Za-z]{2}[0-9]{2}[A-Za-z0-9 -]{11,44}))")
_SSN = re.compile(r"(?<![\w-])(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?![\w-])")
_PHONE = re.compile(
    r"(?<![\w+.])(?:\+[1-9]|00[1-9])[0-9 ().\-/]{5,22}+"
    r"|(?<![\w+.-])[2-9][0-9]{2}([ .\-])[2-9][0-9]{2}\1[0-9]{4}(?![\w-])"
    r"|\([2-9][0-9]{2}\) ?[2-9][0-9]{2}[ .\-][0-9]{4}(?![\w-])"
    r"|(?<![\w.,+/:-])\(?0[1-9][0-9]{0,3}\)?[ \-/][0-9 \-/]{5,14}+"
)
_NUMBER = re.compile(r"[0-9]+")
_NO_PHONE = re.compile(
    r"[0-9]{1,2}[\-/][0-9]{1,2}[\-/](?:[0-9]{4}|[0-9]{2})(?![0-9])|[0-9]{5}-[0-9]{4}(?![0-9-])"
)
"""Dates, and postcodes of nine digits."""
_V4 = re.compile(r"(?<![\w.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?!\.?\w)")
_V6 = re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f:]{0,38}[0-9])[0-9A-Fa-f:]{3,39}+(?![\w:])")
_VERSION = re.compile(
    r"(?:version|release|revision|build|\bv|§|section|chapter)\W{0,3}$|[<>=~]\W{0,2}$",
    re.IGNORECASE,
)


def find(text: str) -> Iterator[Hit]:
    """Every piece of personal data in `text`."""
    view = exact(text)
    for name, look in _LOOKS.items():
        for start, end in look(view.text):
            yield Hit(*view.span(start, end), "PII", f"personal.{name}")


def _emails(text: str) -> Iterator[Span]:
    if "@" in text or _AT.search(text):
        yield from (found.span() for found in _EMAIL.finditer(text))


def _logins(text: str) -> Iterator[Span]:
    if "://" in text:
        yield from (found.span() for found in _LOGIN.finditer(text))


def _cards(text: str) -> Iterator[Span]:
    found = _CARD.search(text)
    while found:
        end = _card_end(found)
        if end:
            yield found.start(), end
        found = _CARD.search(text, end or found.start() + 1)


def _card_end(found: re.Match[str]) -> int:
    """Where the card in `found` ends; 0 when it is none. A security code may follow the number."""
    for end in (found.end(), found.start("more")):
        digits = _digits(found.string[found.start() : end]) if end > 0 else ""
        if len(digits) >= 13 and len(digits) in card_lengths(digits) and luhn(digits):
            return end
    return 0


def _ibans(text: str) -> Iterator[Span]:
    for found in _IBAN.finditer(text):
        wanted = iban_length(found[1][:2].upper())
        length = _prefix_with(found[1], wanted) if wanted else 0
        whole = found[1][:length]
        if length and not found[1][length : length + 1].isalnum() and is_iban(_packed(whole)):
            yield found.start(), found.start() + length


def _prefix_with(text: str, wanted: int) -> int:
    """How long the part of `text` is that holds `wanted` letters and digits; 0: too short."""
    for length, character in enumerate(text, 1):
        wanted -= character.isalnum()
        if not wanted:
            return length
    return 0


def _phones(text: str) -> Iterator[Span]:
    found = _PHONE.search(text)
    while found:
        length = 0 if _NO_PHONE.match(found[0]) else _phone_length(found[0])
        end = found.start() + length
        if length and not text[end : end + 1].isalnum():
            yield found.start(), end
        found = _PHONE.search(text, end if length else found.start() + 1)


def _phone_length(number: str) -> int:
    """How much of a run of digits and separators can be dialled, from its beginning; 0: nothing."""
    for group in reversed(list(_NUMBER.finditer(number))):
        if _dialled(number[: group.end()]):
            return group.end()
    return 0


def _dialled(number: str) -> bool:
    """Whether the count of digits is one that people dial."""
    count = len(_digits(number))
    if number.startswith("+"):
        return 8 <= count <= 15
    return 10 <= count <= 17 if number.startswith("00") else 9 <= count <= 12


def _social_security(text: str) -> Iterator[Span]:
    return (found.span() for found in _SSN.finditer(text))


def _addresses(text: str) -> Iterator[Span]:
    for found in _V4.finditer(text):
        before = text[max(0, found.start() - 10) : found.start()]
        if _is_address(found[0]) and not _VERSION.search(before):
            yield found.span()
    for found in _V6.finditer(text):
        if found[0].count(":") >= 2 and _is_address(found[0]):
            yield found.span()


def _is_address(text: str) -> bool:
    """Whether it names a machine, and not this very one or none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified or address.is_multicast)


def _digits(text: str) -> str:
    return text.translate(_SEPARATORS)


_SEPARATORS = dict.fromkeys(map(ord, " .-/()+"))


def _packed(text: str) -> str:
    return text.replace(" ", "").replace("-", "").upper()


_LOOKS: dict[str, Callable[[str], Iterator[Span]]] = {
    "email": _emails,
    "login": _logins,
    "card": _cards,
    "iban": _ibans,
    "ssn": _social_security,
    "phone": _phones,
    "address": _addresses,
}
