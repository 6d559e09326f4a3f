"""Three models that do not fit together, used in turn by many callers: does memory keep its limit?

usage: python bench/memory.py [--minutes 10 | --seconds S] [--callers N] [--onnx DIR] [--json OUT]

The embedded model three times, widened to some 200 MB that every token reads, each in a process of
its own, below a control group whose limit leaves room for two of them: one model too many, and the
system ends somebody. Callers mostly ask whose turn it is, now and then another, and some leave in
the middle of a load or of an answer. Each answer must be what the model says when it is alone.
Exits 1 when one is not, when anything fails but for want of room, or when memory was short. Linux;
without root the budget is declared instead, and nothing but the budget holds it.

`--onnx`: the embedded model for onnxruntime-genai (docs/runtimes.md). Then all three are of that
form, whose weights lie in memory of the process. Those of a GGUF file are pages of the file, which
the system may drop and read again: a limit makes them slow before it ends anybody.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from harness.confined import Group, group
from harness.processes import Processes
from harness.wide_models import wide_gguf, wide_onnx

import breeze
from breeze.config.model import CapabilityEntry, EngineConfig, GlobalSettings, RunnerEntry
from breeze.contracts.capability import Capability
from breeze.contracts.errors import MemoryLimitError
from breeze.contracts.events import Finish, Progress, TextDelta
from breeze.contracts.requests import ChatRequest
from breeze.engine.engine import Engine

EMBEDDED = Path(breeze.__file__).parent / "models/embedded/breeze-tiny-q8_0.gguf"
MODELS = ("one", "two", "three")
TIMES = {"llamacpp": 120, "onnx": 22}
"""By how much a feed-forward layer is widened."""
FIT = 2.65
"""Models that the limit of the group would hold; the budget is 80 % of it."""
ELSEWHERE, LEAVING = 0.1, 0.1
"""Shares of the questions that go to a model whose turn it is not, and of those who leave."""
LOADS = ("making room", "waiting for memory", "load")
PAUSE = 0.5
"""Seconds between an answer and the next question, on average."""
PATIENCE = 300.0
"""Seconds for an answer: this is about memory, and others may be at work on the machine."""
COLUMNS = ("s", "answers", "no room", "left", "loads", "evicted", "models MB", "all MB")


def made(folder: Path, onnx: Path | None) -> dict[str, Path]:
    """Files of the three, each its own, so that nothing of them is shared in memory."""
    if onnx is not None:
        return {name: wide_onnx(onnx, folder / name, TIMES["onnx"]) for name in MODELS}
    times = TIMES["llamacpp"]
    return {name: wide_gguf(EMBEDDED, folder / f"{name}.gguf", times) for name in MODELS}


def configured(models: Path, budget_mb: int | None) -> EngineConfig:
    entries = {}
    for name in MODELS:
        kind = "onnx" if (models / name).is_dir() else "llamacpp"
        path = models / (name if kind == "onnx" else f"{name}.gguf")
        given = {"model_path": str(path), "batch": 32}
        entry = {"class": kind, "isolation": "process", "parameters": given}
        entries[name] = RunnerEntry.model_validate(entry)
    return EngineConfig(
        global_settings=GlobalSettings.model_validate({"memoryBudgetMb": budget_mb}),
        capabilities={Capability.LLM: CapabilityEntry(runners=entries)},
    )


def opened(folder: Path, budget_mb: int | None) -> Any:
    config = configured(folder / "models", budget_mb)
    return Engine.open(home=folder / "home", config=config, environ={}, ledger=False)


def question(model: str) -> ChatRequest:
    asked = {"temperature": 0.0, "max_tokens": 24, "deadline": PATIENCE}
    return ChatRequest.of("Hello", runner=model, strict=True, **asked)


class Crowd:
    """Callers, and what they got. `expected`: what the model says alone."""

    def __init__(self, engine: Engine, expected: str, turn: float) -> None:
        self.engine = engine
        self.expected = expected
        self.turn = turn
        self.seen: Counter[str] = Counter()
        self.faults: list[str] = []
        self.processes = Processes()
        self.began = time.monotonic()

    def whose_turn(self) -> str:
        return MODELS[int((time.monotonic() - self.began) / self.turn) % len(MODELS)]

    async def call(self, until: float, chance: random.Random) -> None:
        while time.monotonic() < until:
            model = self.whose_turn()
            if chance.random() < ELSEWHERE:
                model = chance.choice(MODELS)
            patience = chance.randrange(12) if chance.random() < LEAVING else None
            try:
                await self.ask(model, patience)
            except MemoryLimitError as error:
                self.note(model, error)
                await asyncio.sleep((error.retry_after or 0.0) * chance.uniform(0.1, 0.5))
            except Exception as error:  # whatever it is, it is what this looks for
                self.note(model, error)
            await asyncio.sleep(chance.uniform(0, 2 * PAUSE))

    def note(self, model: str, error: Exception) -> None:
        """It says that there is no room beside models in use, or it is a fault."""
        if isinstance(error, MemoryLimitError) and error.retryable and not error.detail:
            self.seen["no room"] += 1
        else:
            self.faults.append(f"{model}: {type(error).__name__}: {error}")

    async def ask(self, model: str, patience: int | None) -> None:
        """Read an answer, or leave in the middle of it or of the load, after so many events."""
        async with self.engine.stream(question(model)) as events:
            async for event in events:
                loading = isinstance(event, Progress) and event.stage in LOADS
                if patience == 0 and (loading or isinstance(event, TextDelta)):
                    self.seen["left"] += 1
                    self.seen["left a load"] += loading
                    return
                patience = None if patience is None else max(0, patience - 1)
                if isinstance(event, Finish):
                    self.judge(model, getattr(event.result, "text", ""))

    def judge(self, model: str, text: str) -> None:
        self.seen["answers"] += 1
        self.seen[model] += 1
        if text != self.expected:
            self.faults.append(f"{model}: {text!r} instead of {self.expected!r}")

    async def watch(self) -> None:
        while True:
            await asyncio.to_thread(self.processes.look)
            await asyncio.sleep(0.25)

    def row(self) -> dict[str, float]:
        """The figures of this moment."""
        sizes = [model.size for status in self.engine.runners() for model in status.models]
        found = (
            round(time.monotonic() - self.began), self.seen["answers"], self.seen["no room"],
            self.seen["left"], len(self.processes.seen), self.engine._pool.room.evictions,
            round(sum(sizes) / 1e6, 1), round(self.processes.look() / 1e6, 1),
        )  # fmt: skip
        return dict(zip(COLUMNS, found, strict=True))


async def alone(folder: Path) -> tuple[str, int]:
    """What the model says alone, and the bytes that count for it once it has spoken."""
    async with opened(folder, None) as engine:
        answer = await engine.run(question(MODELS[0]))
        (status,) = [status for status in engine.runners() if status.size]
        return answer.text, status.size


async def soak(given: argparse.Namespace, folder: Path, confined: Group | None) -> int:
    """The run itself. `given.budget_mb`: what is declared where there is no group."""
    async with opened(folder, given.budget_mb) as engine:
        crowd = Crowd(engine, given.expected, turn=max(1.5, given.seconds / 60))
        budget, until = engine.runners()[0].budget, time.monotonic() + given.seconds
        print(f"budget {budget / 1e6:.0f} MB\n\n" + " ".join(f"{name:>10}" for name in COLUMNS))
        watching = asyncio.ensure_future(crowd.watch())
        callers = [crowd.call(until, random.Random(n)) for n in range(given.callers)]
        work, rows = asyncio.gather(*callers), []
        while not work.done():
            await asyncio.wait((work,), timeout=given.seconds / 15)
            rows.append(crowd.row())
            print(" ".join(f"{cell:>10g}" for cell in rows[-1].values()), flush=True)
        await work
        watching.cancel()
    checks = judged(crowd, rows, budget, confined)
    for fault in crowd.faults[:10]:
        print(f"  {fault}")
    for name, found, holds in checks:
        print(f"{'ok' if holds else 'NOT':>4}  {name:34} {found}")
    if given.json:
        told = {"budget": budget, "rows": rows, "checks": [c[:2] for c in checks]}
        given.json.write_text(json.dumps(told, indent=1) + "\n")
    return 0 if all(holds for *_, holds in checks) else 1


def judged(
    crowd: Crowd, rows: list[dict[str, Any]], budget: int, confined: Group | None
) -> list[tuple[str, str, bool]]:
    """What must be so: its name, what was found, and whether it holds."""
    seen, most = crowd.seen, max(row["models MB"] for row in rows) * 1e6
    last, each = rows[-1], ", ".join(f"{name} {seen[name]}" for name in MODELS)
    left = f"{seen['left']}, {seen['left a load']} of them during a load"
    checks = [
        ("no answer cut short or failed", f"{len(crowd.faults)} faults", not crowd.faults),
        ("every model answered", each, all(seen[name] for name in MODELS)),
        ("models had to make room", f"{last['evicted']} evicted, {last['loads']} loads",
         last["evicted"] >= len(MODELS)),
        ("callers left", left, seen["left"] > 0),
        ("models within the budget", f"{most / 1e6:.0f} of {budget / 1e6:.0f} MB", most <= budget),
    ]  # fmt: skip
    peak = crowd.processes.most
    if confined is None:
        return [*checks, ("all processes", f"{peak / 1e6:.0f} MB at most, no real limit", True)]
    kills = confined.kills
    found = f"{peak / 1e6:.0f} MB at most, with files {confined.peak / 1e6:.0f} MB"
    return [*checks, ("all processes", found, True), ("ended by the system", f"{kills}", not kills)]


def confine(given: argparse.Namespace, folder: Path) -> int:
    """The run in a process below a group of its own; without one where none can be made."""
    made(folder / "models", given.onnx)
    given.expected, size = asyncio.run(alone(folder))
    limit = int(FIT * size)
    with group(limit) as confined:
        real = f"limit {limit / 1e6:.0f} MB" if confined else "no real limit"
        print(f"{size / 1e6:.0f} MB for a model, {len(MODELS)} models, {given.callers} callers, "
              f"{given.seconds:g} s, {real}", flush=True)  # fmt: skip
        given.budget_mb = None if confined else int(0.8 * limit / 1e6)
        told = {**vars(given), "folder": str(folder), "group": confined}
        command = [sys.executable, __file__, "--confined", json.dumps(told, default=str)]
        enter = confined.join if confined else None
        return subprocess.run(command, preexec_fn=enter, check=False).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    add = parser.add_argument
    add("--minutes", type=float, default=10, help="of use (default 10)")
    add("--seconds", type=float, help="instead of minutes")
    add("--callers", type=int, default=6, help="how many ask at once (default 6)")
    add("--onnx", type=Path, help="folder of the embedded model for onnxruntime-genai")
    add("--json", type=Path, help="write every figure here")
    add("--confined", type=json.loads, help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.seconds = given.seconds or given.minutes * 60
    if told := given.confined:
        given = argparse.Namespace(**told)
        given.json = Path(told["json"]) if told["json"] else None
        inside = Group(Path(told["group"][0]), told["group"][1]) if told["group"] else None
        return asyncio.run(soak(given, Path(told["folder"]), inside))
    with tempfile.TemporaryDirectory(prefix="breeze-memory-") as folder:
        (Path(folder) / "models").mkdir()
        return confine(given, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
