"""Files that lie about themselves: refused before native code maps them, whatever they claim."""

from __future__ import annotations

import io
import json
import pickle  # noqa: TID251  # to write what must be refused
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from breeze.contracts.errors import InputError
from breeze.models import check_header
from tests.house.source import PACKAGE
from tests.models.hub import safetensors
from tests.models.mutations import mutations
from tests.runners.gguf_writer import Drawn

TINY = PACKAGE / "models" / "embedded" / "breeze-tiny-q8_0.gguf"
_LOAD = """
import sys
from pathlib import Path
import onnxruntime
from safetensors import safe_open
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        if path.suffix == ".safetensors":
            with safe_open(str(path), "np") as file:
                [file.get_tensor(name) for name in file.keys()]
        else:
            options = onnxruntime.SessionOptions()
            options.log_severity_level = 4
            options.intra_op_num_threads = options.inter_op_num_threads = 1
            onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    except Exception:
        pass
print("alive")
"""


def onnx(folder: Path | None = None) -> bytes:
    """A small sound graph; its weights lie in a file of `folder` where one is given."""
    from numpy import arange, float32
    from onnx import TensorProto, helper, numpy_helper

    weight = numpy_helper.from_array(arange(64, dtype=float32).reshape(8, 8), "w")
    if folder is not None:
        (folder / "w.data").write_bytes(weight.raw_data)
        weight.ClearField("raw_data")
        weight.data_location = TensorProto.EXTERNAL
        for key, value in (("location", "w.data"), ("offset", "0"), ("length", "256")):
            entry = weight.external_data.add()
            entry.key, entry.value = key, value
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 8])],
        [weight],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def gguf() -> bytes:
    """A small sound file with metadata of several kinds and two tensors."""
    facts = {
        "general.architecture": (8, "llama"), "llama.block_count": (4, 2), "odd.on": (7, True),
        "tokenizer.ggml.tokens": (9, (8, ["a", "b", "c"])), "odd.list": (9, (5, [1, 2, 3])),
    }  # fmt: skip
    tensors: dict[str, tuple[tuple[int, ...], int]] = {
        "token_embd.weight": ((32, 3), 0),
        "output.weight": ((32, 2), 8),
    }
    return Drawn(metadata=facts, tensors=tensors).file()


def two_tensors() -> bytes:
    head = json.dumps({
        "__metadata__": {"format": "pt"},
        "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "b": {"dtype": "U8", "shape": [8], "data_offsets": [24, 32]},
    }).encode()  # fmt: skip
    return struct.pack("<Q", len(head)) + head + bytes(32)


@pytest.mark.parametrize(
    ("name", "sound", "head", "number"),
    [
        ("m.gguf", gguf, 400, 3_000),
        ("m.safetensors", two_tensors, 200, 4_000),
        ("m.onnx", onnx, 400, 3_000),
    ],
)
def test_ten_thousand_mutated_headers_crash_nothing(
    tmp_path: Path, name: str, sound: Callable[[], bytes], head: int, number: int
) -> None:
    passed = tmp_path / "passed"
    passed.mkdir()
    refused = 0
    for index, data in enumerate(mutations(sound(), head, number, seed=7)):
        file = tmp_path / name
        file.write_bytes(data)
        try:
            check_header(file)
        except InputError:
            refused += 1
        else:
            file.rename(passed / f"{index}-{name}")
    assert number // 10 < refused < number
    if not name.endswith(".gguf"):  # the runner of that form has a test of its own
        done = subprocess.run(
            [sys.executable, "-c", _LOAD, str(passed)], capture_output=True, text=True, timeout=90
        )
        assert (done.returncode, done.stdout.split()[-1]) == (0, "alive"), done.stderr[-2000:]


@pytest.mark.parametrize(
    ("name", "data", "form"),
    [
        ("m.gguf", TINY.read_bytes, "gguf"),
        ("m.safetensors", lambda: safetensors(1000), "safetensors"),
        ("m.safetensors", two_tensors, "safetensors"),
        ("m.onnx", onnx, "onnx"),
        ("notes.txt", lambda: b"anything", ""),
    ],
)
def test_sound_files_pass(tmp_path: Path, name: str, data: Callable[[], bytes], form: str) -> None:
    file = tmp_path / name
    file.write_bytes(data())
    assert check_header(file) == form


def test_weights_beside_a_graph_must_be_there(tmp_path: Path) -> None:
    file = tmp_path / "m.onnx"
    file.write_bytes(onnx(tmp_path))
    assert check_header(file) == "onnx"
    (tmp_path / "w.data").write_bytes(bytes(255))
    with pytest.raises(InputError, match="claim bytes"):
        check_header(file)
    file.write_bytes(onnx(tmp_path).replace(b"w.data", b"../etc"))
    with pytest.raises(InputError, match="lead out"):
        check_header(file)


def header(**tensors: object) -> bytes:
    head = json.dumps(tensors).encode()
    return struct.pack("<Q", len(head)) + head


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "too early"),
        (struct.pack("<Q", 2**63) + b"{}", "claims"),
        (struct.pack("<Q", 2) + b"[]", "no JSON object"),
        (header(a={"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 4]}), "shape says"),
        (header(a={"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}), "impossible"),
        (header(a={"dtype": "F99", "shape": [1], "data_offsets": [0, 4]}) + b"abcd", "unknown"),
        (header(a={"dtype": "U8", "shape": [4], "data_offsets": [4, 8]}) + b"abcdabcd", "does not"),
        (
            header(a={"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}) + b"abcdabcd",
            "are there",
        ),
    ],
)
def test_what_a_header_may_not_claim(tmp_path: Path, data: bytes, why: str) -> None:
    file = tmp_path / "m.safetensors"
    file.write_bytes(data)
    with pytest.raises(InputError, match=why):
        check_header(file)


def test_what_is_pickled_is_refused_by_its_bytes(tmp_path: Path) -> None:
    for protocol in (2, 3, 4, 5):
        file = tmp_path / f"model{protocol}.bin"
        file.write_bytes(pickle.dumps({"w": [1.0]}, protocol))
        with pytest.raises(InputError, match="pickled"):
            check_header(file)
        assert check_header(file, allow_pickle=True) == ""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("archive/data.pkl", b"")
    (tmp_path / "model.bin").write_bytes(archive.getvalue())
    with pytest.raises(InputError, match="pickled"):
        check_header(tmp_path / "model.bin")


def test_an_archive_that_cannot_be_looked_into_is_refused(tmp_path: Path) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("archive/data.pkl", b"")
    whole = archive.getvalue()
    of_later_version = whole.replace(b"PK\x01\x02\x14\x03\x14", b"PK\x01\x02\x14\x03\xff")
    assert of_later_version != whole
    for number, data in enumerate((whole[:-10], of_later_version)):
        file = tmp_path / f"model{number}.bin"
        file.write_bytes(data)
        with pytest.raises(InputError, match="cannot be looked into"):
            check_header(file)
        assert check_header(file, allow_pickle=True) == ""
