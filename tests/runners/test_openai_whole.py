"""Whole answers of the openai runner, in every shape that servers send."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from breeze.contracts.events import Finish
from tests.runners.asking import asking, running, whole
from tests.runners.openai_server import usage
from tests.runners.standin import StandIn


def said(choice: dict[str, object] | None = None, **more: object) -> dict[str, object]:
    """A whole answer: the usual one, but for what is given."""
    first = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "logprobs": None,
             "finish_reason": "stop"} | (choice or {})  # fmt: skip
    return usage() | {"object": "chat.completion", "choices": [first]} | more


def message(**fields: object) -> dict[str, object]:
    return {"message": {"role": "assistant", "content": "Hi"} | fields}


CALL = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
DETAILS = {"prompt_tokens": 9, "completion_tokens": 4, "cost": 0.5,
           "prompt_tokens_details": {"cached_tokens": 5, "audio_tokens": None},
           "completion_tokens_details": {"reasoning_tokens": 2}}  # fmt: skip
WHOLE: dict[str, dict[str, object]] = {
    "usual": said(),
    "not plain ASCII": said(message(content='"żółw"\n\\ 👩‍🚀')),
    "no index, no logprobs": usage() | {"choices": [message() | {"finish_reason": "length"}]},
    "empty text": said(message(content="")),
    "no text": said(message(content=None)),
    "parts": said(message(content=[{"type": "text", "text": "Hi"}])),
    "empty lists": said(message(tool_calls=[], reasoning_details=[], annotations=[])),
    "nulls": said(message(tool_calls=None, refusal=None, reasoning=None, audio=None)),
    "a call": said(message(content=None, tool_calls=[CALL]) | {"finish_reason": "tool_calls"}),
    "text and a call": said(message(tool_calls=[CALL])),
    "a refusal": said(message(content=None, refusal="No.")),
    "reasoning": said(message(reasoning_content="hm")),
    "reasoning by another name": said(message(reasoning="hm")),
    "a delta": said({"delta": {"content": "Ho"}}),
    "another index": said({"index": 1}),
    "two choices": said(choices=[message() | {"index": i, "finish_reason": "stop"}
                                 for i in (0, 1)]),
    "logprobs": said({"logprobs": {"content": [{"token": "Hi", "logprob": -1.0}]}}),
    "another reason": said({"finish_reason": "eos"}),
    "filtered": said({"finish_reason": "content_filter"}),
    "no usage": said(usage=None),
    "usage of nulls": said(usage={"prompt_tokens": None, "completion_tokens": None}),
    "half a usage": said(usage={"prompt_tokens": 3}),
    "usage in detail": said(usage=DETAILS),
    "no model": said(model=None),
    "null error": said(error=None),
    "empty error": said(error={}),
}  # fmt: skip


@pytest.fixture
async def server() -> AsyncIterator[StandIn]:
    async with StandIn.serving() as server:
        yield server


@pytest.mark.parametrize("shape", WHOLE)
async def test_a_whole_answer_says_the_same_asked_for_as_a_whole_or_not(
    server: StandIn, shape: str
) -> None:
    """The short way, which only the usual shape takes, reads as the long way does."""
    server.play(*[whole(msgspec.json.encode(WHOLE[shape]))] * 2)
    async with running(server) as runner:
        at_once = [event async for event in runner.chat(asking(whole=True, top_logprobs=1))]
        assert at_once == [event async for event in runner.chat(asking(top_logprobs=1))]
    assert isinstance(at_once[-1], Finish)
