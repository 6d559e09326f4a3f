"""The usual chat: texts in, one text out. Read and written in one step each.

Most requests and answers have this shape. Whatever is beyond it takes the long way, which gives
the same for this shape: `openai_read` and `openai_answer`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

from breeze.contracts.answers import ChatAnswer
from breeze.contracts.dialects.openai_json import Seed
from breeze.contracts.dialects.openai_message_json import Strict
from breeze.contracts.messages import Message
from breeze.contracts.request import AUTO
from breeze.contracts.requests import ChatRequest
from breeze.contracts.values import Usage


class _MessageJson(Strict):
    role: Literal["system", "user", "assistant"]
    content: str


class _StreamOptionsJson(Strict):
    include_usage: bool = False
    include_obfuscation: bool = False


class Usual(NamedTuple):
    """A request, and how its answer is to travel: as a stream, and with the usage at its end."""

    request: ChatRequest
    stream: bool
    usage: bool


class _Body(Strict):
    messages: list[_MessageJson]
    model: str = AUTO
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: Seed | None = None
    stream: bool = False
    stream_options: _StreamOptionsJson | None = None


_decode = msgspec.json.Decoder(_Body).decode
_encode = msgspec.json.Encoder().encode


def usual_request(body: bytes) -> Usual | None:
    """The request that `body` asks for.

    None when the body is not of the usual shape, or wrong: `chat_from_json` tells.
    """
    try:
        read = _decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    stream, options = read.stream, read.stream_options
    if options is not None and not stream:
        return None
    request = ChatRequest(
        tuple([Message(message.role, message.content) for message in read.messages]),
        model=read.model,
        temperature=read.temperature,
        top_p=read.top_p,
        max_tokens=read.max_tokens,
        seed=read.seed,
        whole=not stream,
    )
    return Usual(request, stream, options is not None and options.include_usage)


def usual_answer(answer: ChatAnswer, id: str, created: int, model: str) -> bytes | None:
    """`answer` as a `chat.completion`; None when it is more than one text."""
    if answer.adjustments or answer.attempts or (answer.metadata and "refusal" in answer.metadata):
        return None
    (choice, *more) = answer.choices
    if more or not choice.text or choice.reasoning or choice.tool_calls or choice.logprobs:
        return None
    used = answer.usage or _NOTHING
    prompt, completion = used.prompt_tokens, used.completion_tokens
    return _ANSWER % (
        _encode(id), created, _encode(model), _encode(choice.text), choice.finish_reason.encode(),
        prompt, completion, prompt + completion, used.cached_tokens, used.reasoning_tokens,
    )  # fmt: skip


_NOTHING = Usage()
_ANSWER = (
    b'{"id":%b,"object":"chat.completion","created":%d,"model":%b,"choices":[{"index":0,'
    b'"message":{"role":"assistant","content":%b,"refusal":null},"finish_reason":"%b",'
    b'"logprobs":null}],"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,'
    b'"prompt_tokens_details":{"cached_tokens":%d},'
    b'"completion_tokens_details":{"reasoning_tokens":%d}},"system_fingerprint":null}'
)
