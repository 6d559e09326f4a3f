"""llama.cpp's own server, opened inside this process and reachable from nowhere else."""

from __future__ import annotations

import base64
import ctypes
import os
import secrets
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from breeze.contracts.dialects.openai import UpstreamError
from breeze.contracts.errors import MemoryLimitError, NotLoadedError
from breeze.contracts.threads import Outlet
from breeze.runners._llamacpp_models import LlamaModel
from breeze.runners._llamacpp_parameters import LlamaCppParameters

_WAIT = 0.02
"""Seconds between two looks at whether somebody still waits for a slot."""


class LlamaServer:
    """A loaded model with slots to work in. `context`: tokens that one stream may take.

    An embedding model has one slot, whatever `parallel` says: with three, llama.cpp ends the
    whole process, and texts that take turns are as fast.
    """

    def __init__(self, model: LlamaModel, parameters: LlamaCppParameters) -> None:
        self.model = model
        self.context = min(_padded(parameters.n_ctx or model.context), model.context)
        self.backend = _backend()
        slots = 1 if model.embeds else parameters.parallel
        _check_memory(model, _padded(self.context) * slots)
        self._slots = threading.BoundedSemaphore(slots)
        self._native = _open(self, parameters, slots)

    def close(self) -> None:
        """Free the model and everything that came with it. Blocks for some milliseconds."""
        self._native = None
        if sys.platform == "linux":  # glibc keeps what was freed, for each thread that ever loaded
            trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
            if trim is not None:
                trim(0)

    @contextmanager
    def slot(self, outlet: Outlet[Any]) -> Iterator[bool]:
        """A place to work in; False when the reader left while waiting for one."""
        while not self._slots.acquire(timeout=_WAIT):
            if outlet.closed:
                yield False
                return
        try:
            yield True
        finally:
            self._slots.release()

    def chat(self, body: dict[str, Any], each: Callable[[bytes], bool]) -> None:
        """Generate; `each` gets every chunk as JSON and stops the work by returning True.

        Blocks, without the interpreter's lock. Raises ValueError and RuntimeError for a request
        that llama.cpp refuses; other refusals come as a chunk with `error`.
        """
        self._native.handle_chat_completions(msgspec.json.encode(body), each)

    def embed(self, text: str) -> tuple[bytes, int]:
        """The vector of `text` (little-endian float32) and its tokens. Raises UpstreamError."""
        body = msgspec.json.encode({"input": [text], "encoding_format": "base64"})
        found = msgspec.json.decode(self._native.handle_embeddings(body))
        if "error" in found:
            raise UpstreamError(found["error"])
        return base64.b64decode(found["data"][0]["embedding"]), found["usage"]["prompt_tokens"]


def _padded(tokens: int) -> int:
    """llama.cpp rounds a context up to multiples of 256."""
    return -(-tokens // 256) * 256


def _check_memory(model: LlamaModel, tokens: int) -> None:
    """Raises MemoryLimitError when `tokens` of context cannot fit beside the model's own file."""
    needed, free = model.size + model.token_bytes * tokens, _available()
    if free is not None and needed > free:
        raise MemoryLimitError(
            f"{model.id} needs about {needed >> 20} MB ({model.size >> 20} MB of weights and "
            f"{tokens} tokens of context), but {free >> 20} MB are free. Set n_ctx or parallel "
            "to less.",
            model=model.id,
            data={"limit": free, "asked": needed},
        )


def _available() -> int | None:
    """Bytes that can be had without swapping, None where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    found = (line.split() for line in lines if line.startswith("MemAvailable:"))
    return next((int(words[1]) * 1024 for words in found), None)


def _backend() -> str:
    """Where this build of llama.cpp computes: GPU or CPU."""
    import xllamacpp

    kinds = (device["type"].name for device in xllamacpp.get_device_info())
    return "GPU" if any("GPU" in kind for kind in kinds) else "CPU"


def _open(server: LlamaServer, parameters: LlamaCppParameters, slots: int) -> Any:
    """The native server. Its HTTP side cannot be switched off, so it listens on a Unix socket in
    a private folder that is removed at once; where that cannot be, on loopback behind a key.
    """
    import xllamacpp

    model, context = server.model, _padded(server.context)
    native = xllamacpp.CommonParams()
    native.model.path = str(model.path)
    native.n_ctx = context * slots
    native.n_parallel = slots
    native.n_batch = native.n_ubatch = context if model.embeds else parameters.batch
    native.embedding = model.embeds
    native.prefill_assistant = parameters.prefill
    native.cpuparams.n_threads = native.cpuparams_batch.n_threads = parameters.threads
    native.verbosity = -1
    native.fit_params = server.backend == "GPU"  # loads the file once more to see what fits there
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
        opened = xllamacpp.Server(native)
        opened.handle_metrics()  # answered by its loop: ended before that runs, it would hang
        return opened
    except RuntimeError as error:
        raise NotLoadedError(
            f"llama.cpp could not load {model.path.name}: its architecture may be newer than "
            "the installed xllamacpp (run: pip install -U xllamacpp), or memory is short.",
            model=model.id,
            retryable=False,
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
