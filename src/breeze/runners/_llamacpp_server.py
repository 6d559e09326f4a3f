"""llama.cpp's own server, opened inside this process and reachable from nowhere else."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from breeze.contracts.dialects.openai import UpstreamError
from breeze.runners._llamacpp_memory import check_memory, context_of, slots_of
from breeze.runners._llamacpp_models import LlamaModel
from breeze.runners._llamacpp_native import backend, opened
from breeze.runners._llamacpp_parameters import LlamaCppParameters
from breeze.runners._llamacpp_slots import Slots
from breeze.runners._memory import give_back

_FIGURE = re.compile(r"^llamacpp:(\w+) ([\d.e+-]+)$", re.MULTILINE)


class LlamaServer:
    """A loaded model with slots to work in. `context`: tokens that one stream may take."""

    def __init__(self, model: LlamaModel, parameters: LlamaCppParameters) -> None:
        """Blocks while the model is loaded. Raises a RunnerError, E502 and E504 mostly."""
        check_memory(model, parameters)
        self.model = model
        self.context = context_of(model, parameters)
        self.backend = "CPU" if parameters.gpu_layers == 0 else backend()
        self.adapters = len(parameters.loras)
        self.width = slots_of(model, parameters)
        """Texts, or streams, that are worked on in one step."""
        self.slots = Slots(self.width)
        self._native = opened(model, parameters, gpu=self.backend == "GPU")
        self.figures()  # answered by its loop: ended before that runs, it would hang

    def close(self) -> None:
        """Free the model and everything that came with it. Blocks for some milliseconds."""
        self._native = None
        give_back()

    def figures(self) -> dict[str, float]:
        """What llama.cpp counts of its work, such as `n_decode_total` (steps)."""
        return {
            name: float(value) for name, value in _FIGURE.findall(self._native.handle_metrics())
        }

    def chat(self, body: dict[str, Any], each: Callable[[bytes], bool]) -> None:
        """Generate; `each` gets every chunk as JSON and stops the work by returning True.

        Blocks, without the interpreter's lock. Raises ValueError and RuntimeError for a request
        that llama.cpp refuses; other refusals come as a chunk with `error`.
        """
        self._native.handle_chat_completions(msgspec.json.encode(body), each)

    def embed(self, texts: Sequence[str]) -> tuple[list[bytes], int]:
        """The vector of each text (little-endian float32) and the tokens of all.

        Raises UpstreamError.
        """
        body = {"input": list(texts), "encoding_format": "base64"}
        found = self._native.handle_embeddings(body)
        if "error" in found:
            raise UpstreamError(found["error"])
        rows = sorted(found["data"], key=lambda row: row["index"])
        vectors = [base64.b64decode(row["embedding"]) for row in rows]
        return vectors, found["usage"]["prompt_tokens"]

    def rank(self, query: str, texts: Sequence[str]) -> tuple[list[float], int]:
        """How well each text answers `query`, and the tokens of all. Raises UpstreamError."""
        found = self._native.handle_rerank({"query": query, "documents": list(texts)})
        if "error" in found:
            raise UpstreamError(found["error"])
        rows = sorted(found["results"], key=lambda row: row["index"])
        return [row["relevance_score"] for row in rows], found["usage"]["prompt_tokens"]
