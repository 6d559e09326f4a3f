"""What a stand-in answers: computed from the request, the same each time."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_SIMPLE: dict[str, Any] = {
    "integer": 1, "number": 1.5, "boolean": True, "null": None, "string": "text",
}  # fmt: skip


def tokens(text: str) -> list[str]:
    """A text in words, each with the blank that follows it. Together they are the text."""
    return re.findall(r"\S+\s*|\s+", text)


@dataclass(frozen=True)
class Spoken:
    """An answer before it is worded for the wire. `prompt`: tokens of what was asked."""

    text: str
    thought: str
    calls: tuple[dict[str, Any], ...]
    reason: str
    prompt: int

    @property
    def count(self) -> int:
        """Tokens of the answer."""
        return len(tokens(self.text)) + len(tokens(self.thought)) + 5 * len(self.calls)


def limited(text: str, most: int | None, stops: Iterable[str] = ()) -> tuple[str, bool]:
    """The text up to a stop word and of at most so many tokens; whether that cut it short."""
    for stop in stops:
        text = text.partition(stop)[0] if stop else text
    words = tokens(text)
    if most is None or len(words) <= most:
        return text, False
    return "".join(words[:most]), True


def sample(schema: Mapping[str, Any], word: str = "text") -> Any:
    """A value that the JSON schema allows, for the schemas that people write."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    for name in ("anyOf", "oneOf", "allOf"):
        if schema.get(name):
            return sample(schema[name][0], word)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {n: sample(s, word) for n, s in (schema.get("properties") or {}).items()}
    if kind == "array":
        return [sample(schema.get("items") or {}, word)] * max(1, schema.get("minItems", 1))
    return _number(schema, kind) if kind in ("integer", "number") else _SIMPLE.get(kind, word)


def _number(schema: Mapping[str, Any], kind: str) -> float:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    value: float = _SIMPLE[kind] if low is None else low + ("exclusiveMinimum" in schema)
    high: float | None = schema.get("maximum")
    return value if high is None else min(value, high)


def vector(text: str, size: int) -> list[float]:
    """A vector of length 1 that follows from the text. Same text, same vector."""
    values: list[float] = []
    turn = 0
    while len(values) < size:
        digest = hashlib.sha256(f"{turn}:{text}".encode()).digest()
        values += [(byte - 127.5) / 127.5 for byte in digest]
        turn += 1
    norm = sum(v * v for v in values[:size]) ** 0.5
    return [v / norm for v in values[:size]]


def answer_to(text: str, pictures: Sequence[tuple[str, int]] = (), sounds: int = 0) -> str:
    """What is said to a text, pictures (media type, bytes) and sounds."""
    said = [f"I see a picture of {size} bytes ({mime})." for mime, size in pictures]
    said += [f"I hear {sounds} sounds."] if sounds else []
    return " ".join([*said, f"You said: {text}" if text else "You said nothing."])


def flagged(text: str, words: Mapping[str, str]) -> list[str]:
    """The categories whose trigger word stands in the text."""
    lower = text.lower()
    return [category for category, word in words.items() if word in lower]
