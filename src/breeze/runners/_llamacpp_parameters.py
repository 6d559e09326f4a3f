"""What an operator and a caller can set on the llama.cpp runner."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import field_validator

from breeze.contracts.fields import Choice, choice, integer, number, path, text
from breeze.contracts.parameters import ValidationResult
from breeze.runners._llamacpp_adapters import Adapter, adapters_of
from breeze.runners._llamacpp_sampling import SamplingParameters
from breeze.runners._local_fields import continuation, prompt_batch, system_message, thread_count


class LlamaCppParameters(SamplingParameters):
    """Which GGUF files are served and how. Only the operator names files."""

    model_path: Path | None = path(
        None,
        "A GGUF file to serve; it becomes the default model, under its file name",
        category="Model",
        extensions=(".gguf",),
        requires_reload=True,
    )
    projector_path: Path | None = path(
        None,
        "A projector file (mmproj) that lets the model of model_path see pictures; one that lies "
        "beside a model under its name, such as mmproj-NAME.gguf, is found by itself",
        title="Projector",
        category="Model",
        extensions=(".gguf",),
        requires_reload=True,
    )
    models_dir: Path | None = path(
        None,
        "Folder of GGUF files to serve, each under its file name without .gguf",
        title="Models folder",
        category="Model",
        directory=True,
        requires_reload=True,
    )
    n_ctx: int = integer(
        0,
        "Context of one stream, prompt and answer; 0 is the most: what the model was trained with",
        title="Context",
        category="Model",
        low=0,
        high=1_048_576,
        step=256,
        unit="tokens",
        requires_reload=True,
    )
    parallel: int = integer(
        4,
        "Chats at once; each has a context of its own, which takes memory",
        title="Parallel chats",
        category="Performance",
        low=1,
        high=4,
        requires_reload=True,
    )
    threads: int = thread_count()
    batch: int = prompt_batch(256, step=32, requires_reload=True)
    gpu_layers: int | None = integer(
        None,
        "Layers that a GPU computes; empty: as many as fit. More than 0 needs a build for GPUs",
        title="GPU layers",
        category="Performance",
        low=0,
        high=1024,
        requires_reload=True,
    )
    draft_path: Path | None = path(
        None,
        "A smaller GGUF file with the same vocabulary, which guesses ahead: same text, sooner",
        title="Draft model",
        category="Performance",
        extensions=(".gguf",),
        requires_reload=True,
    )
    adapters: str = text(
        "",
        "LoRA adapters over the model: one GGUF file a line, with =0.5 after it for half its "
        "strength",
        title="LoRA adapters",
        category="Model",
        max_length=20_000,
        requires_reload=True,
    )
    adapter_scale: float | None = number(
        None,
        "Strength of all adapters, in place of those in adapters",
        category="Model",
        low=0,
        high=10,
        step=0.05,
        per_request=True,
    )
    chat_template: str = text(
        "",
        "Jinja template that makes the prompt, in place of the model's own",
        category="Prompt",
        max_length=200_000,
        requires_reload=True,
    )
    chat_template_path: Path | None = path(
        None,
        "File with that template",
        title="Chat template file",
        category="Prompt",
        extensions=(".jinja", ".txt"),
        requires_reload=True,
    )
    prefill: bool = continuation()
    system_prompt: str = system_message()
    query: str = text(
        "",
        "For a model that ranks: what the texts are compared with; each gets one number",
        category="Prompt",
        max_length=100_000,
        per_request=True,
    )
    fetch_images: str = choice(
        "public",
        [
            Choice("off", "Never", "Pictures must come as bytes"),
            Choice("public", "From public addresses", "On the usual ports, over HTTP or HTTPS"),
            Choice("any", "From everywhere", "Also from this machine and the network around it"),
        ],
        "Whether pictures are fetched that a request names by URL",
        category="Requests",
    )

    @field_validator("adapters")
    @classmethod
    def _readable(cls, value: str) -> str:
        adapters_of(value)
        return value

    @property
    def loras(self) -> tuple[Adapter, ...]:
        """The adapters as files and strengths."""
        return adapters_of(self.adapters)

    def cross_check(self) -> Iterator[ValidationResult]:
        yield from super().cross_check()
        if self.chat_template and self.chat_template_path is not None:
            text = "give either this or chat_template_path"
            yield ValidationResult("chat_template", "invalid", text)
        if self.projector_path is not None and self.model_path is None:
            text = "belongs to model_path: set that too"
            yield ValidationResult("projector_path", "invalid", text)
