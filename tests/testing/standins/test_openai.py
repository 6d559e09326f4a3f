"""The stand-in of OpenAI, as OpenAI's own client sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from breeze.testing.standins.openai import OpenAIStandin

openai = pytest.importorskip("openai")


@asynccontextmanager
async def talking(**options: Any) -> AsyncIterator[tuple[OpenAIStandin, Any]]:
    """A stand-in and a client of it."""
    async with OpenAIStandin.serving(**options) as vendor:
        async with openai.AsyncOpenAI(
            api_key="test-key", base_url=vendor.url, max_retries=0
        ) as client:
            yield vendor, client


USER = [{"role": "user", "content": "Hello there, parrot"}]


async def test_chat_repeats_what_was_said() -> None:
    async with talking() as (_, client):
        answer = await client.chat.completions.create(model="m", messages=USER)
    assert answer.choices[0].message.content == "You said: Hello there, parrot"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.completion_tokens == 5


async def test_chat_streams_the_same_word_by_word() -> None:
    async with talking() as (_, client):
        events = await client.chat.completions.create(
            model="m", messages=USER, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in events]
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == "You said: Hello there, parrot"
    assert chunks[-1].usage.total_tokens == 4 + 5
    assert chunks[0].choices[0].delta.role == "assistant"
