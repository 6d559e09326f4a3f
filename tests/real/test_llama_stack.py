"""The llama_stack runner before real servers, whose models are our own behind `breeze serve`."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.answers import ChatAnswer, Embeddings, Moderation
from breeze.contracts.capability import Capability
from breeze.contracts.errors import CapabilityError, NotFoundError
from breeze.contracts.events import Progress, TextDelta
from breeze.contracts.messages import FilePart, Message, TextPart, Tool
from breeze.contracts.requests import ChatRequest, EmbedRequest, ModerateRequest
from breeze.contracts.results import collect
from breeze.runners._llama_stack_parameters import LlamaStackParameters
from breeze.runners.llama_stack import LlamaStackRunner
from breeze.testing.stream import checked
from tests.real.stacks import STARTS, Stack, stack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # the first run installs the servers

NOTES = "The lamp in the hall is green. The dog is called Bruno. Maria works in the garden."
QUESTION, TOLD = "What is the dog called?", "The dog is called Bruno."
VERSIONS = {"ogx-1.5": "1.5.0", "llama-stack-0.7": "0.7.3", "llama-stack-0.2": "0.2.14"}
LOOKUP = Tool("lookup", "Looks up.", {"type": "object", "properties": {"q": {"type": "string"}}})


@pytest.fixture(params=STARTS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stack]:
    with stack(request.param, tmp_path) as running:
        yield running


async def test_a_real_server(server: Stack, tmp_path: Path) -> None:
    """One test for each server, as starting one takes most of the time."""
    await _chats(server.url, VERSIONS[server.name])
    await _embeds_and_lists(server.url)
    await _answers_from_files(server, tmp_path)
    await _calls_functions(server.url)
    await _judges(server.url, has_shields=server.name != "ogx-1.5")


@asynccontextmanager
async def running_on(url: str, **values: Any) -> AsyncIterator[LlamaStackRunner]:
    given = {"endpoint": url, "model_id": "reading", "temperature": 0.0, **values}
    runner = LlamaStackRunner(LlamaStackParameters.of(given))
    await runner.load("")
    try:
        yield runner
    finally:
        await runner.unload()


async def asked(runner: LlamaStackRunner, text: str = "Who are you?", **more: Any) -> ChatAnswer:
    """The whole answer, each event checked on its way."""
    request = ChatRequest.of(text, **more)
    answer = await collect(checked(runner.stream(request), "chat"))
    assert isinstance(answer, ChatAnswer)
    return answer


async def _chats(url: str, version: str) -> None:
    async with running_on(url) as runner:
        events = [e async for e in runner.stream(ChatRequest.of("Who are you?"))]
        assert sum(isinstance(e, TextDelta) for e in events) > 2  # some words at a time
        streamed, whole = await asked(runner), await asked(runner, whole=True)
        assert streamed.text == whole.text
        assert streamed.text.startswith("I am Breeze Tiny")
        assert streamed.usage is not None
        assert streamed.usage.completion_tokens > 10
        short = await asked(runner, max_tokens=3)
        assert short.finish_reason == "length"
        assert short.usage is not None
        assert short.usage.completion_tokens == 3
        seen = streamed.metadata or {}
        assert seen["llama_stack_version"] == version
        assert seen["processing_time_ms"] > 0
        with pytest.raises(NotFoundError) as unknown:
            await asked(runner, model="no-such-model")
        assert unknown.value.field == "model"


async def _embeds_and_lists(url: str) -> None:
    async with running_on(url) as runner:
        found = await collect(
            runner.stream(EmbedRequest.of("the sea", "the sea", "a lamp")), Embeddings
        )
        assert isinstance(found, Embeddings)
        first, second, third = found.vectors
        assert len(first) == 256 * 4
        assert first == second != third
        able = {model.id.rpartition("/")[2]: model.capabilities for model in await runner.models()}
        assert able["reading"] == (Capability.LLM,)
        assert able["hashing"] == (Capability.EMBEDDING,)


async def _answers_from_files(running: Stack, folder: Path) -> None:
    """Upload, vector store, search by the server, an answer that only the file can give."""
    (folder / "notes.txt").write_text(NOTES)
    given = {"enable_rag": True, "rag_folder": str(folder), "rag_sources": "notes.txt"}
    async with running_on(running.url, **given) as runner:
        request = ChatRequest.of(QUESTION)
        events = [e async for e in checked(runner.stream(request), "chat")]
        assert {e.stage for e in events if isinstance(e, Progress)} == {"upload", "file_search"}
        for whole in (False, True):
            answer = await asked(runner, QUESTION, whole=whole)
            assert answer.text == TOLD
            assert answer.adjustments == ()
            seen = answer.metadata or {}
            assert (seen["request_type"], seen["rag_sources_used"]) == ("RAG", 1)
            (passage,) = seen["sources"]
            assert (passage["source"], TOLD in passage["text"]) == ("notes.txt", True)
            (call,) = seen["server_tool_calls"]
            assert (call["tool"], call["queries"]) == ("file_search", [QUESTION])
        runner_made = _listed(running, "files"), _listed(running, "vector_stores")
        assert [len(made) for made in runner_made] == [1, 1]  # once, however often it is asked
        part = FilePart(b"The cat is called Mimi.", "text/plain", "cat.txt")
        message = Message("user", (TextPart("What is the cat called?"), part))
        both = await collect(runner.stream(ChatRequest((message,))))
        assert isinstance(both, ChatAnswer)
        assert (both.metadata or {})["rag_sources_used"] == 2
    assert _listed(running, "files") == _listed(running, "vector_stores") == []


async def _calls_functions(url: str) -> None:
    """Through completions and, with agents, through the server's responses."""
    for agents in (False, True):
        async with running_on(url, enable_agents=agents) as runner:
            for whole in (False, True):
                first = await asked(runner, QUESTION, tools=(LOOKUP,), whole=whole)
                (call,) = first.tool_calls
                assert (call.name, json.loads(call.arguments)) == ("lookup", {"q": QUESTION})
                assert first.finish_reason == "tool_calls"
                turns = (
                    Message("user", QUESTION),
                    Message("assistant", tool_calls=first.tool_calls),
                    Message("tool", NOTES, tool_call_id=call.id),
                )
                request = ChatRequest(turns, tools=(LOOKUP,), whole=whole)
                then = await collect(checked(runner.stream(request), "chat"))
                assert isinstance(then, ChatAnswer)
                assert (then.text, then.finish_reason) == (TOLD, "stop")
                assert (then.metadata or {})["tools_available"] == 1


async def _judges(url: str, has_shields: bool) -> None:
    """Our own guardian stands behind the server's shield."""
    async with running_on(url) as runner:
        if not has_shields:
            with pytest.raises(CapabilityError, match="neither moderations nor shields"):
                await collect(runner.stream(ModerateRequest("Hello.")), Moderation)
            return
        fine = await collect(runner.stream(ModerateRequest("A friendly greeting.")), Moderation)
        bad = await collect(
            runner.stream(ModerateRequest("I will kill you with a knife.")), Moderation
        )
        assert isinstance(fine, Moderation)
        assert isinstance(bad, Moderation)
        assert (fine.status, bad.status, bad.action) == ("SAFE", "BLOCKED", "BLOCK")
        assert bad.categories


def _listed(running: Stack, what: str) -> Any:
    """What is on the server, asked past the runner."""
    prefix = "/v1/openai/v1" if running.name == "llama-stack-0.2" else "/v1"
    with urllib.request.urlopen(f"{running.url}{prefix}/{what}", timeout=30) as answer:
        return [one["id"] for one in json.load(answer)["data"]]
