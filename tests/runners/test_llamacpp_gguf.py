"""A GGUF file is read strictly: it is sound or refused by name, in little time and memory."""

from __future__ import annotations

import struct
import tracemalloc
from contextlib import suppress
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from breeze.contracts.errors import InputError
from breeze.contracts.gguf import read_header
from breeze.contracts.gguf_header import BLOCKS, Array, Header, Tensor
from tests.runners.gguf_writer import ARRAY, STRING, Drawn, size_of

WIDE = 2**40
steady = settings(
    derandomize=True,
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=15)
scalars = st.one_of(
    st.tuples(st.just(4), st.integers(0, 2**32 - 1)),
    st.tuples(st.just(5), st.integers(-(2**31), 2**31 - 1)),
    st.tuples(st.just(12), st.floats(allow_nan=False)),
    st.tuples(st.just(7), st.booleans()),
    st.tuples(st.just(STRING), st.text(max_size=30)),
)
lists = st.one_of(
    st.tuples(st.just(STRING), st.lists(st.text(max_size=8), max_size=6)),
    st.tuples(st.just(5), st.lists(st.integers(-9, 9), max_size=6)),
)
shapes = st.one_of(
    st.tuples(st.tuples(st.integers(1, 40), st.integers(1, 4)), st.sampled_from([0, 1, 30])),
    st.tuples(st.tuples(st.sampled_from([32, 64]), st.integers(1, 4)), st.just(8)),
    st.tuples(st.tuples(st.integers(1, 40)), st.just(0)),
)
drawn = st.builds(
    Drawn,
    version=st.sampled_from([2, 3]),
    alignment=st.sampled_from([1, 32, 64]),
    metadata=st.dictionaries(names, st.one_of(scalars, st.tuples(st.just(ARRAY), lists))),
    tensors=st.dictionaries(names, shapes, min_size=1, max_size=4),
)


def read(folder: Path, content: bytes) -> Header:
    path = folder / "model.gguf"
    path.write_bytes(content)
    return read_header(path)


@steady
@given(drawn)
def test_a_sound_file_reads_as_it_was_written(tmp_path: Path, wanted: Drawn) -> None:
    header = read(tmp_path, wanted.file())
    expected = {
        key: Array(value[0], len(value[1])) if kind == ARRAY else value
        for key, (kind, value) in wanted.metadata.items()
    }
    assert header.metadata == {**expected, "general.alignment": wanted.alignment}
    assert [(t.name, t.dims, t.kind) for t in header.tensors] == [
        (name, dims, kind) for name, (dims, kind) in wanted.tensors.items()
    ]
    assert all(t.offset % wanted.alignment == 0 for t in header.tensors)
    assert all(t.size == size_of(t.dims, t.kind) for t in header.tensors)


def refused_or_same(folder: Path, content: bytes, sound: Header) -> None:
    header = None
    with suppress(InputError):
        header = read(folder, content)
    if header is not None:
        assert (header.metadata, header.tensors) == (sound.metadata, sound.tensors)


@steady
@given(drawn, st.data())
def test_a_cut_file_is_refused(tmp_path: Path, wanted: Drawn, data: st.DataObject) -> None:
    content = wanted.file()
    sound = read(tmp_path, content)
    refused_or_same(tmp_path, content[: data.draw(st.integers(0, len(content)))], sound)


@steady
@given(drawn, st.data(), st.integers(1, 70) | st.integers(1, 2**62))
def test_a_raised_count_length_or_offset_is_refused(
    tmp_path: Path, wanted: Drawn, data: st.DataObject, more: int
) -> None:
    content = bytearray(wanted.file())
    sound = read(tmp_path, bytes(content))
    at, form = data.draw(st.sampled_from(wanted.spots))
    bits = 32 if form == "I" else 64
    value = (struct.unpack_from(f"<{form}", content, at)[0] + more) % 2 ** (bits - 1)
    struct.pack_into(f"<{form}", content, at, value)
    refused_or_same(tmp_path, bytes(content), sound)


@steady
@given(drawn, st.data())
def test_flipped_bytes_end_in_a_header_or_a_refusal_cheaply(
    tmp_path: Path, wanted: Drawn, data: st.DataObject
) -> None:
    content = bytearray(wanted.file())
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    tracemalloc.start()
    begun = process_time()
    with suppress(InputError):
        read(tmp_path, bytes(content))
    spent, peak = process_time() - begun, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert spent < 1
    assert peak < 50_000_000


def lie(**fields: Any) -> bytes:
    return Drawn(**fields).file()


def with_tensor(dims: tuple[int, ...], offset: int = 0, kind: int = 0) -> bytes:
    """A file of 4 KB whose one tensor claims `dims` at `offset`."""
    made = Drawn(tensors={"blk.0.attn_q.weight": ((32,), 0)})
    made.file()
    head = made.data.index(b"blk.0.attn_q.weight") + len(b"blk.0.attn_q.weight")
    entry = struct.pack("<I", len(dims)) + struct.pack(f"<{len(dims)}Q", *dims)
    entry += struct.pack("<IQ", kind, offset)
    return (bytes(made.data[:head]) + entry).ljust(4096, b"\0")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "only 0 bytes"),
        (b"GGML" + bytes(60), "does not begin with GGUF"),
        (b"GGUF" + struct.pack(">I", 3) + bytes(60), "big-endian"),
        (lie(version=1), "version 1"),
        (b"GGUF" + struct.pack("<Iqq", 3, WIDE, 0), f"claims {WIDE} tensors"),
        (b"GGUF" + struct.pack("<Iqq", 3, -1, 0), "claims -1 tensors"),
        (b"GGUF" + struct.pack("<Iqq", 3, 0, WIDE), f"claims {WIDE} metadata entries"),
        (lie(alignment=48), "general.alignment is 48"),
        (lie(metadata={"tokenizer.ggml.tokens": (ARRAY, (STRING, ["a", "b", "a"]))}), "twice"),
        (with_tensor((WIDE,)), f"tensor blk.0.attn_q.weight claims {WIDE * 4} bytes at offset"),
        (with_tensor((2**62, 4)), "impossible shape"),
        (with_tensor((2**40, 2**40)), "impossible shape"),
        (with_tensor((32,), offset=2**63), "but the file has 4096"),
        (with_tensor((32,), offset=64), "claims offset 64"),
        (with_tensor((0,)), "impossible shape"),
        (with_tensor((1, 1, 1, 1, 1)), "claims 5 dimensions"),
        (with_tensor((33,), kind=8), "rows of 33, not a multiple of 32"),
        (with_tensor((32,), kind=4), "unknown type 4"),
    ],
)
def test_a_lie_is_named(tmp_path: Path, content: bytes, what: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, content)
    assert what in caught.value.message


@pytest.mark.parametrize(
    "made",
    [
        Drawn(tensors={"one": ((32,), 0), "two": ((32,), 0)}),
        Drawn(metadata={"one": (7, True), "two": (7, True)}),
    ],
)
def test_the_same_name_twice_is_refused(tmp_path: Path, made: Drawn) -> None:
    with pytest.raises(InputError, match="one.* comes twice") as caught:
        read(tmp_path, made.file().replace(b"two", b"one"))
    assert caught.value.field == "model"
    assert "model.gguf" in caught.value.message


def test_a_long_list_that_is_not_there_costs_nothing(tmp_path: Path) -> None:
    made = Drawn(metadata={"words": (ARRAY, (STRING, ["x"]))})
    content = bytearray(made.file())
    at = content.index(b"words") + len(b"words") + 8
    for claimed in (10**6, 2**40, 2**63):
        struct.pack_into("<Q", content, at, claimed)
        begun = process_time()
        with pytest.raises(InputError, match="words"):
            read(tmp_path, bytes(content))
        assert process_time() - begun < 1


def test_what_is_not_a_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing.gguf"):
        with pytest.raises(InputError, match="cannot be read"):
            read_header(path)


def test_block_sizes_are_those_of_the_format() -> None:
    from gguf.constants import GGML_QUANT_SIZES

    assert {int(kind): size for kind, size in GGML_QUANT_SIZES.items()}.items() <= BLOCKS.items()


def test_tensors_lie_where_the_header_says(tmp_path: Path) -> None:
    made = Drawn(tensors={"a": ((32,), 0), "b": ((64, 2), 8)})
    content = made.file()
    first, second = read(tmp_path, content).tensors
    assert first == Tensor("a", (32,), 0, first.offset, 128)
    assert second == Tensor("b", (64, 2), 8, first.offset + 128, 136)
    assert second.offset + 160 == len(content)
