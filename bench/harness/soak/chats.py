"""Those who chat: to the end, or until they have had enough."""

from __future__ import annotations

import asyncio
import json
import random

from harness.cases import CHUNKS
from harness.soak.site import LENGTH, Site
from harness.soak.wire import Untrue, Wire, ask, chat, request

CHAT = "/v1/chat/completions"
HELD = "up/mock-hold"
PACED = "up/mock-paced"
LONG = "reciter"


async def plain(site: Site, dice: random.Random) -> None:
    """A few whole answers on one connection."""
    async with Wire(site) as wire:
        for _ in range(dice.randint(1, 5)):
            model, mark = dice.choice([("up/mock", b"~"), ("mock_llm", b"mock")])
            await wire.send(request(site, "POST", CHAT, chat(model, stream=False)))
            status, body = await wire.status(), await wire.body()
            if status != 200 or mark not in body.lower():
                raise Untrue(f"plain: {status} {body[:300]!r}")


async def streamed(site: Site, dice: random.Random) -> None:
    """A whole stream."""
    async with Wire(site) as wire:
        await wire.send(request(site, "POST", CHAT, chat("up/mock", stream=True)))
        status, body = await wire.status(), await wire.body()
    if status != 200 or body.count(b"~ ") != CHUNKS or not body.endswith(b"[DONE]\n\n"):
        raise Untrue(f"stream: {status}, {body.count(b'~ ')} chunks, ends {body[-100:]!r}")


async def cut(site: Site, dice: random.Random) -> None:
    """A stream that is left at any byte, also within its head, or just after its end."""
    model = dice.choice(["up/mock", PACED, PACED, "talker"])
    async with Wire(site) as wire:
        await wire.send(request(site, "POST", CHAT, chat(model, stream=True)))
        left = dice.choice([1, 100, 1000, 10_000])
        last = b""
        while left > 0 and not last.endswith(b"\r\n0\r\n\r\n"):
            piece = await wire.some(min(left, 512))
            left -= len(piece)
            last = (last + piece)[-9:]
        if dice.random() < 0.5:
            wire.reset()


async def silent(site: Site, dice: random.Random) -> None:
    """A stream that says one thing, and is left while it is silent."""
    async with Wire(site) as wire:
        await wire.send(request(site, "POST", CHAT, chat(HELD, stream=True)))
        await wire.until(b"~")
        await asyncio.sleep(dice.choice([0.0, 0.1, 1.0]))
        if dice.random() < 0.3:
            wire.reset()


async def unanswered(site: Site, dice: random.Random) -> None:
    """A whole answer that does not come, and is not waited for."""
    async with Wire(site) as wire:
        await wire.send(request(site, "POST", CHAT, chat(HELD, stream=False)))
        await asyncio.sleep(dice.choice([0.0, 0.001, 0.01, 0.3]))


async def slow(site: Site, dice: random.Random) -> None:
    """Somebody who reads less than comes; at last they hurry, or have had enough."""
    async with Wire(site, window=16_384) as wire:
        await wire.send(request(site, "POST", CHAT, chat(LONG, stream=True, tokens=LENGTH)))
        for _ in range(dice.randint(3, 30)):
            await wire.some(2048)
            await asyncio.sleep(0.03)
        if dice.random() < 0.3:
            await wire.until(b"[DONE]", most=2**24)


async def stopped(site: Site, dice: random.Random) -> None:
    """A silent stream that is stopped by its id from elsewhere, and says so."""
    async with Wire(site) as wire:
        await wire.send(request(site, "POST", CHAT, chat(HELD, stream=True)))
        await wire.status()
        id = wire.headers["x-request-id"]
        live = json.loads(await ask(site, request(site, "GET", "/v2/requests"), 200))
        if id not in [entry["id"] for entry in live["requests"]]:
            raise Untrue(f"{id} runs, but is not listed")
        await ask(site, request(site, "DELETE", f"/v2/requests/{id}"), 200)
        if b"cancelled" not in (said := await wire.body()):
            raise Untrue(f"stopped: {said[-300:]!r}")


async def resumed(site: Site, dice: random.Random) -> None:
    """An answer that goes on while nobody is there, and is read on, or forgotten."""
    body = chat(PACED, stream=False)
    body = {"runner": "up", "model": "mock-paced", "messages": body["messages"]}
    async with Wire(site) as wire:
        await wire.send(
            request(site, "POST", "/v2/stream/llm", body, x_breeze_resume="1",
                    accept="application/x-ndjson")
        )  # fmt: skip
        if (status := await wire.status()) != 200:
            raise Untrue(f"resumed: {status} {await wire.body()!r}")
        id = wire.headers["x-request-id"]
        seen = (await wire.until(b"\n")).count(b'{"type":')
        wire.reset()
    if dice.random() < 0.4:
        return
    path = f"/v2/requests/{id}/events?after={seen}"
    rest = await ask(site, request(site, "GET", path, accept="application/x-ndjson"), 200)
    if seen + rest.count(b'{"type":"text"') < CHUNKS or b'"type":"finish"' not in rest:
        raise Untrue(f"resumed after {seen}: {rest.count(b'text')} more, ends {rest[-200:]!r}")


VISITS = {
    plain: 6, streamed: 3, cut: 6, silent: 4, unanswered: 4, slow: 2, stopped: 2, resumed: 2,
}  # fmt: skip
"""And how often each comes."""
