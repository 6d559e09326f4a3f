"""Events are the same in whatever pieces, line ends and shapes they come."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breeze.contracts.errors import ProcessingError
from breeze.runners._http_sse import EventSplitter, Fields


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    """`stream` in pieces that begin at these places."""
    ends = sorted({place % (len(stream) + 1) for place in places} | {0, len(stream)})
    return [stream[a:b] for a, b in pairwise(ends)]


def read(pieces: list[bytes]) -> list[bytes]:
    splitter = EventSplitter()
    found = [event for piece in pieces for event in splitter.feed(piece)]
    return found + splitter.end()


SHAPES = {
    "plain": b"data: one\n\ndata: two\n\ndata: three\n\n",
    "crlf": b"data: one\r\n\r\ndata: two\r\n\r\ndata: three\r\n\r\n",
    "cr": b"data: one\r\rdata: two\r\rdata: three\r\r",
    "mixed": b"data: one\r\n\ndata: two\r\r\ndata: three\n\r\n",
    "bom": b"\xef\xbb\xbfdata: one\n\ndata: two\n\ndata: three\n\n",
    "no space": b"data:one\n\ndata:two\n\ndata:three\n\n",
    "comments": b": hello\n\ndata: one\n\n: ping\ndata: two\n:\n\n\n\ndata: three\n\n",
    "other fields": b"id: 1\ndata: one\n\nretry: 10\n\nevent: x\ndata: two\n\ndata: three\nid\n\n",
    "unclosed": b"data: one\n\ndata: two\n\ndata: three",
    "unclosed line": b"data: one\n\ndata: two\n\ndata: three\n",
}


@pytest.mark.parametrize("shape", SHAPES)
@given(places=st.lists(st.integers(0, 200), max_size=30))
def test_every_shape_gives_the_same_events_however_it_is_cut(shape: str, places: list[int]) -> None:
    assert read(cut(SHAPES[shape], places)) == [b"one", b"two", b"three"]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_in_single_bytes(shape: str) -> None:
    stream = SHAPES[shape]
    assert read([stream[i : i + 1] for i in range(len(stream))]) == [b"one", b"two", b"three"]


texts = st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"]), min_size=1)


@given(st.lists(texts, max_size=6), st.lists(st.integers(0, 500), max_size=40), st.booleans())
def test_any_text_comes_out_as_it_went_in(said: list[str], places: list[int], crlf: bool) -> None:
    lines = ["".join(f"data: {line}\n" for line in text.split("\n")) + "\n" for text in said]
    stream = "".join(lines).encode()
    if crlf:
        stream = stream.replace(b"\n", b"\r\n")
    expected = [text.encode() for text in said if text.strip("\n") or "\n" in text]
    assert read(cut(stream, places)) == expected


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=20))
def test_any_bytes_give_the_same_whole_or_cut(stream: bytes, places: list[int]) -> None:
    assert read(cut(stream, places)) == read([stream])


def test_events_come_as_soon_as_they_are_closed() -> None:
    splitter = EventSplitter()
    assert splitter.feed(b"data: one\n") == []
    assert splitter.feed(b"\ndata: two\n\ndata: thr") == [b"one", b"two"]
    assert splitter.feed(b"ee\r\n\r\n") == [b"three"]
    assert splitter.end() == []


def test_odd_events_can_be_read_otherwise() -> None:
    seen: list[Fields] = []

    def named(fields: Fields) -> bytes:
        seen.append(fields)
        return fields.get(b"event", b"")

    splitter = EventSplitter(named)
    assert splitter.feed(b"event: stop\ndata: 1\ndata: 2\n\ndata: plain\n\n") == [b"stop", b"plain"]
    assert seen == [{b"event": b"stop", b"data": b"1\n2"}]


def test_json_that_stands_beside_the_events_is_taken_as_it_is() -> None:
    splitter = EventSplitter()
    assert splitter.feed(b'data: 1\n\n{\n  "error": "busy"\n}') == [b"1"]
    assert splitter.end() == [b'{\n  "error": "busy"\n}']


def test_an_event_may_be_only_so_large() -> None:
    splitter = EventSplitter(largest=1000)
    assert splitter.feed(b"data: " + b"x" * 900 + b"\n\n") == [b"x" * 900]
    splitter.feed(b"data: " + b"x" * 900)
    with pytest.raises(ProcessingError, match="larger than 1000 bytes"):
        splitter.feed(b"x" * 100)


def test_a_huge_event_in_many_pieces_takes_no_time() -> None:
    splitter = EventSplitter()
    piece = b"x" * 65_536
    splitter.feed(b"data: ")
    for _ in range(20 * 16):
        assert splitter.feed(piece) == []
    (event,) = splitter.feed(b"\n\n")
    assert len(event) == 20 * 2**20
