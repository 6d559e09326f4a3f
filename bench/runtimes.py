"""One model on three runtimes: what the engine costs beside calling each runtime directly.

usage: python bench/runtimes.py ONNX_FOLDER PROGRAM.pte [ROUNDS]

The two are made by `tools/tiny_model` (docs/runtimes.md). One stream, one thread, greedy; rounds
take the runtime alone, the whole engine, and the engine with the runner in a process of its own, in
an order drawn by lot. Other work on the machine only ever adds time, so the faster quarter of each
is compared (its slowest round). Processor time is that of this process. ROUNDS: 31 by default.
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterable, Awaitable, Callable
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from breeze.config import parse_config
from breeze.contracts.events import TextDelta
from breeze.contracts.requests import ChatRequest
from breeze.contracts.values import Usage
from breeze.engine.engine import Engine
from breeze.runners._onnx_chat import OnnxWriter
from breeze.runners.executorch import ExecutorchRunner
from breeze.runners.llamacpp import LlamaCppRunner
from breeze.runners.onnx import OnnxRunner

QUESTION = "What is failover?"
MOST = 200
ANSWERS = 10
"""Of one request, one after the other, so that a stream is long enough to be measured."""
Speak = Callable[[], Awaitable[tuple[int, str]]]
"""Answers once: tokens made, and the text."""


def _llamacpp(runner: LlamaCppRunner) -> tuple[int, str]:
    body = {
        "messages": [{"role": "user", "content": QUESTION}],
        "temperature": 0.0,
        "max_tokens": MOST,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    texts, made = [], 0

    def each(chunk: Any) -> bool:
        nonlocal made
        found = json.loads(chunk)
        for choice in found.get("choices", ()):
            texts.append(choice["delta"].get("content") or "")
        made = (found.get("usage") or {}).get("completion_tokens", made)
        return False

    assert runner._server is not None
    runner._server._native.handle_chat_completions(json.dumps(body).encode(), each)
    return made, "".join(texts)


def _onnx(runner: OnnxRunner) -> tuple[int, str]:
    import onnxruntime_genai as genai

    writer = runner._model
    assert isinstance(writer, OnnxWriter)
    tokens = writer.prompt([{"role": "user", "content": QUESTION}])
    params = genai.GeneratorParams(writer.native)
    params.set_search_options(max_length=len(tokens) + MOST, do_sample=False)
    generator, pieces = genai.Generator(writer.native, params), writer.tokenizer.create_stream()
    generator.append_tokens(tokens)
    texts = []
    while not generator.is_done():
        generator.generate_next_token()
        texts.append(pieces.decode(generator.get_next_tokens()[0]))
    return len(texts), "".join(texts)


def _executorch(runner: ExecutorchRunner) -> tuple[int, str]:
    from executorch.extension.llm.runner import GenerationConfig

    engine = runner.loaded()
    config = GenerationConfig(max_new_tokens=MOST, temperature=0.0, echo=False, warming=True)
    texts: list[str] = []
    engine.native.reset()
    prompt = engine.form.write([{"role": "user", "content": QUESTION}])
    engine.native.generate(prompt, config, texts.append)
    return len(texts), "".join(text for text in texts if text not in engine.ends)


async def _read(events: AsyncIterable[Any]) -> tuple[int, str]:
    texts, made = [], 0
    async for event in events:
        if isinstance(event, TextDelta):
            texts.append(event.text)
        elif isinstance(event, Usage):
            made = event.completion_tokens
    return made, "".join(texts)


class Spent(NamedTuple):
    """What a token took, in microseconds: by the clock, and of processors."""

    wall: float
    cpu: float


async def _round(ways: dict[str, Speak]) -> tuple[dict[str, Spent], str]:
    """What each way took, and the text, which all must agree on."""
    spent, texts = {}, set()
    for name, speak in random.sample(list(ways.items()), len(ways)):
        wall, cpu = time.perf_counter(), time.process_time()
        tokens, text = await speak()
        texts.add(text)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        spent[name] = Spent(wall / tokens * 1e6, cpu / tokens * 1e6)
    assert len(texts) == 1, texts
    return spent, texts.pop()


def _faster(figures: list[float]) -> float:
    return statistics.quantiles(figures, n=4)[0]


async def _measure(
    name: str, runner: Any, direct: Callable[[Any], tuple[int, str]], engine: Engine, rounds: int
) -> tuple[str, str]:
    """A row of the table, and the text."""
    begun = time.perf_counter()
    await runner.load("")
    load = time.perf_counter() - begun

    def asked(**more: Any) -> ChatRequest:
        return ChatRequest.of(QUESTION, temperature=0.0, max_tokens=MOST, n=ANSWERS, **more)

    async def alone() -> tuple[int, str]:
        answers = await asyncio.to_thread(lambda: [direct(runner) for _ in range(ANSWERS)])
        return sum(made for made, _ in answers), "".join(text for _, text in answers)

    async def through(entry: str) -> tuple[int, str]:
        async with aclosing(engine.stream(asked(runner=entry, strict=True))) as events:
            return await _read(events)

    ways: dict[str, Speak] = {"alone": alone}
    ways |= {where: partial(through, f"{name}-{where}") for where in ("here", "apart")}
    await _round(ways)
    found = [await _round(ways) for _ in range(rounds)]
    await runner.unload()

    walls = {way: _faster([s[way].wall for s, _ in found]) for way in ways}
    speed = {way: 1e6 / wall for way, wall in walls.items()}
    cost = {way: wall / walls["alone"] - 1 for way, wall in walls.items()}
    base = _faster([s["alone"].cpu for s, _ in found])
    added = _faster([s["here"].cpu for s, _ in found]) - base
    row = (
        f"| {name} | {load * 1000:.0f} | {speed['alone']:.0f} | {speed['here']:.0f} | "
        f"{cost['here']:+.1%} | {speed['apart']:.0f} | {cost['apart']:+.1%} | {base:.0f} | "
        f"{added:+.0f} |"
    )
    return row, found[0][1]


async def main(onnx: Path, program: Path, rounds: int) -> None:
    """Prints the table."""
    settings: dict[str, dict[str, Any]] = {
        "llamacpp": {},
        "onnx": {"model_path": str(onnx)},
        "executorch": {"model_path": str(program), "max_sequence_length": 512},
    }
    entries = {
        f"{name}-{where}": {"class": name, "parameters": given, "isolation": isolation}
        for name, given in settings.items()
        for where, isolation in (("here", "none"), ("apart", "process"))
    }
    config = parse_config({"version": "2.0", "capabilities": {"LLM": {"runners": entries}}}).config
    kinds: tuple[tuple[Any, Callable[[Any], tuple[int, str]]], ...] = (
        (LlamaCppRunner, _llamacpp),
        (OnnxRunner, _onnx),
        (ExecutorchRunner, _executorch),
    )
    texts = set()
    print(
        "| runtime | load ms | tok/s alone | tok/s, engine | cost | tok/s, own process | cost | "
        "CPU µs a token alone | added by the engine |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as home:
        async with Engine.open(home=Path(home), config=config, environ={}) as engine:
            for kind, direct in kinds:
                name = kind.info.name
                runner = kind(kind.parameters_type.of(settings[name]))
                row, text = await _measure(name, runner, direct, engine, rounds)
                print(row, flush=True)
                texts.add(text)
    print(f"\n{'The same text' if len(texts) == 1 else 'Different texts'} on all")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), int((sys.argv[3:] or ["31"])[0])))
