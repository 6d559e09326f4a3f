"""Those who mean no good, or have broken clients."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

from harness.soak.site import Site
from harness.soak.wire import Untrue, Wire, chat, request

_PATHS = (
    "/v1/chat/completions", "/v1/embeddings", "/v1/audio/speech", "/v1/audio/transcriptions",
    "/v1/moderations", "/v2/stream/llm", "/v2/stream/asr", "/v2/explain", "/nowhere",
)  # fmt: skip
_BODIES = (
    b"", b"{", b"null", b"[]", b"\xff\xfe", b'{"model":NaN}', b"[" * 50_000, b'{"a":' * 20_000,
    b'{"model":"up/mock","messages":"x"}', b'{"messages":[]}', b'{"model":"no/such"}',
    b'{"model":"a","model":"b"}', b'{"k":"' + b"k" * 500_000 + b'"}', b"x" * 300_000,
    b'{"n":' + b"9" * 4000 + b"}", b"<script>", b"--b\r\nx: y\r\n\r\nz",
)  # fmt: skip
_BYTES = (
    b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 100, b"A" * 100_000,
    b"GET /health HTTP/1.1\r\nhost: evil.example\r\n\r\n",
    b"POST /v2/stream/llm HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
    b"POST /v2/stream/llm HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n",
    b"GET /health HTTP/1.1\r\n" + b"x: y\r\n" * 500 + b"\r\n",
)  # fmt: skip


async def hostile(site: Site, dice: random.Random) -> None:
    """A body that is none. The answer is a refusal, and no fault of the server's."""
    kind = dice.choice(["application/json", "multipart/form-data; boundary=b", "text/plain"])
    async with Wire(site) as wire:
        await wire.send(request(site, "POST", dice.choice(_PATHS), dice.choice(_BODIES),
                                content_type=kind))  # fmt: skip
        if not 400 <= (status := await wire.status()) < 500:
            raise Untrue(f"hostile: {status} {await wire.body()!r}")


async def garbage(site: Site, dice: random.Random) -> None:
    """Bytes that are no request."""
    async with Wire(site) as wire:
        await wire.send(dice.choice(_BYTES))
        with suppress(TimeoutError):
            async with asyncio.timeout(dice.choice([0.01, 0.5])):
                await wire.closed()


async def half(site: Site, dice: random.Random) -> None:
    """A request that stops anywhere, and a client that goes then, or says nothing at all."""
    data = request(site, "POST", "/v1/chat/completions", chat("up/mock", stream=True))
    async with Wire(site) as wire:
        if dice.random() < 0.8:
            await wire.send(data[: dice.randrange(len(data))])
        await asyncio.sleep(dice.choice([0, 0.05, 1.0]))


async def pipelined(site: Site, dice: random.Random) -> None:
    """Several requests in one write; the answers come in order, or are not waited for."""
    async with Wire(site) as wire:
        one = request(site, "POST", "/v1/chat/completions", chat("up/mock", stream=False))
        count = dice.randint(2, 5)
        await wire.send(one * count)
        if dice.random() < 0.3:
            return
        for _ in range(count):
            if (status := await wire.status()) != 200 or b"~" not in await wire.body():
                raise Untrue(f"pipelined: {status}")


async def gone_before(site: Site, dice: random.Random) -> None:
    """Many who ask and are gone before anything can be said."""
    data = request(site, "POST", "/v1/chat/completions", chat("up/mock", stream=True))
    for _ in range(dice.randint(1, 10)):
        async with Wire(site) as wire:
            await wire.send(data)
            wire.reset()


VISITS = {hostile: 4, garbage: 2, half: 3, pipelined: 2, gone_before: 2}
"""And how often each comes."""
