"""A GGUF model and what belongs to it, opened by llama.cpp."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import Any

from breeze.contracts.errors import HardwareError, InputError, NotLoadedError
from breeze.runners._llamacpp_adapters import checked
from breeze.runners._llamacpp_memory import context_of, padded, slots_of
from breeze.runners._llamacpp_models import LlamaModel, describe
from breeze.runners._llamacpp_parameters import LlamaCppParameters
from breeze.runners._native_builds import mentions

_GPUS = rb"ggml_backend_(cuda|hip|vk|metal|sycl|opencl|webgpu|cann|musa)_reg"
"""By these names llama.cpp takes in what computes on a GPU."""


def built_for_gpu() -> bool:
    """Whether the installed build can compute on a GPU, by its file; nothing is imported."""
    return mentions("xllamacpp", _GPUS)


def backend() -> str:
    """Where this build of llama.cpp computes: GPU or CPU."""
    import xllamacpp

    kinds = (device["type"].name for device in xllamacpp.get_device_info())
    return "GPU" if any("GPU" in kind for kind in kinds) else "CPU"


def opened(model: LlamaModel, parameters: LlamaCppParameters, *, gpu: bool) -> Any:
    """The native server. Its HTTP side cannot be switched off, so it listens on a Unix socket in
    a private folder that is removed at once; where that cannot be, on loopback behind a key.

    Raises HardwareError, InputError, NotLoadedError.
    """
    import xllamacpp

    os.environ.setdefault("GGML_NO_BACKTRACE", "1")  # else its end would start a debugger first
    native = xllamacpp.CommonParams()
    _place(native, parameters, gpu=gpu)
    _size(native, model, parameters)
    _belongings(native, model, parameters)
    native.verbosity = -1
    native.warmup = False
    native.cache_ram_mib = 0  # else up to 8 GiB of old prompts are kept
    native.n_threads_http = 1
    native.ui = native.endpoint_slots = False
    native.endpoint_metrics = True
    native.api_keys = [secrets.token_hex(32)]
    folder = Path(tempfile.mkdtemp(prefix="breeze-"))
    if os.name == "posix" and len(str(folder)) < 90:  # the system's limit on socket paths is 104
        native.hostnames = [str(folder / "s.sock")]
    try:
        return xllamacpp.Server(native)
    except RuntimeError as error:
        raise _not_loaded(model, parameters) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _place(native: Any, parameters: LlamaCppParameters, *, gpu: bool) -> None:
    """Where it computes, and with how many threads."""
    layers = parameters.gpu_layers
    if layers and not gpu:
        raise HardwareError(
            f"gpu_layers is {layers}, but this build of llama.cpp finds no GPU: install one for "
            "yours (its CUDA, ROCm or Vulkan packages of xllamacpp), or leave gpu_layers out.",
            data={"gpu_layers": layers},
        )
    if layers is not None:
        native.n_gpu_layers = layers
        native.no_op_offload = native.no_kv_offload = (
            layers == 0
        )  # else a GPU would help all the same
    native.fit_params = gpu and layers is None  # loads the file once more to see what fits there
    native.mmproj_use_gpu = gpu
    native.cpuparams.n_threads = native.cpuparams_batch.n_threads = parameters.threads


def _size(native: Any, model: LlamaModel, parameters: LlamaCppParameters) -> None:
    """How much is worked on at once, and for whom."""
    import xllamacpp

    context, slots = padded(context_of(model, parameters)), slots_of(model, parameters)
    native.n_ctx = context * slots
    native.n_parallel = slots
    native.n_batch = native.n_ubatch = context if model.embeds else parameters.batch
    native.embedding = model.embeds
    native.prefill_assistant = parameters.prefill
    if model.ranks:
        native.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_RANK


def _belongings(native: Any, model: LlamaModel, parameters: LlamaCppParameters) -> None:
    """The files, and the template that makes the prompt."""
    import xllamacpp

    native.model.path = str(model.path)
    if model.projector is not None:
        native.mmproj.path = str(model.projector)
    native.lora_adapters = [
        xllamacpp.CommonAdapterLoraInfo(str(path), scale)
        for path, scale in checked(parameters.loras, model.architecture)
    ]
    if parameters.chat_template or parameters.chat_template_path is not None:
        native.chat_template = model.template
    if parameters.draft_path is not None and not model.embeds:
        kinds = xllamacpp.common_speculative_type
        native.speculative.draft.mparams.path = str(_draft(parameters.draft_path, model))
        native.speculative.types = [kinds.COMMON_SPECULATIVE_TYPE_DRAFT_SIMPLE]


def _draft(path: Path, model: LlamaModel) -> Path:
    """The same, once it is known to fit. Raises InputError."""
    if (found := describe(path.stem, path)).vocabulary != model.vocabulary:
        raise InputError(
            f"{path.name} has {found.vocabulary} tokens and {model.id} {model.vocabulary}: a draft "
            "model must have the same. Choose another, or leave draft_path out.",
            field="draft_path",
        )
    return path


def _not_loaded(model: LlamaModel, parameters: LlamaCppParameters) -> NotLoadedError:
    """llama.cpp says only that it could not; what it might have been."""
    beside = {
        "its projector is for another model": model.projector is not None,
        "an adapter is for another model (adapters)": bool(parameters.adapters.strip()),
        "the draft model has another vocabulary (draft_path)": parameters.draft_path is not None,
        "the chat template has a mistake": bool(
            parameters.chat_template or parameters.chat_template_path
        ),
    }
    causes = [what for what, given in beside.items() if given]
    causes.append("its architecture is newer than xllamacpp (run: pip install -U xllamacpp)")
    return NotLoadedError(
        f"llama.cpp could not load {model.path.name}. It may be that {'; or that '.join(causes)}; "
        "or memory is short.",
        model=model.id,
        retryable=False,
    )
