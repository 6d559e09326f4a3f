"""What the runners of several vendors do alike: keys, lists of models, the last turn."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from breeze.contracts.errors import (
    InputError,
    NotFoundError,
    NotLoadedError,
    OverloadedError,
    ProcessingError,
)
from breeze.contracts.messages import ImagePart, Message
from breeze.runners.anthropic import AnthropicRunner
from breeze.testing.media import png
from tests.runners.chat_vendors import VENDORS
from tests.runners.standin import Exchange, StandIn
from tests.runners.vendor import answer, asking, ready, running, talking

PAGES: dict[str, tuple[dict[str, Any], str]] = {
    "anthropic": ({"data": [{"id": "a"}], "has_more": True}, "last_id"),
    "google": (
        {"models": [{"name": "models/a", "supportedGenerationMethods": ["generateContent"]}]},
        "nextPageToken",
    ),
}
"""A page of one model, and where it says what the next is asked for with."""


def made(name: str, **values: Any) -> Any:
    """The vendor's runner with these parameters, not loaded."""
    kind, _ = VENDORS[name]
    return kind(kind.parameters_type.of(values))


@pytest.mark.parametrize(
    ("name", "variable"), [("anthropic", "ANTHROPIC_API_KEY"), ("google", "GEMINI_API_KEY")]
)
def test_the_vendor_wants_a_key_and_others_may_not(name: str, variable: str) -> None:
    assert variable in (made(name).check() or "")
    for values in ({"api_key": "k-1"}, {"base_url": "http://127.0.0.1:1"}):
        assert made(name, **values).check() is None


@pytest.mark.parametrize("name", VENDORS)
async def test_chat_needs_load(name: str) -> None:
    with pytest.raises(NotLoadedError, match="call load"):
        await answer(made(name), asking())


@pytest.mark.parametrize("name", VENDORS)
async def test_an_answer_that_was_begun_is_continued(name: str) -> None:
    runner, standin = VENDORS[name]
    begun = talking(Message("user", "Good day."), Message("assistant", "You said: "))
    async with standin.serving() as vendor:
        async with running(runner, vendor.url, prefill=True) as asked:
            found = await answer(asked, begun)
        async with running(runner, vendor.url) as asked:
            with pytest.raises(InputError, match="set prefill") as caught:
                await answer(asked, begun)
    assert found.text == "Good day."
    assert caught.value.field == "messages"
    assert len(vendor.calls) == 1


@pytest.mark.parametrize("name", VENDORS)
async def test_of_several_models_one_must_be_named_and_all_pages_are_read(name: str) -> None:
    runner, standin = VENDORS[name]
    async with standin.serving(profile="many") as vendor:
        async with running(runner, vendor.url) as asked:
            found = await asked.models()
            with pytest.raises(NotFoundError, match="lists 25 for LLM"):
                await answer(asked, asking(model="auto"))
        unloaded = made(name, base_url=vendor.url, api_key="test-key")
        assert await unloaded.models() == found
    assert [model.id for model in found][:25] == [f"parrot-{n + 1}" for n in range(25)]


@pytest.mark.parametrize("name", VENDORS)
async def test_the_only_model_is_asked_for_anew_after_a_reload(name: str) -> None:
    runner, standin = VENDORS[name]
    async with standin.serving() as vendor:
        asked = runner(runner.parameters_type.of({"base_url": vendor.url, "api_key": "test-key"}))
        for _ in range(2):
            async with ready(asked):
                await answer(asked, asking(model="auto"))
                await answer(asked, asking(model="auto"))
    assert [call.method for call in vendor.calls] == ["GET", "POST", "POST"] * 2


async def test_the_only_model_that_sees_is_asked_about_a_picture() -> None:
    blind = {"image_input": {"supported": False}}

    async def serve(exchange: Exchange) -> None:
        models = [{"id": "owl"}, {"id": "mole", "capabilities": blind}]
        said = {"type": "message", "content": [], "stop_reason": "end_turn"}
        told = {"data": models} if exchange.request.method == "GET" else said
        await exchange.whole(msgspec.json.encode(told))

    request = talking(Message("user", (ImagePart(png(8, 8)),)), model="auto", whole=True)
    async with (
        StandIn.serving(serve) as server,
        running(AnthropicRunner, server.url) as runner,
    ):
        await answer(runner, request)
        assert server.requests[1].json["model"] == "owl"


@pytest.mark.parametrize("name", VENDORS)
async def test_a_list_without_end_is_not_read_for_ever(name: str) -> None:
    page, following = PAGES[name]

    async def serve(exchange: Exchange) -> None:
        more = page | {following: str(len(server.requests))}
        await exchange.whole(msgspec.json.encode(more))

    async with StandIn.serving(serve) as server:
        with pytest.raises(ProcessingError, match="100 pages were read. Set modelId") as caught:
            await made(name, base_url=server.url).models()
    assert not caught.value.retryable
    assert len(server.requests) == 100


@pytest.mark.parametrize("name", VENDORS)
async def test_a_page_that_leads_to_itself_is_the_last(name: str) -> None:
    page, following = PAGES[name]

    async def serve(exchange: Exchange) -> None:
        await exchange.whole(msgspec.json.encode(page | {following: "a"}))

    async with StandIn.serving(serve) as server:
        found = await made(name, base_url=server.url).models()
    assert [model.id for model in found] == ["a"]
    assert len(server.requests) == 2


@pytest.mark.parametrize("name", VENDORS)
async def test_an_error_amid_a_stream_leaves_the_connection_to_the_next(name: str) -> None:
    runner, standin = VENDORS[name]
    async with standin.serving() as vendor, running(runner, vendor.url) as asked:
        vendor.fault("stream-error")
        with pytest.raises(OverloadedError):
            await answer(asked, asking())
        await vendor.idle()
        await answer(asked, asking())
    assert vendor.connections == 1
