"""What an operator and a caller can set on runners of ExecuTorch programs."""

from __future__ import annotations

from pathlib import Path

from breeze.contracts.fields import Choice, choice, integer, number, path
from breeze.contracts.parameters import Parameters
from breeze.runners._local_fields import prompt_batch, system_message

_FORMATS = (
    Choice("auto", "By the model", "The model's own chat template, else what its tokens tell"),
    Choice("template", "Chat template", "The template in tokenizer_config.json"),
    Choice("llama3", "Llama 3", "Headers: <|start_header_id|>user<|end_header_id|>"),
    Choice("chatml", "ChatML", "Qwen and others: <|im_start|>user"),
    Choice("gemma", "Gemma", "<start_of_turn>user"),
    Choice("phi", "Phi", "<|user|> … <|end|>"),
    Choice("plain", "Plain", "Lines such as user: Hello"),
)


class ProgramParameters(Parameters):
    """Which programs are served and how they are spoken to."""

    model_path: Path | None = path(
        None,
        "A program to serve; it becomes the default model, under the name of its folder",
        category="Model",
        extensions=(".pte",),
        requires_reload=True,
    )
    tokenizer_path: Path | None = path(
        None,
        "Tokenizer of that program; empty: tokenizer.json or tokenizer.model beside it",
        category="Model",
        extensions=(".json", ".model", ".bin"),
        requires_reload=True,
    )
    models_dir: Path | None = path(
        None,
        "Folder of model folders to serve, each with a .pte file and its tokenizer",
        title="Models folder",
        category="Model",
        directory=True,
        requires_reload=True,
    )
    prompt_format: str = choice(
        "auto", _FORMATS, "How a conversation is written down", category="Prompt",
        requires_reload=True,
    )  # fmt: skip
    system_prompt: str = system_message()
    batch: int = prompt_batch(64, step=8)
    threads: int = integer(
        1,
        "Threads for the arithmetic of all programs in this process",
        category="Performance",
        low=1,
        high=256,
        requires_reload=True,
    )
    temperature: float = number(
        0.8,
        "Randomness; 0 always takes the likeliest token, and the runtime knows no more than 1",
        category="Sampling",
        low=0,
        high=2,
        step=0.1,
        per_request=True,
    )


class ExecutorchParameters(ProgramParameters):
    """The same, and how long a text may be."""

    max_sequence_length: int = integer(
        256,
        "Most tokens of prompt and answer together, as far as the program takes them",
        category="Sampling",
        low=1,
        high=4096,
        unit="tokens",
        per_request=True,
    )
