"""What an operator can set on the openai runner about requests: how they are worded, for whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from pydantic import field_validator

from breeze.contracts.capability import Capability
from breeze.contracts.fields import Choice, choice, integer, number, switch, text
from breeze.contracts.parameters import Parameters

CONSERVATIVE = (Capability.LLM, Capability.VLM, Capability.EMBEDDING)
"""What nearly every server does that speaks the protocol."""
_MODELS = "Models"
MODELS = {
    Capability.VLM: "vision_model", Capability.EMBEDDING: "embedding_model",
    Capability.ASR: "transcription_model", Capability.TTS: "speech_model",
    Capability.IMAGE: "image_model", Capability.GUARDIAN: "moderation_model",
}  # fmt: skip
"""The parameter that names the model of each kind of work but chat."""
_WITHOUT = (
    "top_k", "seed", "n", "stop", "logit_bias", "logprobs", "presence_penalty",
    "frequency_penalty", "parallel_tool_calls", "reasoning_effort", "tools", "json_schema",
)  # fmt: skip


class Wishes(Parameters):
    """How requests are worded. What a server wants is its row's matter, or its operator's."""

    extra: ClassVar[Mapping[str, str]] = {}
    """Parameters that a row added, and where their values are sent: a path in the body of a chat
    request, with dots, or `header:Name`."""

    capabilities: tuple[str, ...] = choice(
        (),
        [Choice(capability, capability) for capability in Capability],
        "What this server does; by default all for OpenAI's own host and LLM, VLM and EMBEDDING "
        "for others. Instances that are configured for more do that too",
        category="Connection",
        multiple=True,
        informational=True,  # read when instances are made, not by their work
    )
    limit_field: str = choice(
        "auto",
        [
            Choice("auto", "By host", "max_completion_tokens for OpenAI's own, else max_tokens"),
            Choice("max_tokens", "max_tokens", "What most servers know"),
            Choice("max_completion_tokens", "max_completion_tokens", "What OpenAI's own wants"),
        ],
        "Name of the limit of new tokens in requests",
        category="Requests",
    )
    usage: bool = switch(
        True,
        "Ask for token counts at the end of streams; off for servers that refuse stream_options",
        title="Token counts",
        category="Requests",
    )
    without: tuple[str, ...] = choice(
        (),
        [Choice(name, name) for name in _WITHOUT],
        "Fields of chat requests that this server does not take: they are left out, and the "
        "answer says so",
        category="Requests",
        multiple=True,
    )
    seed_field: str = choice(
        "seed",
        [Choice("seed", "seed", "The usual one"), Choice("random_seed", "random_seed")],
        "Name of the seed in requests",
        category="Requests",
    )
    reasoning_field: str = choice(
        "auto",
        [
            Choice("auto", "By host", "Not sent to OpenAI's own, else reasoning_content"),
            Choice("reasoning_content", "reasoning_content"),
            Choice("reasoning", "reasoning"),
            Choice("none", "Not sent", "For servers that refuse it"),
        ],
        "Name of the reasoning of earlier answers in requests",
        category="Requests",
    )
    prefill: str = choice(
        "",
        [
            Choice("", "Never", "Every answer begins anew"),
            Choice("message", "By the last message", "When that is the assistant's"),
            Choice("message_echo", "The same, repeated", "And answers repeat what was given"),
            Choice("prefix", "prefix", "The last message is marked with prefix: true"),
            Choice("prefix_echo", "The same, repeated", "And answers repeat what was given"),
            Choice("flags", "continue_final_message", "The request says so"),
        ],
        "How this server is asked to continue an answer that was begun elsewhere",
        title="Continues answers",
        category="Requests",
    )
    think_tags: bool = switch(
        False,
        "Take text between <think> and </think> for reasoning",
        category="Requests",
        per_request=True,
    )
    extra_body: str = text(
        "",
        "More fields for every chat request, as a JSON object, such as "
        '{"chat_template_kwargs": {"enable_thinking": false}}',
        title="More fields",
        category="Requests",
    )
    vector_format: str = choice(
        "base64",
        [
            Choice("base64", "base64", "Exact and short"),
            Choice("float", "Numbers", "For servers that know nothing else"),
            Choice("", "Unsaid", "For servers that refuse the field"),
        ],
        "How vectors are asked for",
        category="Requests",
    )
    transcript_format: str = choice(
        "auto",
        [
            Choice("auto", "By model", "json for those of OpenAI's own host, but for whisper"),
            Choice("verbose_json", "verbose_json", "With times; for models like whisper"),
            Choice("json", "json", "Text, streamed where the server can"),
            Choice("text", "text", "Text and nothing else"),
        ],
        "How transcriptions are asked for",
        category="Requests",
    )
    upload_limit: float = number(
        25.0, "Largest sound to send", low=0.01, high=4096, unit="MiB", category="Requests"
    )
    voice: str = text("alloy", "Voice when none is asked for", category="Requests")
    speech_stream: str = choice(
        "audio",
        [
            Choice("audio", "Bytes", "As they are made"),
            Choice("sse", "Events", "With the tokens used; not every model knows them"),
        ],
        "How speech is asked for",
        category="Requests",
    )
    image_answer: str = choice(
        "auto",
        [
            Choice("auto", "By host", "Unsaid for OpenAI's own, else b64_json"),
            Choice("b64_json", "b64_json", "In the answer"),
            Choice("url", "url", "Fetched from where the server says"),
            Choice("", "Unsaid", "For servers that refuse the field"),
        ],
        "How pictures are asked for",
        category="Requests",
    )
    image_fields: tuple[str, ...] = choice(
        (),
        [
            Choice("steps", "steps"),
            Choice("guidance", "guidance_scale"),
            Choice("seed", "seed"),
            Choice("negative_prompt", "negative_prompt"),
        ],
        "Fields of picture requests that this server takes beyond OpenAI's",
        category="Requests",
        multiple=True,
    )
    partial_images: int = integer(
        0, "Unfinished pictures to ask for on the way, as progress", low=0, high=3,
        category="Requests",
    )  # fmt: skip
    vision_model: str = text("", "Model that sees, when none is asked for", category=_MODELS)
    embedding_model: str = text("", "Model for vectors, when none is asked for", category=_MODELS)
    transcription_model: str = text("", "Model that hears, when none is asked for",
                                    category=_MODELS)  # fmt: skip
    speech_model: str = text("", "Model that speaks, when none is asked for", category=_MODELS)
    image_model: str = text("", "Model that draws, when none is asked for", category=_MODELS)
    moderation_model: str = text("", "Model that judges, when none is asked for; unset: the "
                                 "server's own", category=_MODELS)  # fmt: skip

    @field_validator("extra_body", mode="after")
    @classmethod
    def _object(cls, value: str) -> str:
        if value.strip():
            try:
                msgspec.json.decode(value, type=dict[str, Any])
            except msgspec.DecodeError as error:
                raise ValueError(f"is no JSON object: {error}") from None
        return value

    def model_for(self, capability: Capability) -> str:
        """The model for a kind of work when none is asked for; "" when none is named."""
        field = MODELS.get(capability)
        return getattr(self, field) if field else ""

    def more(self) -> dict[str, Any]:
        """Further fields of a chat request: of the operator, then of a row's own parameters."""
        found = msgspec.json.decode(self.extra_body) if self.extra_body.strip() else {}
        for name, path in self.extra.items():
            value = getattr(self, name)
            if not path.startswith("header:") and value not in ("", None, False):
                _put(found, path, value)
        return found


def _put(body: dict[str, Any], path: str, value: Any) -> None:
    """Set a field; `path[]` holds a list, given as text with commas."""
    *outer, last = path.removesuffix("[]").split(".")
    for key in outer:
        body = body.setdefault(key, {})
    body[last] = [v.strip() for v in value.split(",") if v.strip()] if path[-2:] == "[]" else value
