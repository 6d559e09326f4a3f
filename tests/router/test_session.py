"""The contract in one process: a session of the service, its listeners and its requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from breeze.contracts.errors import InputError, OverloadedError, VersionError
from breeze.contracts.router import AIResponse, Configuration, ResponseState
from breeze.service.router import RouterLimits, RouterService
from breeze.testing.clock import settle
from tests.router.asking import Ear, listening
from tests.router.cast import Cast
from tests.router.serving import message


async def test_a_request_goes_from_processing_to_completed(service: RouterService) -> None:
    session, ear = await listening(service)
    await session.send_message(message())
    await ear.ended.wait()
    assert [r.state for r in ear.heard] == ["PROCESSING", "STREAMING", "STREAMING", "COMPLETED"]
    assert [r.is_complete for r in ear.heard] == [False, False, False, True]
    assert "".join(r.text for r in ear.heard[:-1]) == ear.last.text == "Hello"
    assert all(isinstance(v, str) for r in ear.heard for v in r.metadata.values())
    assert not session.live


async def test_the_version_is_two_minor_one(service: RouterService) -> None:
    session = service.open()
    assert (await session.get_api_version(), await session.get_api_minor()) == (2, 1)


async def test_an_error_has_a_text_a_code_and_is_complete(service: RouterService) -> None:
    session, ear = await listening(service)
    await session.send_message(message(text="fail"))
    await ear.ended.wait()
    assert (ear.last.state, ear.last.is_complete) == (ResponseState.ERROR, True)
    assert ear.last.error == "The brook is dry."
    assert ear.last.metadata["error_code"] == "E501"
    assert ear.last.metadata["runner"] == "brook"


async def test_cancel_is_true_once_and_ends_the_request(service: RouterService, cast: Cast) -> None:
    session, ear = await listening(service)
    await session.send_message(message(text="wait"))
    await cast.gate.started.wait()
    assert await session.cancel_request("r1")
    assert not await session.cancel_request("r1")
    await ear.ended.wait()
    assert ear.last.metadata["error_code"] == "E302"
    assert ear.last.error == "The request was cancelled."
    assert cast.text.calls[0].closed
    assert not await session.cancel_request("r1")


async def test_cancel_works_before_the_work_began(service: RouterService, cast: Cast) -> None:
    session, ear = await listening(service)
    await session.send_message(message())
    assert await session.cancel_request("r1")
    await ear.ended.wait()
    assert ear.last.metadata["error_code"] == "E302"
    assert not cast.text.calls


async def test_a_finished_request_cannot_be_cancelled(service: RouterService) -> None:
    session, ear = await listening(service)
    await session.send_message(message())
    await ear.ended.wait()
    assert not await session.cancel_request("r1")
    assert not await session.cancel_request("never sent")


async def test_clients_hear_and_cancel_only_their_own(service: RouterService, cast: Cast) -> None:
    (mine, my_ear), (other, other_ear) = await listening(service), await listening(service)
    await mine.send_message(message(text="wait"))
    await other.send_message(message(text="Hello"))  # the same id, another client
    await other_ear.ended.wait()
    await cast.gate.started.wait()
    assert not await other.cancel_request("r1")
    assert [r.state for r in my_ear.heard] == ["PROCESSING"]
    assert other_ear.last.text == "Hello"
    cast.gate.release.set()
    await my_ear.ended.wait()
    assert my_ear.last.state == "COMPLETED"


async def test_an_operator_cancels_anybody(service: RouterService, cast: Cast) -> None:
    session, ear = await listening(service, owner="me")
    operator = service.open("root", operate=True)
    await session.send_message(message(text="wait"))
    await cast.gate.started.wait()
    (live,) = session.live.values()
    assert not await operator.cancel_request("r2")
    assert await operator.cancel_request(live.answer.engine_request_id)
    await ear.ended.wait()
    assert ear.last.metadata["error_code"] == "E302"


async def test_responses_wait_for_a_listener(service: RouterService) -> None:
    session, ear = service.open(), Ear()
    await session.send_message(message())
    await settle()
    await session.register_listener(ear)
    await ear.ended.wait()
    assert len(ear.heard) == 4


async def test_a_listener_is_registered_once_and_unregistered(service: RouterService) -> None:
    session, ear = await listening(service)
    second = Ear()
    await session.register_listener(ear)
    await session.register_listener(second)
    await session.unregister_listener(ear)
    await session.unregister_listener(ear)
    await session.send_message(message())
    await second.ended.wait()
    assert not ear.heard
    assert len(second.heard) == 4


async def test_a_listener_that_fails_harms_nobody(
    service: RouterService, caplog: pytest.LogCaptureFixture
) -> None:
    session, ear = service.open(), Ear()

    def broken(response: AIResponse) -> None:
        raise ValueError("I am broken")

    await session.register_listener(broken)
    await session.register_listener(ear)
    await session.send_message(message())
    await ear.ended.wait()
    assert ear.last.state == "COMPLETED"
    assert "a listener of the router failed" in caplog.text


async def test_a_slow_listener_slows_its_request(service: RouterService, cast: Cast) -> None:
    session, door = service.open(), asyncio.Semaphore(5)
    heard: list[AIResponse] = []

    async def slow(response: AIResponse) -> None:
        await door.acquire()
        heard.append(response)

    await session.register_listener(slow)
    await session.send_message(message(text="many"))
    while len(heard) < 5:
        await settle()
    assert cast.text.calls[0].sent <= 8
    for _ in range(200):
        door.release()
    while not heard[-1].is_complete:
        await settle()
    assert heard[-1].text == "".join(r.text for r in heard[:-1])


@pytest.mark.parametrize("request_id", ["", "x" * 129])
async def test_an_id_must_be_one(service: RouterService, request_id: str) -> None:
    with pytest.raises(InputError, match="1 to 128") as caught:
        await service.open().send_message(message(request_id))
    assert caught.value.field == "id"


async def test_an_id_is_free_again_after_its_last_response(service: RouterService) -> None:
    session, ear = await listening(service)
    for _ in range(3):
        ear.ended.clear()
        await session.send_message(message())
        with pytest.raises(InputError, match="still running"):
            await session.send_message(message())
        await ear.ended.wait()
        await settle()
    assert sum(r.is_complete for r in ear.heard) == 3


async def test_a_client_has_so_many_requests_at_once(
    with_limits: Callable[..., Any], cast: Cast
) -> None:
    service = await with_limits(limits=RouterLimits(live=2))
    session, _ = await listening(service)
    await session.send_message(message("a", "wait"))
    await session.send_message(message("b", "wait"))
    with pytest.raises(OverloadedError, match="2 requests"):
        await session.send_message(message("c"))


async def test_initialize_first_may_be_demanded(with_limits: Callable[..., Any]) -> None:
    service = await with_limits(limits=RouterLimits(require_initialize=True))
    session, ear = await listening(service)
    await session.send_message(message())
    await ear.ended.wait()
    assert (ear.last.metadata["error_code"], ear.last.metadata["field"]) == ("E400", "initialize")
    ear.ended.clear()
    await session.initialize(Configuration(api_version=2))
    await session.send_message(message("r2"))
    await ear.ended.wait()
    assert ear.last.text == "Hello"


@pytest.mark.parametrize("version", [-1, 0, 3, 99])
async def test_other_majors_are_refused(service: RouterService, version: int) -> None:
    session, ear = await listening(service)
    with pytest.raises(VersionError, match="1 and 2 work"):
        await session.initialize(Configuration(api_version=version))
    await session.send_message(message(api_version=version))
    await ear.ended.wait()
    assert (ear.last.state, ear.last.metadata["error_code"]) == ("ERROR", "E406")


async def test_closing_stops_everything(service: RouterService, cast: Cast) -> None:
    session, ear = await listening(service)
    await session.send_message(message(text="wait"))
    await cast.gate.started.wait()
    await session.close()
    assert cast.text.calls[0].closed
    assert not service.engine.live
    assert [r.state for r in ear.heard] == ["PROCESSING"]


async def test_closing_the_service_closes_its_sessions(service: RouterService, cast: Cast) -> None:
    session, _ = await listening(service)
    await session.send_message(message(text="wait"))
    await cast.gate.started.wait()
    await service.close()
    assert not session.live
    assert not service.engine.live
