"""Trains the model on the processor; resumes from its checkpoint after a crash.

usage: python -m tiny_model.train BUILD_FOLDER [--threads N] [--steps N]
"""
# ruff: noqa: TID253 - a tool that is run by itself; nothing imports it with the engine

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from tokenizers import Tokenizer

from tiny_model import export, vocabulary
from tiny_model.batches import Batch, batch
from tiny_model.loss import CrossEntropy
from tiny_model.muon import Muon
from tiny_model.network import Decoder
from tiny_model.schedule import ROUNDS, Round, place, rate
from tiny_model.shape import Shape

TOKENS = 4096
MATRIX_RATE, OTHER_RATE = 0.02, 0.004
SAVE_EVERY = 200


def loss_of(model: Decoder, data: Batch) -> torch.Tensor:
    """Cross entropy over the tokens that the assistant wrote."""
    with torch.autocast("cpu", torch.bfloat16):
        hidden = model(data.ids, data.positions, data.blocks)
    loss: torch.Tensor = CrossEntropy.apply(
        hidden[data.at], model.embed_tokens.weight, data.expected
    )
    return loss


class Training:
    """The model, its two optimizers and the step they have reached."""

    def __init__(self, tokenizer: Tokenizer, rounds: tuple[Round, ...]) -> None:
        torch.manual_seed(0)
        self.tokenizer, self.rounds, self.step = tokenizer, rounds, 0
        self.steps = sum(each.steps for each in rounds)
        self.seconds = self.cpu = 0.0
        self.model = Decoder(Shape(vocab=tokenizer.get_vocab_size()))
        inner = [
            w for name, w in self.model.named_parameters() if w.ndim == 2 and "embed" not in name
        ]
        other = [w for name, w in self.model.named_parameters() if w.ndim == 1 or "embed" in name]
        self.muon = Muon(inner)
        self.adam = torch.optim.AdamW(other, lr=OTHER_RATE, betas=(0.9, 0.98), weight_decay=0.0)

    def advance(self) -> float:
        """One step; the loss before it."""
        started, used = time.monotonic(), time.process_time()
        now, done = place(self.step, self.rounds)
        loss = loss_of(self.model, batch(self.tokenizer, self.step, TOKENS, now.longest))
        loss.backward()
        share = now.top * rate(done, now.steps)
        self.adam.param_groups[0]["lr"] = OTHER_RATE * share
        self.adam.step()
        self.muon.step(MATRIX_RATE * share)
        self.model.zero_grad()
        self.step += 1
        self.seconds += time.monotonic() - started
        self.cpu += time.process_time() - used
        return float(loss.item())

    def save(self, path: Path) -> None:
        """Writes all that a later run needs to go on from here."""
        state = {
            "step": self.step,
            "seconds": self.seconds,
            "cpu": self.cpu,
            "model": self.model.state_dict(),
            "adam": self.adam.state_dict(),
        }
        part = path.with_suffix(".part")
        torch.save(state | {"muon": self.muon.buffers, "steps": self.steps}, part)
        part.replace(path)

    def resume(self, path: Path) -> None:
        """Goes on from a checkpoint of a run of the same length."""
        state = torch.load(path, weights_only=True)
        if state["steps"] != self.steps:
            return
        self.step, self.muon.buffers = state["step"], state["muon"]
        self.seconds, self.cpu = state["seconds"], state["cpu"]
        self.model.load_state_dict(state["model"])
        self.adam.load_state_dict(state["adam"])


def vocabulary_of(build: Path) -> Tokenizer:
    """The vocabulary of this build: learned once, so that a resumed run keeps it."""
    kept = build / "tokenizer.json"
    if not kept.exists():
        build.mkdir(parents=True, exist_ok=True)
        vocabulary.learn().save(str(kept))
    return Tokenizer.from_file(str(kept))


def finish(run: Training, checkpoint: Path) -> None:
    """Trains to the end and reports every fifty steps."""
    total, count = 0.0, 0
    while run.step < run.steps:
        total, count = total + run.advance(), count + 1
        if run.step % 50 == 0:
            used = f"seconds {run.seconds:.0f} cpu {run.cpu:.0f}"
            print(f"step {run.step} loss {total / count:.4f} {used}", flush=True)
            total, count = 0.0, 0
        if run.step % SAVE_EVERY == 0 or run.step == run.steps:
            run.save(checkpoint)


def main(build: Path, threads: int, rounds: tuple[Round, ...]) -> None:
    """Learns the vocabulary and the weights; writes the Hugging Face folder `BUILD/hf`."""
    torch.set_num_threads(threads)
    tokenizer = vocabulary_of(build)
    run, checkpoint = Training(tokenizer, rounds), build / "checkpoint.pt"
    if checkpoint.exists():
        run.resume(checkpoint)
    finish(run, checkpoint)
    used = {"seconds": round(run.seconds), "cpu_seconds": round(run.cpu), "steps": run.steps}
    export.folder(run.model, tokenizer, build / "hf", used)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Trains the embedded model.")
    parser.add_argument("build", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, help="one short round instead, to try things out")
    arguments = parser.parse_args()
    chosen = (Round(arguments.steps, 1.0, 320),) if arguments.steps else ROUNDS
    main(arguments.build, arguments.threads, chosen)
