"""Three models that do not fit together, used in turn by many callers: does memory keep its limit?

usage: python bench/memory.py [--minutes 10 | --seconds S] [--callers N] [--json OUT]

The embedded model three times, with room for two. Callers mostly ask whose turn it is, now and
then another. Each answer must be what the model says when it is alone. Exits 1 when one is not,
when anything fails but for want of room, or when memory was above what the budget allows. Linux.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from breeze.config.model import CapabilityEntry, EngineConfig, GlobalSettings, RunnerEntry
from breeze.contracts.capability import Capability
from breeze.contracts.errors import MemoryLimitError
from breeze.contracts.events import Finish, Progress
from breeze.contracts.requests import ChatRequest
from breeze.engine.engine import Engine
from breeze.engine.machine_memory import resident

MODELS = ("one", "two", "three")
ELSEWHERE = 0.1
"""Share of the questions that go to a model whose turn it is not."""
SLACK_MB = 60
"""Memory of the process that is no model's: what streams, threads and the first import take."""
COLUMNS = ("s", "answers", "no room", "waited", "loaded", "models MB", "process MB")


def configured(budget_mb: int | None) -> EngineConfig:
    entries = {name: RunnerEntry.model_validate({"class": "llamacpp"}) for name in MODELS}
    return EngineConfig(
        global_settings=GlobalSettings.model_validate({"memoryBudgetMb": budget_mb}),
        capabilities={Capability.LLM: CapabilityEntry(runners=entries)},
    )


def question(model: str) -> ChatRequest:
    return ChatRequest.of("Hello", runner=model, strict=True, temperature=0.0, max_tokens=24)


class Crowd:
    """Callers, and what they got. `expected`: what the model says alone."""

    def __init__(self, engine: Engine, expected: str, turn: float) -> None:
        self.engine = engine
        self.expected = expected
        self.turn = turn
        self.seen: Counter[str] = Counter()
        self.faults: list[str] = []
        self.peak = 0
        self.began = time.monotonic()

    def whose_turn(self) -> str:
        return MODELS[int((time.monotonic() - self.began) / self.turn) % len(MODELS)]

    async def call(self, until: float, chance: random.Random) -> None:
        while time.monotonic() < until:
            model = self.whose_turn()
            if chance.random() < ELSEWHERE:
                model = chance.choice(MODELS)
            try:
                await self.ask(model)
            except MemoryLimitError as error:
                self.seen["no room"] += 1
                await asyncio.sleep((error.retry_after or 0.0) * chance.uniform(0.1, 0.5))
            except Exception as error:  # whatever it is, it is what this looks for
                self.faults.append(f"{model}: {type(error).__name__}: {error}")

    async def ask(self, model: str) -> None:
        async with self.engine.stream(question(model)) as events:
            async for event in events:
                if isinstance(event, Progress) and event.stage == "load":
                    self.seen["waited"] += 1
                if isinstance(event, Finish):
                    self.judge(model, getattr(event.result, "text", ""))
        self.peak = max(self.peak, resident())

    def judge(self, model: str, text: str) -> None:
        self.seen["answers"] += 1
        self.seen[model] += 1
        if text != self.expected:
            self.faults.append(f"{model}: {text!r} instead of {self.expected!r}")

    def row(self) -> dict[str, float]:
        """The figures of this moment."""
        models = [model for status in self.engine.runners() for model in status.models]
        return {
            "s": round(time.monotonic() - self.began),
            "answers": self.seen["answers"],
            "no room": self.seen["no room"],
            "waited": self.seen["waited"],
            "loaded": sum(model.state == "ready" for model in models),
            "models MB": round(sum(model.size for model in models) / 1e6, 1),
            "process MB": round(resident() / 1e6, 1),
        }


async def alone(home: str) -> tuple[str, int]:
    """What the model says alone, and the bytes that count for it."""
    async with Engine.open(home=home, config=configured(None), environ={}, ledger=False) as engine:
        answer = await engine.run(question(MODELS[0]))
        (status,) = [status for status in engine.runners() if status.size]
        return answer.text, status.size


async def soak(given: argparse.Namespace, home: str) -> int:
    expected, size = await alone(home)
    budget_mb = int(2.5 * size / 1e6)
    print(f"{size / 1e6:.1f} MB for a model, {budget_mb} MB for all, {len(MODELS)} models, "
          f"{given.callers} callers, {given.seconds:g} s\n")  # fmt: skip
    config, rows = configured(budget_mb), []
    async with Engine.open(home=home, config=config, environ={}, ledger=False) as engine:
        crowd = Crowd(engine, expected, turn=max(0.5, given.seconds / 60))
        before, until = resident(), time.monotonic() + given.seconds
        callers = [crowd.call(until, random.Random(n)) for n in range(given.callers)]
        work = asyncio.gather(*callers)
        print(" ".join(f"{name:>10}" for name in COLUMNS))
        while not work.done():
            await asyncio.wait((work,), timeout=given.seconds / 15)
            rows.append(crowd.row())
            print(" ".join(f"{cell:>10g}" for cell in rows[-1].values()), flush=True)
        await work
    checks = judged(crowd, rows, budget_mb, before)
    for fault in crowd.faults[:10]:
        print(f"  {fault}")
    for name, found, holds in checks:
        print(f"{'ok' if holds else 'NOT':>4}  {name:34} {found}")
    if given.json:
        told = {"budget_mb": budget_mb, "rows": rows, "checks": [c[:2] for c in checks]}
        given.json.write_text(json.dumps(told, indent=1) + "\n")
    return 0 if all(holds for *_, holds in checks) else 1


def judged(
    crowd: Crowd, rows: list[dict[str, Any]], budget_mb: int, before: int
) -> list[tuple[str, str, bool]]:
    """What must be so: its name, what was found, and whether it holds."""
    seen, most = crowd.seen, max(row["models MB"] for row in rows)
    grown = (crowd.peak - before) / 1e6
    each = ", ".join(f"{name} {seen[name]}" for name in MODELS)
    return [
        ("no answer cut short or failed", f"{len(crowd.faults)} faults", not crowd.faults),
        ("every model answered", each, all(seen[name] for name in MODELS)),
        ("models had to make room", f"{seen['waited']} waited", seen["waited"] > len(MODELS)),
        ("models within the budget", f"{most:g} of {budget_mb} MB", most <= budget_mb),
        ("growth of the process", f"{grown:.1f} MB at most", grown <= budget_mb + SLACK_MB),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    add = parser.add_argument
    add("--minutes", type=float, default=10, help="of use (default 10)")
    add("--seconds", type=float, help="instead of minutes")
    add("--callers", type=int, default=6, help="how many ask at once (default 6)")
    add("--json", type=Path, help="write every figure here")
    given = parser.parse_args()
    given.seconds = given.seconds or given.minutes * 60
    with tempfile.TemporaryDirectory(prefix="breeze-memory-") as home:
        return asyncio.run(soak(given, home))


if __name__ == "__main__":
    sys.exit(main())
