"""Models of an Ollama server: which is asked, what is known of each, how long they are kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from breeze.contracts.capability import Capability
from breeze.contracts.errors import (
    CapabilityError,
    DownloadError,
    InputError,
    NotFoundError,
    ProcessingError,
)
from breeze.contracts.events import Finish, Progress, TextDelta
from breeze.contracts.messages import ImagePart, Message, Tool
from breeze.contracts.requests import ChatRequest
from breeze.testing.media import png
from breeze.testing.standins.ollama import OllamaStandin
from tests.runners.ollama_asking import answer, asking, embedding, events, made, running, vectors

LLM, VLM, EMBEDDING = Capability.LLM, Capability.VLM, Capability.EMBEDDING
PICTURE = ChatRequest((Message("user", (ImagePart(png(1, 1)),)),))


@pytest.fixture
async def vendor() -> AsyncIterator[OllamaStandin]:
    async with OllamaStandin.serving() as vendor:
        yield vendor


@pytest.mark.parametrize("profile", ["usual", "old"])
async def test_models_are_listed_with_what_they_can(profile: str) -> None:
    """An old server is asked about each model by itself."""
    async with OllamaStandin.serving(profile=profile) as vendor:
        chat, vectors = await made(base_url=vendor.url).models()
    assert (chat.id, chat.capabilities, chat.context) == ("parrot:latest", (LLM, VLM), 4096)
    assert (vectors.id, vectors.capabilities, vectors.context) == (
        "vectors:latest", (EMBEDDING,), 512,
    )  # fmt: skip
    assert (chat.size, chat.description) == (1_000_000, "parrot 1.5B")
    assert chat.metadata["quantization"] == "Q4_K_M"
    assert "tools" in chat.metadata["abilities"]
    shown = [call.json["model"] for call in vendor.calls if call.path == "/api/show"]
    assert shown == ([chat.id, vectors.id] if profile == "old" else [])


async def test_a_model_has_the_context_that_it_is_loaded_with(vendor: OllamaStandin) -> None:
    for asked, known in ((1024, [1024, 512]), (10_000, [4096, 512])):
        found = await made(base_url=vendor.url, num_ctx=asked).models()
        assert [model.context for model in found] == known


async def test_a_list_is_of_use_without_the_details() -> None:
    async with OllamaStandin.serving(profile="old") as vendor:
        vendor.fault("error-500", on="POST /api/show", times=2)
        found = await made(base_url=vendor.url).models()
    assert [(model.id, model.capabilities, model.context) for model in found] == [
        ("parrot:latest", (), 0), ("vectors:latest", (), 0),
    ]  # fmt: skip


async def test_a_list_in_another_form_is_told(vendor: OllamaStandin) -> None:
    vendor.fault("html-page")
    with pytest.raises(ProcessingError, match="lists its models in another form"):
        await made(base_url=vendor.url).models()


async def test_the_only_model_that_can_is_asked(vendor: OllamaStandin) -> None:
    async with running(vendor) as runner:
        for _ in range(2):
            await answer(runner, asking(model="auto"))
            await vectors(runner, embedding(model=""))
    asked = [call.json["model"] for call in vendor.calls if call.method == "POST"]
    assert asked == ["parrot:latest", "vectors:latest"] * 2
    assert [call.path for call in vendor.calls].count("/api/tags") == 2


async def test_of_several_one_must_be_named(vendor: OllamaStandin) -> None:
    vendor.store.add("second")
    async with running(vendor) as runner:
        with pytest.raises(NotFoundError, match=r"2 for LLM \(parrot:latest, second:latest\)"):
            await answer(runner, asking(model="auto"))


async def test_a_model_that_cannot_is_told() -> None:
    async with OllamaStandin.serving(profile="plain") as vendor, running(vendor) as runner:
        with pytest.raises(NotFoundError, match="lists 0 for VLM"):
            await answer(runner, PICTURE)
        for request, field in (
            (asking(tools=(Tool("time"),)), "tools"),
            (asking(params={"think": "high"}), "reasoning_effort"),
            (ChatRequest(PICTURE.messages, model="parrot"), "messages"),
            (asking(model="vectors"), "model"),
        ):
            with pytest.raises(CapabilityError, match="does not support") as refused:
                await answer(runner, request)
            assert (refused.value.field, refused.value.retryable) == (field, False)


@pytest.mark.parametrize("profile", ["usual", "old"])
async def test_a_missing_model_comes_with_the_remedy(profile: str) -> None:
    async with OllamaStandin.serving(profile=profile) as vendor, running(vendor) as runner:
        for request in (asking(model="owl:7b"), embedding("a", model="owl:7b")):
            with pytest.raises(NotFoundError, match="Run: ollama pull owl:7b") as missing:
                await events(runner, request)
            assert (missing.value.field, missing.value.retryable) == ("model", False)
    assert all(call.path != "/api/pull" for call in vendor.calls)


async def test_a_missing_model_is_pulled_where_that_is_wanted(vendor: OllamaStandin) -> None:
    async with running(vendor, pull=True) as runner:
        found = await events(runner, asking(model="owl:7b"))
        steps = [event for event in found if isinstance(event, Progress)]
        assert [(step.done, step.total) for step in steps][-1] == (5000, 5000)
        assert all(step.stage == "pull" and step.done <= step.total for step in steps)
        assert [step.done for step in steps] == sorted(step.done for step in steps)
        assert isinstance(found[-1], Finish)
        assert (await answer(runner, asking(model="owl:7b"))).text == "You said: Hi you"
    paths = [call.path for call in vendor.calls]
    assert paths == ["/api/chat", "/api/pull", "/api/chat", "/api/chat"]


async def test_a_missing_embedder_is_pulled_too(vendor: OllamaStandin) -> None:
    vendor.store.abilities = ("embedding",)
    async with running(vendor, pull=True) as runner:
        assert len((await vectors(runner, embedding("a", model="owl"))).vectors) == 1


async def test_what_nobody_has_is_not_pulled_for_ever(vendor: OllamaStandin) -> None:
    async with running(vendor, pull=True) as runner:
        with pytest.raises(DownloadError, match="file does not exist") as failed:
            await answer(runner, asking(model="no-such-model"))
    assert (failed.value.field, failed.value.retryable) == ("model", False)


async def test_a_pull_that_helps_nothing_is_the_end(vendor: OllamaStandin) -> None:
    """Pulled, and still not there: it is told, not tried again."""
    vendor.fault("model-missing", on="POST /api/chat", times=2)
    async with running(vendor, pull=True) as runner:
        with pytest.raises(NotFoundError, match="ollama pull"):
            await answer(runner)
    assert [call.path for call in vendor.calls].count("/api/pull") == 1


@pytest.mark.parametrize("fault", ["stream-cut", "early-end", "stream-reset"])
async def test_a_pull_that_breaks_off_is_told(vendor: OllamaStandin, fault: str) -> None:
    vendor.fault(fault, on="POST /api/pull")
    async with running(vendor, pull=True) as runner:
        with pytest.raises((DownloadError, ProcessingError)) as broken:
            await answer(runner, asking(model="owl"))
    assert (broken.value.detail, broken.value.retryable) == ("cut", True)


async def test_leaving_amid_a_pull_closes_the_connection(vendor: OllamaStandin) -> None:
    vendor.fault("stall", on="POST /api/pull")
    async with running(vendor, pull=True) as runner:
        async with aclosing(runner.chat(asking(model="owl"))) as found:
            assert isinstance(await anext(found), Progress)
            waiting = asyncio.ensure_future(anext(found))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
        async with asyncio.timeout(0.1):
            await vendor.idle()
        assert runner.work.active == 0
    assert vendor.calls[-1].outcome == "left"


async def test_a_model_is_kept_as_long_as_the_operator_says(vendor: OllamaStandin) -> None:
    async with running(vendor, keep_alive="10m") as runner:
        await answer(runner)
        vendor.advance(599)
        assert [model["name"] for model in vendor.store.running()] == ["parrot:latest"]
        vendor.advance(2)
        assert vendor.store.running() == []
    for keep_alive, kept in (("0", []), ("-1", ["parrot:latest"])):
        async with running(vendor, keep_alive=keep_alive) as runner:
            await answer(runner)
        vendor.advance(100 * 86_400)
        assert [model["name"] for model in vendor.store.running()] == kept


async def test_how_long_is_not_a_callers_to_say(vendor: OllamaStandin) -> None:
    async with running(vendor) as runner:
        for name, value in (("keep_alive", "-1"), ("pull", True), ("num_ctx", 1), ("options", "")):
            with pytest.raises(InputError) as refused:
                await answer(runner, asking(params={name: value}))
            assert refused.value.field == f"params.{name}"
    assert vendor.calls == []


async def test_what_is_too_long_is_refused_or_cut_as_the_operator_says(
    vendor: OllamaStandin,
) -> None:
    long = "word " * 5000
    async with running(vendor) as runner:
        with pytest.raises(InputError, match="Shorten the text") as refused:
            await answer(runner, asking(long))
        assert (refused.value.field, refused.value.detail) == (
            "messages", "context_length_exceeded",
        )  # fmt: skip
        with pytest.raises(InputError) as refused:
            await vectors(runner, embedding(long))
        assert (refused.value.field, refused.value.detail) == ("texts", "context_length_exceeded")
    async with running(vendor, truncate=True) as runner:
        assert isinstance((await events(runner, asking(long, max_tokens=1)))[0], TextDelta)
        assert len((await vectors(runner, embedding(long))).vectors) == 1
