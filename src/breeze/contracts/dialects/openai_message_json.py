"""The JSON of one message of OpenAI's chat completions, as types. They are strict."""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    """Base of what a caller writes: an unknown field is an error."""


class TextPartJson(Strict, tag="text"):
    """A piece of text."""

    text: str


class RefusalPartJson(Strict, tag="refusal"):
    """A piece of a refusal, echoed back."""

    refusal: str


class ImageUrl(Strict):
    """Where a picture is: a web address or a data URI."""

    url: str
    detail: Literal["auto", "low", "high", "original"] = "auto"


class ImagePartJson(Strict, tag="image_url"):
    """A picture."""

    image_url: ImageUrl


class InputAudio(Strict):
    """Sound in base64."""

    data: str
    format: str


class AudioPartJson(Strict, tag="input_audio"):
    """Sound."""

    input_audio: InputAudio


class FileJson(Strict):
    """A document: a data URI or the id of an upload."""

    file_data: str = ""
    file_id: str = ""
    filename: str = ""


class FilePartJson(Strict, tag="file"):
    """A document."""

    file: FileJson


PartJson = TextPartJson | RefusalPartJson | ImagePartJson | AudioPartJson | FilePartJson


class CalledJson(Strict):
    """What was called, with JSON text as arguments; helpers of clients keep them parsed as well."""

    name: str
    arguments: str = "{}"
    parsed_arguments: Any = None
    provider_specific_fields: Any = None


class CallJson(Strict):
    """A tool call of an earlier answer; `signature` as it came with the answer."""

    id: str
    function: CalledJson
    type: Literal["function"] = "function"
    index: int | None = None
    provider_specific_fields: Any = None
    signature: str | None = None


class MessageJson(Strict):
    """One message. What clients echo back from an answer beside its content is accepted."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[PartJson] | None = None
    name: str | None = None
    tool_calls: list[CallJson] | None = None
    tool_call_id: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_signature: str | None = None
    refusal: str | None = None
    annotations: list[Any] | None = None
    parsed: Any = None
    provider_specific_fields: Any = None
    thinking_blocks: list[Any] | None = None
    audio: None = None
    function_call: None = None
