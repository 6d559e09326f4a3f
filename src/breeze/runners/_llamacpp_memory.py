"""What memory a GGUF model takes, told before it is loaded."""

from __future__ import annotations

from breeze.contracts.errors import MemoryLimitError
from breeze.contracts.machine_memory import bounds
from breeze.runners._llamacpp_models import LlamaModel
from breeze.runners._llamacpp_parameters import LlamaCppParameters

_AROUND = 48_000_000
"""Bytes of the runtime itself and of the buffers for one step, for a small model."""


def slots_of(model: LlamaModel, parameters: LlamaCppParameters) -> int:
    """How many streams, or texts to embed, are worked on in one step.

    Texts to embed: 1, 2 or 4. Where the slots do not divide a step, llama.cpp ends the process.
    """
    if not model.embeds:
        return parameters.parallel
    return 1 << (parameters.parallel.bit_length() - 1)


def context_of(model: LlamaModel, parameters: LlamaCppParameters) -> int:
    """Tokens that one stream may take."""
    return min(padded(parameters.n_ctx or model.context), model.context)


def padded(tokens: int) -> int:
    """llama.cpp rounds a context up to multiples of 256."""
    return -(-tokens // 256) * 256


def needed(model: LlamaModel, parameters: LlamaCppParameters) -> int:
    """Bytes that the model takes once loaded: its files, the context of all slots, the rest."""
    tokens = padded(context_of(model, parameters)) * slots_of(model, parameters)
    step = min(parameters.batch, context_of(model, parameters)) * model.vocabulary * 4
    return model.size + model.token_bytes * tokens + step + _AROUND


def check_memory(model: LlamaModel, parameters: LlamaCppParameters) -> None:
    """Raises MemoryLimitError when the context cannot fit beside the model's own file."""
    asked, free = needed(model, parameters) - _AROUND, _available()
    if free is not None and asked > free:
        tokens = padded(context_of(model, parameters)) * slots_of(model, parameters)
        raise MemoryLimitError(
            f"{model.id} needs about {asked >> 20} MB ({model.size >> 20} MB of weights and "
            f"{tokens} tokens of context), but {free >> 20} MB are free. Set n_ctx or parallel "
            "to less.",
            model=model.id,
            data={"limit": free, "asked": asked},
        )


def _available() -> int | None:
    """Bytes that can be had, of the machine and of its control group; None where nobody tells."""
    return min((bound.free for bound in bounds() if bound.free is not None), default=None)
