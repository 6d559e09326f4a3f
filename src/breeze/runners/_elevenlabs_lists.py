"""Lists that are written in one line of text."""

from __future__ import annotations

from breeze.contracts.errors import InputError

_MOST_TERMS, _LONGEST_TERM, _MOST_DICTIONARIES = 1000, 50, 3


def keyterms(said: str) -> tuple[str, ...]:
    """Words and names, separated by commas. Raises InputError for what the vendor refuses."""
    found = tuple(filter(None, map(str.strip, said.split(","))))
    if len(found) > _MOST_TERMS:
        raise InputError(f"has {len(found)} words, can have {_MOST_TERMS}", field="keyterms")
    if long := next((term for term in found if len(term) > _LONGEST_TERM), ""):
        raise InputError(f"{long!r} is longer than {_LONGEST_TERM} letters", field="keyterms")
    return found


def dictionaries(said: str) -> list[dict[str, str]]:
    """Dictionaries as `id:version`, separated by commas, as the vendor takes them.

    Without a version it is the newest. Raises InputError beyond three.
    """
    found = []
    for each in filter(None, map(str.strip, said.split(","))):
        name, colon, version = each.partition(":")
        locator = {"pronunciation_dictionary_id": name.strip()}
        found.append(locator | ({"version_id": version.strip()} if colon else {}))
    if len(found) > _MOST_DICTIONARIES:
        raise InputError(f"has {len(found)}, can have {_MOST_DICTIONARIES}", field="pronunciation")
    return found
