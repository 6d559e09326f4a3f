"""Models that other programs keep on this disk are found without asking those programs."""

from __future__ import annotations

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from breeze.contracts.errors import NotFoundError
from breeze.models.elsewhere import find, place, programs
from breeze.models.elsewhere.found import Found
from tests.models.disks import LAYER, CacheDisk, OllamaDisk, gguf


def found(program: str, folder: Path) -> dict[str, Found]:
    return {model.id: model for model in find(program, {}, folder)}


def names(model: Found) -> list[str]:
    return [piece.name for piece in model.pieces]


def test_every_program_has_a_place() -> None:
    assert programs() == ("hf-cache", "lmstudio", "ollama")


def test_a_program_that_nobody_knows_is_named_with_the_nearest() -> None:
    with pytest.raises(NotFoundError, match="ollama"):
        list(find("olama", {}))


@pytest.mark.parametrize("program", programs())
def test_a_program_that_is_not_there_has_nothing(program: str, tmp_path: Path) -> None:
    assert found(program, tmp_path / "nowhere") == {}


# Ollama -----------------------------------------------------------------------------------


def test_an_ollama_model_is_its_layers(tmp_path: Path) -> None:
    disk = OllamaDisk(tmp_path)
    disk.model(
        "registry.ollama.ai/library/llama3.2/1b",
        model=gguf(),
        projector=gguf(),
        template="{{ .Prompt }}",
        system="Be brief.",
        params='{"stop": ["<|eot|>"]}',
        license="Some Licence\nwith much text",
        config='{"model_family": "llama", "model_type": "1.2B", "file_type": "Q8_0"}',
    )
    (model,) = found("ollama", tmp_path).values()
    assert (model.id, model.source) == ("llama3.2:1b", "ollama:llama3.2:1b")
    assert names(model) == ["model.gguf", "mmproj.gguf"]
    assert [piece.type for piece in model.pieces] == ["model", "projector"]
    assert model.pieces[0].sha256 == sha256(gguf()).hexdigest()
    assert model.pieces[0].path.read_bytes() == gguf()
    assert model.metadata == {
        "system": "Be brief.",
        "template": "{{ .Prompt }}",
        "params": {"stop": ["<|eot|>"]},
    }
    assert (model.description, model.licence) == ("llama 1.2B Q8_0", "Some Licence")


def test_a_layer_that_is_a_link_elsewhere_is_not_shown(tmp_path: Path) -> None:
    """Its folder may be another user's: what the link names is told to nobody."""
    secret = tmp_path / "secret"
    secret.write_text("root:not-to-be-told")
    disk = OllamaDisk(tmp_path / "models")
    disk.model("registry.ollama.ai/library/a/b", model=gguf(), license="Free")
    blob = tmp_path / "models" / "blobs" / f"sha256-{sha256(b'Free').hexdigest()}"
    assert [m.licence for m in found("ollama", tmp_path / "models").values()] == ["Free"]
    blob.unlink()
    blob.symlink_to(secret)
    assert [m.licence for m in found("ollama", tmp_path / "models").values()] == [""]


def test_ollama_models_of_other_people_and_hosts_keep_their_names(tmp_path: Path) -> None:
    disk = OllamaDisk(tmp_path)
    disk.model("registry.ollama.ai/someone/poet/latest", model=gguf())
    disk.model("hf.co/org/name/Q4_K_M", model=gguf())
    disk.model("hf.co/library/name/Q4_K_M", model=gguf())
    assert list(found("ollama", tmp_path)) == [
        "hf.co/library/name:Q4_K_M", "hf.co/org/name:Q4_K_M", "someone/poet:latest"
    ]  # fmt: skip


def test_an_ollama_model_says_why_it_is_of_no_use(tmp_path: Path) -> None:
    disk = OllamaDisk(tmp_path)
    at = "registry.ollama.ai/library"
    half = disk.model(f"{at}/half/1", model=gguf())
    (layer,) = json.loads(half.read_text())["layers"]
    half.write_text(json.dumps({"layers": [layer | {"size": 10**9}]}))
    gone = disk.model(f"{at}/gone/1", template="x")
    gone.write_text(json.dumps({"layers": [layer | {"digest": f"sha256:{'0' * 64}"}]}))
    out = disk.model(f"{at}/out/1", template="x")
    out.write_text(json.dumps({"layers": [layer | {"digest": "sha256:../../../../etc/hosts"}]}))
    disk.model(f"{at}/broken/1").write_text("{")
    disk.model(f"{at}/cloud/1", license="x")
    disk.model(f"{at}/tensors/1", tensor=b"x")
    models = found("ollama", tmp_path).items()
    assert {id: model.problem.partition(":")[0] for id, model in models} == {
        "broken:1": "its manifest cannot be read",
        "cloud:1": "has no file on this disk",
        "gone:1": "its model is not on the disk",
        "half:1": "its model is not complete",
        "out:1": "its model is not on the disk",
        "tensors:1": "is kept tensor by tensor, not as GGUF",
    }  # fmt: skip


def test_ollama_says_by_a_variable_where_its_models_are(tmp_path: Path) -> None:
    OllamaDisk(tmp_path).model("registry.ollama.ai/library/a/b", model=gguf())
    assert [m.id for m in find("ollama", {"OLLAMA_MODELS": str(tmp_path)})] == ["a:b"]
    assert LAYER.endswith("image.")


# LM Studio --------------------------------------------------------------------------------


def test_lm_studio_keeps_a_folder_for_each_repository(tmp_path: Path) -> None:
    for name in (
        "pub/one/one-Q4.gguf",
        "pub/two/two-Q4.gguf",
        "pub/two/two-Q8.gguf",
        "pub/sees/mmproj-model-f16.gguf",
        "pub/sees/sees-Q4.gguf",
        "pub/parts/big-00001-of-00002.gguf",
        "pub/parts/big-00002-of-00002.gguf",
        "pub/cut/cut-00001-of-00002.gguf",
        "pub/coming/downloading_x.gguf",
        "pub/mlx/model.safetensors",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gguf())
    models = found("lmstudio", tmp_path)
    assert {id: names(model) for id, model in models.items() if not model.problem} == {
        "pub/one": ["one-Q4.gguf"],
        "pub/two:two-Q4": ["two-Q4.gguf"],
        "pub/two:two-Q8": ["two-Q8.gguf"],
        "pub/sees": ["sees-Q4.gguf", "mmproj-model-f16.gguf"],
        "pub/parts": ["big-00001-of-00002.gguf", "big-00002-of-00002.gguf"],
    }
    useless = {id for id, model in models.items() if model.problem}
    assert useless == {"pub/cut", "pub/coming", "pub/mlx"}


def test_lm_studio_may_keep_its_models_elsewhere(tmp_path: Path) -> None:
    (tmp_path / ".lmstudio-home-pointer").write_text(f"{tmp_path / 'moved'}\n")
    (tmp_path / "moved").mkdir()
    told = json.dumps({"downloadsFolder": str(tmp_path / "large disk")})
    (tmp_path / "moved/settings.json").write_text(told)
    assert place("lmstudio").folders({}, tmp_path) == (
        tmp_path / "large disk",
        tmp_path / "moved/models",
        tmp_path / ".lmstudio/models",
        tmp_path / ".cache/lm-studio/models",
    )


# the hub's cache --------------------------------------------------------------------------


def test_the_cache_gives_the_revision_that_main_is(tmp_path: Path) -> None:
    disk = CacheDisk(tmp_path)
    disk.model("org/name", {"old.gguf": gguf()}, "b" * 40)
    disk.model("org/name", {"new.gguf": gguf()}, "a" * 40)
    (model,) = found("hf-cache", tmp_path).values()
    assert (model.id, model.source) == ("org/name", f"hf:org/name@{'a' * 40}")
    (piece,) = model.pieces
    assert (piece.name, piece.type) == ("new.gguf", "model")
    assert piece.sha256 == sha256(gguf()).hexdigest()


def test_the_cache_holds_folders_of_many_forms(tmp_path: Path) -> None:
    disk = CacheDisk(tmp_path)
    whisper = ("config.json", "model.bin", "tokenizer.json", "vocabulary.txt", "README.md")
    disk.model("Systran/faster-whisper-tiny", dict.fromkeys(whisper, b"{}"))
    disk.model("gpt2", {"config.json": b"{}", "model.safetensors": b"x"})
    disk.model("org/data", {"README.md": b"x"})
    (tmp_path / "datasets--org--data").mkdir()
    models = found("hf-cache", tmp_path)
    assert {id: model.problem for id, model in models.items()} == {
        "Systran/faster-whisper-tiny": "",
        "gpt2": "",
        "org/data": "no runner serves its files",
    }
    assert "README.md" not in names(models["Systran/faster-whisper-tiny"])


def test_a_link_out_of_the_cache_is_no_file_of_it(tmp_path: Path) -> None:
    snapshot = CacheDisk(tmp_path).model("org/name", {"model.gguf": gguf()})
    (tmp_path / "secret.gguf").write_bytes(gguf())
    (snapshot / "other.gguf").symlink_to(tmp_path / "secret.gguf")
    (model,) = found("hf-cache", tmp_path).values()
    assert names(model) == ["model.gguf"]


def test_what_of_the_cache_is_of_no_use_says_why(tmp_path: Path) -> None:
    disk = CacheDisk(tmp_path)
    disk.model("org/part", {"model-00001-of-00002.gguf": gguf()})
    disk.model("org/code", {"config.json": b"{}", "pytorch_model.bin": b"\x80\x04\x95"})
    disk.model("org/other", {"song.mp3": b"la"})
    gone = disk.model("org/gone", {"model.gguf": gguf(general__name="gone")})
    (gone / "model.gguf").resolve().unlink()
    loop = disk.model("org/loop", {"model.gguf": gguf(general__name="loop")})
    (loop / "again").symlink_to(loop)
    assert {id: model.problem for id, model in found("hf-cache", tmp_path).items()} == {
        "org/code": "is pickled, which runs code when it is read",
        "org/gone": "has no file on this disk",
        "org/loop": "",
        "org/other": "no runner serves its files",
        "org/part": "has no complete GGUF file",
    }


def test_a_manifest_without_end_is_not_read_whole(tmp_path: Path) -> None:
    path = OllamaDisk(tmp_path).model("registry.ollama.ai/library/huge/1", model=gguf())
    with path.open("r+b") as file:
        file.truncate(50_000_000_000)
    (model,) = found("ollama", tmp_path).values()
    assert "cannot be read" in model.problem


AS_NOBODY = """
import os, sys, pathlib
from breeze.contracts.errors import UnavailableError
from breeze.models.elsewhere import find, place
place(sys.argv[1])
os.getuid() or os.setuid(65534)
try:
    print([(model.id, model.problem) for model in find(sys.argv[1], {}, pathlib.Path(sys.argv[2]))])
except UnavailableError as error:
    print(error.message)
"""


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("ollama", "its manifest cannot be read: [Errno 13] Permission denied"),
        ("hf-cache", "[('org/a', '')]"),
        ("lmstudio", "closed cannot be read: Permission denied. Allow reading it"),
    ],
)
def test_what_may_not_be_read_is_passed_over_or_named(program: str, said: str) -> None:
    with TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        OllamaDisk(folder).model("registry.ollama.ai/library/a/b", model=gguf()).chmod(0)
        CacheDisk(folder).model("org/a", {"model.gguf": gguf()})
        (folder / "models--org--a/refs/main").chmod(0)
        (folder / "pub/closed").mkdir(parents=True)
        (folder / "pub/closed").chmod(0)
        command = [sys.executable, "-c", AS_NOBODY, program, made]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        (folder / "pub/closed").chmod(0o755)
    assert said in done.stdout


@pytest.mark.parametrize(
    ("variable", "below"),
    [("HF_HUB_CACHE", ""), ("HF_HOME", "hub"), ("XDG_CACHE_HOME", "huggingface/hub")],
)
def test_the_cache_is_where_the_hubs_library_has_it(
    variable: str, below: str, tmp_path: Path
) -> None:
    CacheDisk(tmp_path / below).model("org/name", {"model.gguf": gguf()})
    assert [m.id for m in find("hf-cache", {variable: str(tmp_path)})] == ["org/name"]
