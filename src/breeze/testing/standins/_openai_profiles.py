"""Where the servers that speak this protocol differ: ids, fields, models, errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from breeze.testing.standins import _openai_errors as errors
from breeze.testing.standins._openai_chat import CREATED, Json, Style
from breeze.testing.standins._reply import event

MODEL = "parrot-1"
_DONE = b"data: [DONE]\n\n"


def _event(body: Json, facts: Json) -> bytes:
    return event(body)


def _event_and_end(body: Json, facts: Json) -> bytes:
    return event(body) + _DONE


def _named_event(body: Json, facts: Json) -> bytes:
    return event(body, "error")


def _router_chunk(body: Json, facts: Json) -> bytes:
    """A chunk as any other, with the error beside its choices."""
    choice = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
    facts = facts | {"object": "chat.completion.chunk"}
    return event(facts | {"error": body["error"], "choices": [choice]})


@dataclass(frozen=True)
class Profile:
    """One server's ways. `facts`: more fields of every chat answer; `last`: of the end of one;
    `model_facts`: of a model in the list."""

    runner: str = "openai"
    """Who asks such a server."""
    chat: Style = field(default_factory=Style)
    words: errors.Words = errors.plain
    broken: Callable[[Json, Json], bytes] = _event
    prefix: str = "/v1"
    id: str = "chatcmpl-"
    model: str = MODEL
    facts: Mapping[str, Any] = field(default_factory=dict)
    last: Mapping[str, Any] = field(default_factory=dict)
    model_facts: Mapping[str, Any] = field(default_factory=dict)
    base64: bool = True
    done: bool = True
    long_prompts_in_stream: bool = False
    """A prompt that is too long is told within a 200, when a stream was asked for."""
    comments: tuple[bytes, ...] = ()
    router: bool = False

    def models(self) -> Json:
        """The list of models."""
        item = {"id": self.model, "created": CREATED} | dict(self.model_facts)
        if self.router:
            return {"data": [item]}
        item = {"object": "model", "owned_by": "stand-in"} | item
        return {"object": "list", "data": [item]}


_PRICES = {
    "prompt": "0.00000015", "completion": "0.0000006", "request": "0", "image": "0.000217",
    "input_cache_read": "0.000000075",
}  # fmt: skip
_ROUTER_MODEL = {
    "canonical_slug": "acme/parrot-1", "name": "Acme: Parrot 1", "description": "Repeats.",
    "context_length": 128_000, "pricing": _PRICES,
    "architecture": {
        "modality": "text+image->text", "input_modalities": ["text", "image"],
        "output_modalities": ["text"], "tokenizer": "Other", "instruct_type": None,
    },
    "top_provider": {
        "context_length": 128_000, "max_completion_tokens": 16_384, "is_moderated": False,
    },
    "per_request_limits": None,
    "supported_parameters": [
        "temperature", "top_p", "top_k", "max_tokens", "stop", "seed", "tools", "tool_choice",
        "response_format", "structured_outputs", "reasoning", "include_reasoning",
    ],
}  # fmt: skip
_PROVIDERS = [
    {
        "provider": "acme", "status": "live", "context_length": 128_000,
        "pricing": {"input": 0.15, "output": 0.6}, "supports_tools": True,
        "supports_structured_output": True,
    },
]  # fmt: skip

PROFILES: dict[str, Profile] = {
    "openai": Profile(facts={"service_tier": "default", "system_fingerprint": "fp_standin"}),
    "openrouter": Profile(
        runner="openrouter",
        chat=Style(reasoning="reasoning", details=True, usage_always=True, native_reason=True),
        words=errors.router,
        broken=_router_chunk,
        prefix="/api/v1",
        id="gen-",
        model="acme/parrot-1",
        facts={"provider": "Acme", "system_fingerprint": None},
        model_facts=_ROUTER_MODEL,
        comments=(b": OPENROUTER PROCESSING\n\n",),
        router=True,
    ),
    "vllm": Profile(
        runner="vllm",
        chat=Style(reasoning="reasoning", empty_calls=True, stop_reason=True),
        words=errors.vllm,
        broken=_event_and_end,
        facts={"prompt_logprobs": None, "kv_transfer_params": None},
        model_facts={"root": MODEL, "parent": None, "max_model_len": 4096, "permission": []},
    ),
    "llamacpp": Profile(
        runner="llamacpp_server",
        chat=Style(reasoning="reasoning_content", first="null"),
        words=errors.llamacpp,
        model="/models/parrot-1.gguf",
        facts={"system_fingerprint": "b9000-standin"},
        last={"timings": {"prompt_n": 4, "predicted_n": 5, "cache_n": 0}},
        model_facts={
            "owned_by": "llamacpp",
            "meta": {"n_ctx_train": 4096, "n_params": 1_000_000, "size": 2_000_000},
            "architecture": {"input_modalities": ["text"], "output_modalities": ["text"]},
        },
        base64=False,
    ),
    "lmstudio": Profile(
        runner="lm_studio",
        chat=Style(reasoning="reasoning_content"),
        words=errors.text,
        broken=_named_event,
        facts={"stats": {}},
        long_prompts_in_stream=True,
    ),
    "hf-router": Profile(
        runner="hf_router",
        chat=Style(reasoning="reasoning_content"),
        words=errors.billed,
        model="acme/parrot-1",
        model_facts={"owned_by": "acme", "providers": _PROVIDERS},
    ),
    "plain-old": Profile(
        chat=Style(plain=True), words=errors.detail, id="", base64=False, done=False
    ),
}
