"""The JSON of OpenAI's chat completions request, as types. They are strict."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from breeze.contracts.dialects.openai_message_json import MessageJson, Strict
from breeze.contracts.request import AUTO, GuardianOptions
from breeze.contracts.strict import read_strict as read_strict


class FunctionJson(Strict):
    """A function that may be called; `parameters` is a JSON Schema."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    type: Literal["function"] | None = None  # said twice by some servers that pass tools on


class ToolJson(Strict):
    """A tool; only functions are known here."""

    function: FunctionJson
    type: Literal["function"] = "function"


class NameJson(Strict):
    """The name of a function."""

    name: str


class NamedChoiceJson(Strict):
    """This function and no other."""

    function: NameJson
    type: Literal["function"] = "function"


class SchemaJson(Strict):
    """What a JSON answer must obey."""

    name: str = ""
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    description: str | None = None


class FormatJson(Strict):
    """What the text of the answer must be."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: SchemaJson | None = None


class BreezeJson(Strict):
    """Our own fields of a request; see `breeze.contracts.request.Request`."""

    runner: str = ""
    session_id: str = ""
    deadline: float | None = None
    strict: bool = False
    params: dict[str, Any] = msgspec.field(default_factory=dict)
    guardian: GuardianOptions | None = None


Seed = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class Body(Strict):
    """A chat-completions request. What comes after `breeze` is accepted and not read."""

    messages: list[MessageJson]
    model: str = AUTO
    tools: list[ToolJson] | None = None
    tool_choice: Literal["auto", "none", "required"] | NamedChoiceJson | None = None
    parallel_tool_calls: bool | None = None
    response_format: FormatJson | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stop: str | list[str] | None = None
    n: int | None = None
    seed: Seed | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    reasoning_effort: str | None = None
    modalities: list[Literal["text"]] | None = None
    breeze: BreezeJson | None = None
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None
    user: str | None = None
    metadata: dict[str, Any] | None = None
    store: bool | None = None
    service_tier: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: dict[str, Any] | None = None
    prompt_cache_retention: str | None = None
    prediction: dict[str, Any] | None = None


SAME = (
    "temperature", "top_p", "top_k", "seed", "presence_penalty", "frequency_penalty",
    "parallel_tool_calls",
)  # fmt: skip
"""Fields with one name and meaning on both sides, None when not given."""


def read_body(body: Any) -> Body:
    """`body` checked. Raises InputError with the path of the first wrong field."""
    return read_strict(body, Body)
