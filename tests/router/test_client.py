"""The client against a real server, on TCP and on a Unix socket, in JSON and in msgpack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from breeze.client.router import RouterClient
from breeze.contracts.errors import AuthenticationError, InputError, VersionError
from breeze.contracts.router import AIResponse, BinaryData, Configuration
from breeze.service.router import RouterService
from breeze.testing.media import png
from tests.router.cast import Cast
from tests.router.serving import Served, message, serving

WAYS = [("tcp", False), ("tcp", True), ("unix", False), ("unix", True)]


@pytest.fixture(params=WAYS, ids=[f"{how}-{'msgpack' if b else 'json'}" for how, b in WAYS])
async def router(
    request: pytest.FixtureRequest, service: RouterService, tmp_path: Path
) -> AsyncIterator[RouterClient]:
    how, binary = request.param
    uds = tmp_path / "router.sock" if how == "unix" else None
    async with (
        serving(service, uds=uds) as served,
        RouterClient.connect(served.where, binary=binary) as client,
    ):
        yield client


async def test_the_whole_contract(router: RouterClient, cast: Cast) -> None:
    assert (await router.get_api_version(), await router.get_api_minor()) == (2, 1)
    assert await router.initialize(Configuration(api_version=2, max_tokens=9)) == ()
    assert await router.has_capability("streaming")
    assert not await router.has_capability("telepathy")
    responses = [r async for r in await router.send_message(message())]
    assert [r.state for r in responses] == ["PROCESSING", "STREAMING", "STREAMING", "COMPLETED"]
    assert responses[-1].text == "Hello"
    assert cast.asked()[0].max_tokens == 9
    waiting = await router.send_message(message("r2", "wait"))
    await cast.gate.started.wait()
    assert await router.cancel_request("r2")
    assert (await waiting.last()).metadata["error_code"] == "E302"
    assert not await router.cancel_request("r2")


async def test_bytes_go_both_ways(router: RouterClient, cast: Cast) -> None:
    picture = png(3, 3)
    seen = message(binary_attachments=(BinaryData("image/png", picture),))
    assert (await (await router.send_message(seen)).last()).text == "A white square."
    assert cast.asked("eye")[0].messages[0].images[0].data == picture
    spoken = message("r2", options={"request_type": "speech_synthesis"})
    (sound,) = (await (await router.send_message(spoken)).last()).binary_attachments
    assert sound.data == b"\1\2\3\4"


async def test_refusals_are_our_errors(router: RouterClient) -> None:
    with pytest.raises(VersionError):
        await router.initialize(Configuration(api_version=9))
    with pytest.raises(InputError) as caught:
        await router.initialize(Configuration(temperature=5))
    assert caught.value.field == "temperature"
    with pytest.raises(InputError, match="1 to 128"):
        await router.send_message(message(""))
    first = await router.send_message(message(text="wait"))
    with pytest.raises(InputError, match="still running"):
        await router.send_message(message())
    await router.cancel_request("r1")
    assert (await first.last()).is_complete


async def test_listeners_may_call_back(router: RouterClient) -> None:
    heard: list[AIResponse] = []
    over = asyncio.Event()

    async def listener(response: AIResponse) -> None:
        heard.append(response)
        assert await router.get_api_version() == 2
        if response.is_complete:
            over.set()

    def broken(response: AIResponse) -> None:
        raise ValueError("I am broken")

    await router.register_listener(broken)
    await router.register_listener(listener)
    await router.register_listener(listener)
    responses = await router.send_message(message())
    await over.wait()
    assert [r.text for r in heard] == ["", "Hel", "lo", "Hello"]
    with pytest.raises(RuntimeError, match="listeners"):
        await responses.last()
    await router.unregister_listener(listener)
    await router.unregister_listener(broken)
    assert (await (await router.send_message(message("r2"))).last()).text == "Hello"
    assert len(heard) == 4


async def test_many_calls_at_once(router: RouterClient) -> None:
    async def one(number: int) -> str:
        text = (await (await router.send_message(message(f"r{number}"))).last()).text
        assert await router.get_api_version() == 2
        return text

    assert await asyncio.gather(*map(one, range(40))) == ["Hello"] * 40


async def test_two_clients_are_apart(served: Served) -> None:
    async with (
        RouterClient.connect(served.where, key="me") as mine,
        RouterClient.connect(served.where, key="you") as other,
    ):
        waiting = await mine.send_message(message(text="wait"))
        assert not await other.cancel_request("r1")
        assert (await (await other.send_message(message())).last()).text == "Hello"
        async with RouterClient.connect(served.where, key="root") as operator:
            assert await operator.cancel_request("r1")
        assert (await waiting.last()).metadata["error_code"] == "E302"


async def test_a_key_that_is_refused(served: Served) -> None:
    with pytest.raises(AuthenticationError, match="refused the key"):
        async with RouterClient.connect(served.where, key="stranger"):
            raise AssertionError("it connected")
