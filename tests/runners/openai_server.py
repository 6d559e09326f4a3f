"""Plays a well-behaved server of OpenAI's protocol. What it answers follows from the request."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from typing import Any

import msgspec

from tests.runners.standin import Exchange

MODEL = "small-1"
_FACTS = {"id": "chatcmpl-1", "created": 1_760_000_000, "model": MODEL}
Json = dict[str, Any]


async def answer(exchange: Exchange) -> None:
    """Models, chat (streamed or whole) and embeddings; 404 for all else."""
    path = exchange.request.path.removeprefix("/v1")
    if path == "/models":
        await exchange.whole(_json({"object": "list", "data": [{"id": MODEL, "object": "model"}]}))
    elif path not in ("/chat/completions", "/embeddings"):
        await refuse(exchange, "404 Not Found", "Invalid URL")
    elif exchange.request.json["model"] != MODEL:
        await refuse(exchange, "404 Not Found", "No such model", code="model_not_found")
    elif path == "/embeddings":
        await _embed(exchange)
    elif exchange.request.json.get("stream"):
        await _stream(exchange)
    else:
        await exchange.whole(_json(_whole(exchange.request.json)))


async def refuse(exchange: Exchange, status: str, message: str, **fields: Any) -> None:
    """An error as OpenAI words it."""
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    await exchange.whole(_json({"error": error | fields}), status)


def sse(*chunks: Json | str) -> bytes:
    """Events with the given data."""
    said = (chunk if isinstance(chunk, str) else _json(chunk).decode() for chunk in chunks)
    return "".join(f"data: {text}\n\n" for text in said).encode()


def delta(text: str = "", **fields: Any) -> Json:
    """A chunk of the first choice."""
    return _chunk({"index": 0, "delta": {"content": text}, "finish_reason": None} | fields)


def stop(reason: str = "stop", index: int = 0) -> Json:
    """The chunk that ends a choice."""
    return _chunk({"index": index, "delta": {}, "finish_reason": reason})


def usage(prompt: int = 3, completion: int = 2) -> Json:
    """The chunk with the token counts."""
    used = {"prompt_tokens": prompt, "completion_tokens": completion}
    return _FACTS | {"choices": [], "usage": used | {"total_tokens": prompt + completion}}


def _chunk(choice: Json) -> Json:
    return _FACTS | {"object": "chat.completion.chunk", "choices": [choice]}


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value)


async def _stream(exchange: Exchange) -> None:
    body = exchange.request.json
    await exchange.stream()
    for chunk in _chunks(body):
        await exchange.chunk(sse(chunk))
    await exchange.chunk(sse("[DONE]"))
    await exchange.end()


def _chunks(body: Json) -> Iterator[Json]:
    for index in range(body.get("n", 1)):
        for word in _words(body):
            choice: Json = {"index": index, "delta": {"content": word}, "finish_reason": None}
            if body.get("logprobs"):
                top = [{"token": word, "logprob": -0.5}] * body["top_logprobs"]
                logprobs = [{"token": word, "logprob": -0.5, "top_logprobs": top}]
                choice["logprobs"] = {"content": logprobs}
            yield _chunk(choice)
        if call := _call(body):
            yield _chunk({"index": index, "delta": {"tool_calls": [call]}, "finish_reason": None})
        yield stop("tool_calls" if _call(body) else "stop", index)
    if (body.get("stream_options") or {}).get("include_usage"):
        yield usage(completion=len(_words(body)))


def _whole(body: Json) -> Json:
    message: Json = {"role": "assistant", "content": "".join(_words(body)) or None}
    if call := _call(body):
        message["tool_calls"] = [call]
    choice = {"message": message, "finish_reason": "tool_calls" if _call(body) else "stop"}
    choices = [choice | {"index": index} for index in range(body.get("n", 1))]
    return usage(completion=len(_words(body))) | {"object": "chat.completion", "choices": choices}


def _words(body: Json) -> list[str]:
    if _call(body):
        return []
    if body.get("response_format", {}).get("type") in ("json_object", "json_schema"):
        return ["{", '"said"', ":", '"yes"', "}"]
    most = body.get("max_tokens") or body.get("max_completion_tokens") or 12
    return [f"word{i} " for i in range(most)]


def _call(body: Json) -> Json | None:
    if not body.get("tools") or body.get("tool_choice") in (None, "auto", "none"):
        return None
    name = body["tools"][0]["function"]["name"]
    called = {"name": name, "arguments": '{"place":"here"}'}
    return {"index": 0, "id": "call_1", "type": "function", "function": called}


async def _embed(exchange: Exchange) -> None:
    body = exchange.request.json
    size = body.get("dimensions") or 4
    data = []
    for index, text in enumerate(body["input"]):
        vector = struct.pack(f"<{size}f", *([float(len(text))] * size))
        packed = base64.b64encode(vector).decode()
        data.append({"object": "embedding", "index": index, "embedding": packed})
    used = {"prompt_tokens": 7, "total_tokens": 7}
    await exchange.whole(_json({"object": "list", "data": data, "model": MODEL, "usage": used}))
