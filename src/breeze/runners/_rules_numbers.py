"""Numbers that prove themselves: cards (issuer, length, Luhn), IBANs (country, mod 97)."""

from __future__ import annotations

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

_CARDS: dict[tuple[int, ...], tuple[range, ...]] = {
    (13, 16, 19): (range(4, 5),),
    (14,): (range(300, 306), range(36, 37), range(38, 40)),
    (15,): (range(34, 35), range(37, 38)),
    (16,): (range(51, 56), range(2221, 2721), range(3528, 3590)),
    (16, 17, 18, 19): (range(62, 63),),
    (16, 18, 19): (range(5018, 5021), range(6304, 6305), range(6759, 6764)),
    (16, 19): (range(6011, 6012), range(644, 650), range(65, 66)),
}
"""Lengths of card numbers, and the first digits with which issuers use them."""
_CARD_LENGTHS = {
    str(first): lengths for lengths, starts in _CARDS.items() for start in starts for first in start
}

_IBAN_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FO FI GL NL SD", 19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK", 21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL", 24: "AD CZ DJ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST", 26: "IS TR", 27: "BI FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip
"""Length of an IBAN by its country."""


def luhn(digits: str) -> bool:
    """Whether the last digit is the Luhn check of those before it."""
    numbers = [int(digit) for digit in reversed(digits)]
    return (sum(numbers[0::2]) + sum(_DOUBLED[n] for n in numbers[1::2])) % 10 == 0


def card_lengths(digits: str) -> tuple[int, ...]:
    """The lengths that a payment card may have that begins with these digits (at least four)."""
    if digits == digits[0] * len(digits):
        return ()
    return next(
        (_CARD_LENGTHS[digits[:n]] for n in (4, 3, 2, 1) if digits[:n] in _CARD_LENGTHS), ()
    )


def iban_length(country: str) -> int:
    """How many characters an IBAN of this country (two capitals) has; 0 if it has none."""
    return _IBAN_LENGTHS.get(country, 0)


def is_iban(text: str) -> bool:
    """Whether capitals and digits without spaces are an IBAN: country, length, check digits."""
    if len(text) != iban_length(text[:2]) or not text.isalnum() or not text.isascii():
        return False
    return int("".join(str(int(c, 36)) for c in text[4:] + text[:4])) % 97 == 1
