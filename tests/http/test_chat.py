"""Chat over HTTP, with the official client."""

from __future__ import annotations

from openai import AsyncOpenAI

from tests.http.conftest import Serve


async def test_a_whole_answer(serve: Serve) -> None:
    async with serve() as server, AsyncOpenAI(base_url=f"{server.url}/v1", api_key="-") as client:
        answer = await client.chat.completions.create(
            model="mock_llm", messages=[{"role": "user", "content": "Hello"}]
        )
        assert answer.object == "chat.completion"
        assert answer.choices[0].message.role == "assistant"
        assert answer.choices[0].message.content
        assert answer.choices[0].finish_reason == "stop"
        assert answer._request_id


async def test_a_stream_says_the_same_as_the_whole_answer(serve: Serve) -> None:
    async with serve() as server, AsyncOpenAI(base_url=f"{server.url}/v1", api_key="-") as client:
        asked = {"model": "mock_llm", "messages": [{"role": "user", "content": "Hello"}]}
        whole = await client.chat.completions.create(**asked)  # type: ignore[call-overload]
        stream = await client.chat.completions.create(  # type: ignore[call-overload]
            **asked, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
        text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        assert text == whole.choices[0].message.content
        assert chunks[0].choices[0].delta.role == "assistant"
        assert chunks[-2].choices[0].finish_reason == "stop"
        assert chunks[-1].choices == []
        assert chunks[-1].usage.total_tokens == whole.usage.total_tokens
