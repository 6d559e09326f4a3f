"""Hugging Face's inference router: a model is a path, bodies are raw bytes or small JSON.

What a model does follows from its name here: `whisper` hears, `tts` speaks, `e5` or `bert` gives
vectors, `tokens` gives them for each token, anything else draws.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from breeze.testing.standins._said import tokens, vector
from breeze.testing.standins._server import Call, Handler, Reply, Standin

_SIZE = 8
"""Dimensions of an embedding unless asked otherwise."""
_RATE = 16_000
_PER_WORD = 0.1
"""Seconds of sound for a word."""
_MOST_WORDS = 100
"""Words of a text that are spoken."""
_WORDS = {
    "authentication": (401, "Invalid username or password."),
    "permission": (403, "Your token may not call Inference Providers."),
    "quota": (402, "You have exceeded your monthly included credits for Inference Providers."),
    "rate_limit": (429, "Rate limit reached. Please log in or use a token."),
    "invalid_input": (422, "Input validation error: `inputs` must be non-empty"),
    "context": (422, "Input validation error: inputs must have less than 128 tokens"),
    "not_found": (404, "Model org/unknown does not exist"),
    "timeout": (504, "Gateway timeout"),
    "network": (502, "Bad gateway"),
    "model_not_loaded": (503, "Model org/name is currently loading"),
    "content_blocked": (400, "The content was blocked by the content policy."),
    "overloaded": (503, "Model too busy, unable to get response in less than 60 second(s)"),
    "internal": (500, "Internal Server Error"),
}


class HuggingFaceStandin(Standin):
    """Profiles: `router`, and `endpoint` for one of one's own, which serves at its address."""

    name = "huggingface"
    prefix = "/hf-inference"
    capability = "ASR"
    profiles: ClassVar[tuple[str, ...]] = ("router", "endpoint")

    def routes(self) -> Mapping[str, Handler]:
        if self.profile == "endpoint":
            return {"POST /": self._model, "POST ": self._model}
        return {
            "POST /models/{model...}/pipeline/feature-extraction": self._vectors,
            "POST /models/{model...}": self._model,
        }

    def usual_model(self) -> str:
        return "" if self.profile == "endpoint" else "org/whisper"

    def refusal(self, kind: str, call: Call) -> Reply:
        status, words = _WORDS[kind]
        said: dict[str, Any] = {"error": words}
        if kind == "model_not_loaded":
            said["estimated_time"] = 7.5
        if kind == "invalid_input":
            said["error"] = [words]
        reply = Reply.json(said, status)
        if kind != "rate_limit":
            return reply
        policy = '"fixed window";"api";q=300;w=300'
        return reply.having(RateLimit='"api";r=0;t=9', RateLimit_Policy=policy)

    def broken(self, kind: str, call: Call) -> bytes:
        return msgspec.json.encode({"error": _WORDS[kind][1]})

    async def _model(self, call: Call) -> Reply:
        name = call.match.get("model", "whisper").lower()
        if "whisper" in name:
            return _heard(call)
        if "tts" in name:
            return _spoken(call.json)
        if "e5" in name or "bert" in name or "tokens" in name:
            return await self._vectors(call)
        return _drawn(call.json)

    async def _vectors(self, call: Call) -> Reply:
        body = call.json
        given = body["inputs"]
        size = body.get("dimensions") or _SIZE
        if "tokens" in call.match.get("model", ""):
            texts = [given] if isinstance(given, str) else given
            return Reply.json([[vector(w, size) for w in tokens(t)] for t in texts])
        found = [vector(text, size) for text in ([given] if isinstance(given, str) else given)]
        return Reply.json(found[0] if isinstance(given, str) else found)


def _heard(call: Call) -> Reply:
    """What is heard follows from the sound: how long it is, and how it begins."""
    parameters: dict[str, Any] = {}
    if call.headers.get("content-type", "").startswith("application/json"):
        body = call.json
        sound, parameters = base64.b64decode(body["inputs"]), body.get("parameters") or {}
    else:
        sound = call.body
    text = f"I hear {len(sound)} bytes that begin with {sound[:4].hex()}."
    if not parameters.get("return_timestamps"):
        return Reply.json({"text": text})
    half = len(text) // 2
    chunks = [
        {"text": text[:half], "timestamp": [0.0, 0.5]},
        {"text": text[half:], "timestamp": [0.5, None]},
    ]
    return Reply.json({"text": text, "chunks": chunks})


def _spoken(body: dict[str, Any]) -> Reply:
    """A tone whose length follows from the words, as WAV in several pieces."""
    words = min(len(tokens(body["inputs"])), _MOST_WORDS)
    wave = struct.pack("<40h", *(3000,) * 20, *(-3000,) * 20)
    pcm = wave * int(words * _PER_WORD * _RATE / 40)
    head = struct.pack("<IHHIIHH", 16, 1, 1, _RATE, 2 * _RATE, 2, 16)
    wav = b"RIFF" + struct.pack("<I", 36 + len(pcm)) + b"WAVEfmt " + head
    wav += b"data" + struct.pack("<I", len(pcm)) + pcm
    return Reply.raw(wav, "audio/wav", pieces=6)


def _drawn(body: dict[str, Any]) -> Reply:
    """A picture in one colour, which follows from the prompt and the seed."""
    given = body.get("parameters") or {}
    width, height = given.get("width") or 64, given.get("height") or 64
    colour = zlib.crc32(f"{body['inputs']} {given.get('seed')}".encode()).to_bytes(4)[:3]
    rows = (b"\0" + colour * width) * height
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows, 1)),
        (b"IEND", b""),
    )
    png = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
    return Reply.raw(b"\x89PNG\r\n\x1a\n" + png, "image/png")
