"""Many requests and many clients at once."""

from __future__ import annotations

import asyncio
import random

import pytest

from breeze.service.router import RouterService
from tests.router.asking import Ear, listening
from tests.router.cast import Cast
from tests.router.serving import message

TEXTS = ("Hello", "many", "think", "fail", "wait", "redact")


@pytest.mark.parametrize("seed", range(4))
async def test_sixty_four_at_once_with_cancels(
    seed: int, service: RouterService, cast: Cast
) -> None:
    """Nothing is lost, nothing doubled: one last response each, and cancel told the truth."""
    rng = random.Random(seed)
    session, ear = await listening(service)
    texts = {f"r{i}": rng.choice(TEXTS) for i in range(64)}
    stopped: dict[str, bool] = {}

    async def one(request_id: str) -> None:
        await session.send_message(message(request_id, texts[request_id]))
        if rng.random() < 0.5 or texts[request_id] == "wait":
            for _ in range(rng.randrange(40)):
                await asyncio.sleep(0)
            stopped[request_id] = await session.cancel_request(request_id)

    await asyncio.gather(*map(one, texts))
    while session.live:
        ear.began.clear()
        await ear.began.wait()
        await asyncio.sleep(0)
    for request_id in texts:
        heard = [r for r in ear.heard if r.request_id == request_id]
        last = heard[-1]
        assert [r.is_complete for r in heard].count(True) == 1
        assert last.is_complete
        assert (last.metadata.get("error_code") == "E302") is stopped.get(request_id, False)
        if last.state == "COMPLETED" and texts[request_id] in ("Hello", "many"):
            assert last.text == "".join(r.text for r in heard[:-1])
    assert not service.engine.live
    assert any(stopped.values())
    assert not all(stopped.get(request_id) for request_id in texts)


async def test_clients_never_see_each_others_answers(service: RouterService) -> None:
    ears: list[Ear] = []

    async def client(number: int) -> None:
        session, ear = await listening(service, owner=f"key {number % 2}")
        ears.append(ear)
        for i in range(5):
            ear.ended.clear()
            await session.send_message(message(f"r{i}", session_id=f"s{number}"))
            await ear.ended.wait()
            await asyncio.sleep(0)

    await asyncio.gather(*(client(number) for number in range(12)))
    for ear in ears:
        assert [r.request_id for r in ear.heard] == [f"r{i}" for i in range(5) for _ in range(4)]
    ids = {r.metadata["engine_request_id"] for ear in ears for r in ear.heard if r.is_complete}
    assert len(ids) == 60
