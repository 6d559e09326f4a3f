"""GGUF files with bytes of their headers changed, given to llama.cpp, in a process of its own.

python -m tests.runners.gguf_mutants FOLDER FIRST COUNT SORT...: prints for each sort how many were
tried, how many passed for sound, and how many of those worked all the same.
"""

from __future__ import annotations

import asyncio
import random
import re
import struct
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from breeze.contracts.answers import Embeddings
from breeze.contracts.errors import RunnerError
from breeze.contracts.gguf import read_header
from breeze.contracts.requests import ChatRequest, EmbedRequest
from breeze.contracts.results import collect
from breeze.runners._llamacpp_models import describe
from breeze.runners._llamacpp_projector import check_projector
from tests.runners.llamacpp_files import answer, loaded, write_talker
from tests.runners.llamacpp_parts import write_adapter, write_ranker, write_seer
from tests.runners.test_llamacpp_vision import asking, picture

_ODD = (0, 1, 2, 255, 256, 65_535, 2**31 - 1, 2**31, 2**32 - 1)
_NAMES = re.compile(
    rb"(?:clip|adapter|qwen3|llama|tokenizer|general)[a-z_.]+|weight|bias|lora_[ab]"
)
HEAD = ChatRequest.of("Hi", max_tokens=2)


class Sort(NamedTuple):
    """A sort of file: its name, what looks at it before it is loaded, and what puts it to work."""

    file: str
    check: Callable[[Path], object]
    work: Callable[[Path], Awaitable[object]]


async def _chat(folder: Path) -> None:
    async with loaded("talker", models_dir=folder, parallel=1) as runner:
        await answer(runner, HEAD)


async def _see(folder: Path) -> None:
    async with loaded("seer-q8_0", models_dir=folder, parallel=1) as runner:
        await answer(runner, asking(picture("red")))


async def _adapt(folder: Path) -> None:
    given = str(folder / "adapter.gguf")
    async with loaded("talker", models_dir=folder, parallel=1, adapters=given) as runner:
        await answer(runner, HEAD)


async def _rank(folder: Path) -> None:
    async with loaded("judge", models_dir=folder, parallel=1) as runner:
        request = EmbedRequest(("a cat",), params={"query": "x"})
        await collect(runner.stream(request), Embeddings)


SORTS = {
    "model": Sort("talker.gguf", lambda path: describe("m", path), _chat),
    "projector": Sort("mmproj-seer-f16.gguf", check_projector, _see),
    "adapter": Sort("adapter.gguf", read_header, _adapt),
    "ranker": Sort("judge.gguf", lambda path: describe("m", path), _rank),
}


def written(folder: Path) -> None:
    """One sound file of each sort."""
    write_talker(folder / "talker.gguf", ("Hello", ", world"), then=("Goodbye",))
    write_adapter(folder / "adapter.gguf", 265, follower=264)
    write_ranker(folder / "judge.gguf")
    write_seer(folder)


def mutant(sound: bytes, spots: list[int], end: int, seed: int) -> bytes:
    """`sound` with one to three changes before `end`, most of them behind a name."""
    chance, made = random.Random(seed), bytearray(sound)
    for _ in range(chance.randint(1, 3)):
        near = chance.choice(spots) + chance.randrange(-2, 10)
        at = chance.randrange(4, end - 8) if chance.random() < 0.15 else min(end - 9, near)
        kind = chance.random()
        if kind < 0.4:
            made[at] = chance.randrange(256)
        elif kind < 0.6:
            made[at] ^= 1 << chance.randrange(8)
        elif kind < 0.85:
            struct.pack_into("<I", made, at, chance.choice(_ODD))
        elif kind < 0.95:
            struct.pack_into("<Q", made, at, chance.choice((*_ODD, 2**63, 2**64 - 1)))
        else:
            return bytes(made[:at])
    return bytes(made)


async def tried(folder: Path, sort: Sort, first: int, count: int) -> tuple[int, int, int]:
    """How many were tried, how many passed for sound, how many of those worked."""
    path = folder / sort.file
    sound = path.read_bytes()
    end = min(tensor.offset for tensor in read_header(path).tensors)
    spots = [found.end() for found in _NAMES.finditer(sound[:end])]
    passed = worked = 0
    for seed in range(first, first + count):
        path.write_bytes(mutant(sound, spots, end, seed))
        try:
            sort.check(path)
        except RunnerError:
            continue
        passed += 1
        print(f"{sort.file} {seed}", file=sys.stderr, flush=True)  # the last one is to blame
        with suppress(RunnerError):
            await sort.work(folder)
            worked += 1
    return count, passed, worked


async def _main(folder: Path, first: int, count: int, sorts: list[str]) -> None:
    for sort in sorts:
        written(folder)
        print(*await tried(folder, SORTS[sort], first, count))


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]))
