"""Measures the GGUF in llama.cpp, greedy, one thread; writes the model's card and its document.

usage: python -m tiny_model.evaluate MODEL.gguf HF_FOLDER [--card JSON] [--document MD] [--misses]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from string import Template
from typing import Any

from tiny_model.dialogue import Dialogue
from tiny_model.export import DATA_NOTE, DESCRIPTION, NAME
from tiny_model.probe import Probe
from tiny_model.probes import SETS

Ask = Callable[[Dialogue], str]
LIMIT = 80


def open_model(path: Path) -> Ask:
    """A function that sends messages to the model and returns its greedy answer."""
    import xllamacpp

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx, params.n_parallel, params.verbosity, params.warmup = 1024, 1, -1, False
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.hostnames, params.port = ["127.0.0.1"], port
    server = xllamacpp.Server(params)

    def ask(messages: Dialogue) -> str:
        rows = [{"role": role, "content": text} for role, text in messages]
        reply = server.handle_chat_completions(
            {"messages": rows, "max_tokens": LIMIT, "temperature": 0}
        )
        return str(reply["choices"][0]["message"]["content"])

    return ask


def score(ask: Ask, probes: list[Probe], show: bool) -> int:
    """How many probes are answered right."""
    right = 0
    for probe in probes:
        answer = ask(probe.messages)
        right += answer in probe.right
        if show and answer not in probe.right:
            print(f"   {probe.messages} -> {answer!r}, wanted {probe.right[0]!r}")
    return right


def measure(ask: Ask, show: bool) -> dict[str, list[int]]:
    """Right answers and questions of every set."""
    figures = {}
    for name, make in SETS.items():
        probes = list(make())
        figures[name] = [score(ask, probes, show), len(probes)]
        print(f"{name:50} {figures[name][0]:4} of {len(probes)}", flush=True)
    return figures


def card(model: Path, source: Path, figures: dict[str, list[int]]) -> dict[str, Any]:
    """What the engine shows about the file that it ships."""
    training = json.loads((source / "training.json").read_text())
    config = json.loads((source / "config.json").read_text())
    return {
        "name": NAME,
        "file": model.name,
        "bytes": model.stat().st_size,
        "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "format": "gguf",
        "quantization": "q8_0",
        "architecture": "llama",
        "parameters": training["parameters"],
        "vocabulary": config["vocab_size"],
        "context": config["max_position_embeddings"],
        "licence": "Apache-2.0",
        "description": DESCRIPTION,
        "training_data": DATA_NOTE,
        "training_steps": training["steps"],
        "training_seconds": training["seconds"],
        "training_cpu_seconds": training["cpu_seconds"],
        "evaluation": figures,
    }


def document(facts: dict[str, Any]) -> str:
    """The page about the model, from its template and the figures."""
    rows = "\n".join(
        f"| {name} | {right} of {count} |" for name, (right, count) in facts["evaluation"].items()
    )
    text = Template((Path(__file__).parent / "document.md").read_text())
    sizes = {
        "megabytes": f"{facts['bytes'] / 1e6:.2f}",
        "millions": f"{facts['parameters'] / 1e6:.2f}",
    }
    return text.substitute(
        facts,
        table=rows,
        minutes=f"{facts['training_cpu_seconds'] / 60:.0f}",
        wall=f"{facts['training_seconds'] / 60:.0f}",
        **sizes,
    )


def main(arguments: argparse.Namespace) -> None:
    """Measures and writes what was asked for."""
    started = time.monotonic()
    figures = measure(open_model(arguments.model), arguments.misses)
    print(f"{time.monotonic() - started:.0f} seconds")
    facts = card(arguments.model, arguments.source, figures)
    if arguments.card:
        arguments.card.write_text(json.dumps(facts, indent=2) + "\n")
    if arguments.document:
        arguments.document.write_text(document(facts))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measures the embedded model.")
    parser.add_argument("model", type=Path)
    parser.add_argument(
        "source", type=Path, help="the Hugging Face folder that the file was made from"
    )
    parser.add_argument("--card", type=Path)
    parser.add_argument("--document", type=Path)
    parser.add_argument("--misses", action="store_true", help="print each wrong answer")
    main(parser.parse_args())
