"""What a conversation is made of: messages, their parts, tools and tool calls."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Role = Literal["system", "user", "assistant", "tool"]


class Part(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", kw_only=True):
    """Base of the pieces of one message."""


class TextPart(Part, frozen=True, tag="text", kw_only=False):
    """Plain text."""

    text: str


class ImagePart(Part, frozen=True, tag="image", kw_only=False):
    """A picture: its encoded bytes (PNG, JPEG, …), or a URL that the engine fetches guarded."""

    data: bytes = b""
    mime: str = ""
    url: str = ""
    detail: Literal["auto", "low", "high"] = "auto"


class AudioPart(Part, frozen=True, tag="audio", kw_only=False):
    """Encoded sound (WAV, MP3, …)."""

    data: bytes
    format: str = "wav"


class FilePart(Part, frozen=True, tag="file", kw_only=False):
    """A document, as bytes or as the id of an uploaded file."""

    data: bytes = b""
    mime: str = "application/octet-stream"
    name: str = ""
    file_id: str = ""


ContentPart = TextPart | ImagePart | AudioPart | FilePart


class ToolCall(msgspec.Struct, frozen=True, omit_defaults=True):
    """A call the model wants made. `arguments` is JSON text exactly as the model wrote it.

    `signature`: what its maker wants back with the call, unchanged, where it does.
    """

    id: str
    name: str
    arguments: str = "{}"
    signature: str = ""


class Tool(msgspec.Struct, frozen=True, omit_defaults=True):
    """A function the model may call. `parameters` is a JSON Schema object."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = {}
    strict: bool = False


class NamedTool(msgspec.Struct, frozen=True):
    """Tool choice: this tool and no other."""

    name: str


ToolChoice = Literal["auto", "none", "required"] | NamedTool


class ResponseFormat(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the text must be: free text, any JSON object, or JSON that obeys `schema`."""

    kind: Literal["text", "json_object", "json_schema"] = "text"
    schema: dict[str, Any] | None = None
    name: str = ""
    strict: bool = False


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """One turn. `tool_calls` belongs to the assistant, `tool_call_id` to a tool's answer.

    `reasoning_signature`: what the maker of `reasoning` wants back with it, unchanged.
    """

    role: Role
    content: str | tuple[ContentPart, ...] = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    name: str = ""
    reasoning: str = ""
    reasoning_signature: str = ""

    @property
    def text(self) -> str:
        """The text parts, joined."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content if isinstance(part, TextPart))

    @property
    def parts(self) -> tuple[ContentPart, ...]:
        """The content as parts, a plain string being one text part."""
        if isinstance(self.content, str):
            return (TextPart(self.content),) if self.content else ()
        return self.content

    @property
    def images(self) -> tuple[ImagePart, ...]:
        """The pictures of this message."""
        if isinstance(self.content, str):
            return ()
        return tuple(part for part in self.content if isinstance(part, ImagePart))
