"""The stand-in of Llama Stack, as OpenAI's own client sees the part of it that is OpenAI's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from breeze.testing.standins.llama_stack import LlamaStackStandin

openai = pytest.importorskip("openai")
TEXT = b"The cat is called Mimi. The dog is called Bruno."
QUESTION = "What is the dog called?"


@asynccontextmanager
async def talking(profile: str) -> AsyncIterator[tuple[LlamaStackStandin, Any]]:
    """A stand-in and a client of it."""
    async with LlamaStackStandin.serving(profile=profile) as vendor:
        async with openai.AsyncOpenAI(
            api_key="test-key", base_url=f"{vendor.url}{vendor.form.path}", max_retries=0
        ) as client:
            yield vendor, client


@pytest.mark.parametrize("profile", LlamaStackStandin.profiles)
async def test_files_are_kept_and_searched(profile: str) -> None:
    async with talking(profile) as (vendor, client):
        file = await client.files.create(file=("pets.txt", TEXT), purpose="assistants")
        model = {"embedding_model": "words", "embedding_dimension": 8}
        store = await client.vector_stores.create(name="kb", extra_body=model)
        kept = await client.vector_stores.files.create(store.id, file_id=file.id)
        assert kept.status == "completed"
        page = await client.vector_stores.search(store.id, query=QUESTION)
        assert page.data[0].content[0].text == "The dog is called Bruno."
        answer = await client.responses.create(
            model=vendor.form.chat_model, input=QUESTION,
            tools=[{"type": "file_search", "vector_store_ids": [store.id]}],
        )  # fmt: skip
        assert answer.output_text == "It is written: The dog is called Bruno."
        assert [item.type for item in answer.output] == ["file_search_call", "message"]
        await client.vector_stores.delete(store.id)
        await client.files.delete(file.id)
        with pytest.raises(openai.BadRequestError):  # not 404, as one might think
            await client.files.delete(file.id)
        assert vendor.stores.kept == []


@pytest.mark.parametrize("profile", LlamaStackStandin.profiles)
async def test_responses_come_word_by_word(profile: str) -> None:
    async with talking(profile) as (vendor, client):
        events = await client.responses.create(
            model=vendor.form.chat_model, input="one two", stream=True
        )
        seen = [event async for event in events]
    pieces = [e.delta for e in seen if e.type == "response.output_text.delta"]
    assert pieces == ["You ", "said: ", "one ", "two"]
    assert (seen[0].type, seen[-1].type) == ("response.created", "response.completed")


async def test_a_model_that_is_not_there() -> None:
    for profile, kind in (("0.7", openai.NotFoundError), ("0.2.14", openai.BadRequestError)):
        async with talking(profile) as (_, client):
            with pytest.raises(kind):
                await client.chat.completions.create(
                    model="other", messages=[{"role": "user", "content": "Hi"}]
                )
