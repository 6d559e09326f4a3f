"""Graphs that two readers understand differently: what a runtime would open decides."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from breeze.contracts.errors import InputError
from breeze.models import check_header

ELSEWHERE = b"../../../../../../etc/passwd"


def number(value: int) -> bytes:
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    return bytes(made) + bytes([value])


def part(field: int, data: bytes) -> bytes:
    return number(field << 3 | 2) + number(len(data)) + data


def plain(field: int, value: int) -> bytes:
    return number(field << 3) + number(value)


def pair(key: bytes, value: bytes) -> bytes:
    return part(1, key) + part(2, value)


def tensor(*parts: bytes) -> bytes:
    """Four numbers called w."""
    return plain(1, 4) + plain(2, 1) + part(8, b"w") + b"".join(parts)


def graph(*parts: bytes) -> bytes:
    return plain(1, 8) + part(7, part(2, b"g") + b"".join(parts)) + part(8, plain(2, 13))


def at(place: bytes) -> bytes:
    return part(13, pair(b"location", place))


OUTSIDE = plain(14, 1)
_EVIL, _GOOD = pair(b"location", ELSEWHERE), pair(b"location", b"w.bin")
CASES = {
    "as it is": graph(part(5, tensor(OUTSIDE, at(ELSEWHERE)))),
    "behind a number that is no length": graph(
        part(5, tensor(OUTSIDE, part(13, _GOOD + bytes([3 << 3, len(_EVIL)]) + _EVIL)))
    ),
    "by a choice that is one in 32 bits": graph(
        part(5, tensor(plain(14, 2**32 + 1), at(ELSEWHERE)))
    ),
    "as the second half of a tensor": graph(
        part(1, part(4, b"Constant") + part(5, part(1, b"value")
             + part(5, tensor(OUTSIDE, at(b"w.bin"))) + part(5, at(ELSEWHERE)) + plain(20, 4)))
    ),
    "after another": graph(part(5, tensor(OUTSIDE, at(ELSEWHERE), at(b"w.bin")))),
    "as a place in memory": graph(part(5, tensor(OUTSIDE, at(b"*/_ORT_MEM_ADDR_/*")))),
}  # fmt: skip


@pytest.mark.parametrize("data", CASES.values(), ids=CASES)
def test_no_weights_are_read_from_elsewhere(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "w.bin").write_bytes(bytes(4096))
    there = tmp_path / "*" / "_ORT_MEM_ADDR_"
    there.mkdir(parents=True)
    (there / "*").write_bytes(bytes(4096))
    file = tmp_path / "m.onnx"
    file.write_bytes(data)
    assert any(place not in (b"w.bin", b"") for place in _places(data))
    with pytest.raises(InputError, match="lead out|odd form|two of"):
        check_header(file)


def _places(data: bytes) -> Iterator[bytes]:
    """Where the format's own reader finds weights."""
    from onnx import ModelProto

    model = ModelProto.FromString(data)
    held = [a.t for node in model.graph.node for a in node.attribute]
    for found in (*model.graph.initializer, *held):
        assert found.data_location == 1
        yield from (entry.value.encode() for entry in found.external_data)


def test_a_type_that_is_one_in_32_bits_counts(tmp_path: Path) -> None:
    file = tmp_path / "m.onnx"
    body = plain(1, 400) + plain(2, 2**32 + 1) + part(8, b"w") + part(9, bytes(4))
    file.write_bytes(graph(part(5, body)))
    with pytest.raises(InputError, match="its shape needs 1600"):
        check_header(file)


def test_a_shape_of_thousands_of_sides_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "m.onnx"
    file.write_bytes(graph(part(5, part(1, number(2) * 70_000) + plain(2, 1) + part(9, bytes(4)))))
    with pytest.raises(InputError, match="described in 70000 bytes"):
        check_header(file)


def test_a_vocabulary_as_large_as_the_machine_is_refused(tmp_path: Path) -> None:
    """Its texts must differ, and are kept while they are compared."""
    file = tmp_path / "m.gguf"
    key = b"tokenizer.ggml.tokens"
    with file.open("wb") as out:
        out.write(b"GGUF" + struct.pack("<Iqq", 3, 0, 1))
        out.write(struct.pack("<Q", len(key)) + key + struct.pack("<IIQ", 9, 8, 900))
        for index in range(900):
            out.write(struct.pack("<QI", 60_000, index))
            out.seek(59_996, 1)
        out.truncate()
    with pytest.raises(InputError, match="bytes of text"):
        check_header(file)
