"""Where in a JSON text something stands that was refused."""

from __future__ import annotations

import json
import re

_WHERE = re.compile(r" - at `\$([^`]*)`")
_BYTE = re.compile(r"\(byte (\d+)\)")
_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
_SPACE = re.compile(r"[ \t\r\n]*")
_decoder = json.JSONDecoder()


def field_of(message: str) -> str:
    """The field that msgspec's message is about, such as `models[0].id`; empty for none."""
    found = _WHERE.search(message)
    return found[1].lstrip(".") if found else ""


def plain(message: str) -> str:
    """The message without the field."""
    return _WHERE.sub("", message)


def line_of(data: bytes, message: str) -> int:
    """The line, from 1, that msgspec's message about `data` is about."""
    if byte := _BYTE.search(message):
        return data.count(b"\n", 0, int(byte[1])) + 1
    text = data.decode(errors="replace")
    at = _next(text, 0)
    try:
        for number, key in _STEP.findall(field_of(message)):
            at = _item(text, at, int(number)) if number else _value(text, at, key)
    except (ValueError, IndexError, RecursionError):
        pass  # broken behind here: the line that was reached says enough
    return text.count("\n", 0, at) + 1


def _item(text: str, at: int, number: int) -> int:
    at = _next(text, at + 1)
    for _ in range(number):
        at = _next(text, _next(text, _decoder.raw_decode(text, at)[1]) + 1)
    return at


def _value(text: str, at: int, key: str) -> int:
    while True:
        at = _next(text, at + 1)
        found, end = _decoder.raw_decode(text, at)
        value = _next(text, _next(text, end) + 1)
        if found == key:
            return value
        at = _next(text, _decoder.raw_decode(text, value)[1])
        if text[at] != ",":
            return at


def _next(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
