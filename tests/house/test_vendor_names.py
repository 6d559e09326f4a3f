"""A vendor's name lives in one place: the runner's file, and private parts of no other runner."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

from tests.house.source import PACKAGE, imports, name_of, tree

RUNNERS = sorted(f for f in (PACKAGE / "runners").glob("*.py") if not f.stem.startswith("_"))
SHARED = {
    "PIL", "av", "cv2", "httptools", "jinja2", "numpy", "onnxruntime", "pytorch_tokenizers",
    "tokenizers", "torch", "webrtcvad",
}  # fmt: skip
"""Libraries that are nobody's product here: several runners stand on them."""

WORDS = {"onnx", "openai", "peer", "replay", "rules", "system"}
"""Names that are also plain words, or that of a dialect: for these only the quoted name counts."""

ALLOWED: dict[str, tuple[str, ...]] = {
    "anthropic": ("contracts/dialects/anthropic*",),  # also a dialect that others speak
    "espeak": (  # also a program of the system, and a form of phonemes
        "runners/*system*",
        "runners/_piper_voice.py",
        "runners/_sherpa_*",
    ),
    "executorch": (
        "contracts/router.py",
        "service/router_runners.py",  # a runner type of the seeds
        "engine/runner_types.py",
        "runners/_executorch_*",
        "runners/mtk_apu.py",  # which runs such programs too
    ),
    "google": ("contracts/capability.py", "*/hardware*"),  # a requirement of the seeds
    "huggingface": (
        "runners/openai.rows.toml",  # its chat is one endpoint among others
        "models/elsewhere/hf_cache.py",  # its cache is found on this disk
        "models/hub_address.py",  # where models come from unless another hub is configured
    ),
    "mtk_apu": ("contracts/router.py", "service/router_runners.py", "engine/runner_types.py"),
    "onnx": ("contracts/router.py", "models/*"),  # a runner type, and the ending of files
    "openai": ("contracts/dialects/*", "surfaces/http/*"),  # also the dialect that everyone speaks
    "llama_stack": ("contracts/metadata.py",),  # a metadata key of the seeds is called after it
    "piper": ("runners/_sherpa_phonemes.py",),  # its package makes phonemes for other voices too
    "system": ("*",),  # also a role of every chat, and the sign of system_vision
    "torch": (
        "engine/worker_process.py",  # also the beginning of names in an environment
        "runners/_executorch_*",  # which stands on it
        "runners/_mtk_apu_*",
    ),
    "whisper": ("*",),  # also a family of models that many serve
    "llamacpp": ("runners/openai.rows.toml",),  # its project's own server is a row there
    "ollama": ("models/elsewhere/ollama.py",),  # its models are found on this disk
}
"""Where else a name may stand, as patterns of paths inside the package, and why."""

STANDINS = "testing/standins/*"
"""Whoever plays a vendor names it."""

ROWS_OF_MODELS = "models/*.json"
"""Data says of a model, and of a form of files, which runner serves it."""

TEXT = {".py", ".json", ".toml", ".html", ".js", ".md"}


def needs(file: Path) -> Iterator[str]:
    """The modules that a runner declares with `needs=`."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.keyword) and node.arg == "needs":
            strings = [n.value for n in ast.walk(node.value) if isinstance(n, ast.Constant)]
            yield from (s for s in strings if isinstance(s, str) and s not in SHARED)


NAMES = sorted(
    {(f.stem, f.stem) for f in RUNNERS} | {(f.stem, n) for f in RUNNERS for n in needs(f)}
)


@cache
def parts(file: Path) -> frozenset[Path]:
    """The private parts that a file of the folder imports."""
    names = {t.split(".")[2] for _, t in imports(file) if t.startswith("breeze.runners._")}
    return frozenset(PACKAGE / "runners" / f"{name}.py" for name in names)


@cache
def all_parts(file: Path) -> frozenset[Path]:
    """The same, those of its parts too."""
    known, found = frozenset[Path](), frozenset({file})
    while found:
        known |= found
        found = frozenset[Path]().union(*map(parts, found)) - known
    return known - {file}


def is_own(file: Path, runner: str) -> bool:
    """The runner's file, and private parts of no other runner."""
    users = [f.stem for f in RUNNERS if f == file or file in all_parts(f)]
    return users == [runner]


@pytest.mark.parametrize(("runner", "name"), NAMES)
def test_a_name_is_known_in_its_own_file_only(runner: str, name: str) -> None:
    owners = [f.stem for f in RUNNERS if f.stem == name or name in needs(f)]
    around = "[\"'`]" if name in WORDS else r"(?![a-z0-9])"
    before = "[\"'`]" if name in WORDS else r"(?<![a-z0-9])"
    word = re.compile(f"{before}{re.escape(name)}{around}", re.IGNORECASE)
    found = [
        name_of(file)
        for file in sorted(PACKAGE.rglob("*"))
        if file.suffix in TEXT
        and not any(is_own(file, owner) for owner in owners)
        and not any(
            fnmatch(name_of(file), pattern)
            for pattern in (STANDINS, ROWS_OF_MODELS, *ALLOWED.get(name, ()))
        )
        and word.search(file.read_text(encoding="utf-8"))
    ]
    assert found == []


ROWS = {
    word: file
    for file in sorted((PACKAGE / "runners").glob("*.rows.toml"))
    for name, row in tomllib.loads(file.read_text(encoding="utf-8")).items()
    for word in (name, row["vendor"])
}
"""Names of endpoints that are rows, and of their vendors; each lives in the file of its row."""
_PLAIN = {"together", "mistral"}
"""Of these names only the quoted one counts: one is a word, one the name of a model's family."""
_ALSO: dict[str, tuple[str, ...]] = {
    "Hugging Face": ("runners/*huggingface*", "models/*"),  # of several runners, and of models
    "LM Studio": ("models/elsewhere/lmstudio.py",),  # its models are found on this disk
    "NVIDIA": ("runners/llamacpp*",),
    "llama.cpp": ("*",),  # a format's and a project's name too
}
"""Where else such a name may stand."""


@pytest.mark.parametrize("word", sorted(ROWS))
def test_an_endpoint_is_known_in_its_row_only(word: str) -> None:
    quotes = "[\"'`]" if word.lower() in _PLAIN else ""
    pattern = f"{quotes or '(?<![A-Za-z0-9_])'}{re.escape(word)}{quotes or '(?![A-Za-z0-9_])'}"
    found = [
        name_of(file)
        for file in sorted(PACKAGE.rglob("*"))
        if file.suffix in TEXT
        and file != ROWS[word]
        and not any(fnmatch(name_of(file), p) for p in (STANDINS, *_ALSO.get(word, ())))
        and re.search(pattern, file.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_there_are_runners_to_look_for() -> None:
    assert len(RUNNERS) > 5
