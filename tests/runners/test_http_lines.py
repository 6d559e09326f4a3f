"""Newline-delimited JSON, in whatever pieces it comes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breeze.contracts.errors import ProcessingError
from breeze.runners._http_lines import LineSplitter

LINES = st.lists(st.binary(min_size=1).filter(lambda b: b == b.strip() and b"\n" not in b))


@given(
    LINES, st.lists(st.integers(1, 7)), st.sampled_from([b"\n", b"\r\n", b"\n\n"]), st.booleans()
)
def test_any_pieces_give_the_same_lines(
    lines: list[bytes], cuts: list[int], ending: bytes, closed: bool
) -> None:
    data = ending.join(lines) + (ending if closed else b"")
    splitter, found, at = LineSplitter(), [], 0
    for size in cuts:
        found += splitter.feed(data[at : at + size])
        at += size
    found += splitter.feed(data[at:])
    assert found + splitter.end() == lines
    assert splitter.end() == []


def test_a_line_without_end_is_refused() -> None:
    splitter = LineSplitter(largest=8)
    splitter.feed(b"12345\n1234")
    with pytest.raises(ProcessingError, match="longer than 8 bytes"):
        splitter.feed(b"56789")
