"""Those who use everything else: other routes, the typed client, the router's socket, uploads."""

from __future__ import annotations

import asyncio
import json
import random
import struct
from socket import SHUT_RDWR

from breeze.client import Client
from breeze.client.router import RouterClient
from breeze.contracts.requests import ChatRequest, EmbedRequest, ModerateRequest
from breeze.contracts.router import AIRequest
from harness.soak.site import Site
from harness.soak.wire import Untrue, Wire, ask, chat, request


async def routes(site: Site, dice: random.Random) -> None:
    """One answer of a local runner, or one of the lists."""
    path, body, mark = dice.choice(_ASKED)
    answer = await ask(site, request(site, "POST" if body else "GET", path, body or b""), 200)
    if mark not in answer:
        raise Untrue(f"{path}: {answer[:300]!r}")


_ASKED = (
    ("/v1/embeddings", {"model": "hashing", "input": ["soak", "dry"]}, b"embedding"),
    ("/v1/moderations", {"model": "rules", "input": "I will kill you"}, b"flagged"),
    ("/v1/completions", {"model": "mock_llm", "prompt": "Say"}, b"text_completion"),
    ("/v1/images/generations", {"model": "mock_image", "prompt": "sea", "size": "64x64"}, b"b64"),
    ("/v2/explain", {"type": "chat", "messages": [{"role": "user", "content": "x"}]}, b"runner"),
    ("/v1/models", None, b"mock-paced"),
    ("/v2/runners", None, b"espeak"),
    ("/health", None, b""),
    ("/ready", None, b""),
)


async def speech(site: Site, dice: random.Random) -> None:
    """Sound that is heard to its end, or not."""
    form = dice.choice(["wav", "pcm", "mp3"])
    body = {"model": "espeak", "input": "The sea is calm today. " * 4, "response_format": form}
    async with Wire(site) as wire:
        await wire.send(request(site, "POST", "/v1/audio/speech", body))
        if (status := await wire.status()) != 200:
            raise Untrue(f"speech: {status} {await wire.body()!r}")
        if dice.random() < 0.5:
            await wire.some(1000)
        elif len(sound := await wire.body()) < 10_000:
            raise Untrue(f"speech: {len(sound)} bytes")


async def transcription(site: Site, dice: random.Random) -> None:
    """A sound in a form."""
    head = b'--b\r\ncontent-disposition: form-data; name="%b"%b\r\n\r\n%b\r\n'
    body = head % (b"model", b"", b"mock_asr")
    body += head % (b"file", b'; filename="a.wav"', _wav(2)) + b"--b--\r\n"
    kind = "multipart/form-data; boundary=b"
    data = request(site, "POST", "/v1/audio/transcriptions", body, content_type=kind)
    if dice.random() < 0.3:
        async with Wire(site) as wire:
            await wire.send(data[: dice.randint(300, len(data) - 1)])
            await asyncio.sleep(dice.choice([0, 0.05]))
        return
    if b"text" not in (answer := await ask(site, data, 200)):
        raise Untrue(f"transcription: {answer[:300]!r}")


def _wav(seconds: int) -> bytes:
    data = bytes(seconds * 32_000)
    head = struct.pack("<4sI8sIHHIIHH", b"RIFF", 36 + len(data), b"WAVEfmt ", 16, 1, 1, 16_000,
                       32_000, 2, 16)  # fmt: skip
    return head + b"data" + struct.pack("<I", len(data)) + data


async def uploaded(site: Site, dice: random.Random) -> None:
    """A file that is sent, used and removed."""
    data = request(site, "POST", "/v2/uploads", _wav(10), content_type="audio/wav")
    id = json.loads(await ask(site, data, 201))["id"]
    asked = {"model": "auto", "runner": "mock_asr", "file": f"upload:{id}"}
    await ask(site, request(site, "POST", "/v2/stream/asr", asked), 200)
    await ask(site, request(site, "DELETE", f"/v2/uploads/{id}"), 200)


async def abandoned(site: Site, dice: random.Random) -> None:
    """A file of which only the beginning comes."""
    size = 3_000_000
    data = request(site, "POST", "/v2/uploads", bytes(size), content_type="audio/wav")
    async with Wire(site) as wire:
        for at in range(0, dice.randint(1, size), 200_000):
            await wire.send(data[at : at + 200_000])
            await asyncio.sleep(dice.choice([0, 0.01]))
        if dice.random() < 0.5:
            wire.reset()


async def typed(site: Site, dice: random.Random) -> None:
    """Our own client: streams left in the middle, whole answers, and some at once."""
    async with Client(site.url, site.key, resume=dice.choice([None, 2.0])) as client:
        talk = ChatRequest.of("Tell me of the sea.", runner=dice.choice(["talker", "up"]))
        async with client.stream(talk) as events:
            async for _ in events:
                if dice.random() < 0.05:
                    break
        found = await asyncio.gather(
            client.run(EmbedRequest(texts=("one", "two"), runner="hashing")),
            client.run(ModerateRequest(text="Good morning", runner="rules")),
            client.run(ChatRequest.of("Hello", runner="mock_llm")),
        )
        if not all(found):
            raise Untrue("typed: an empty answer")


async def router(site: Site, dice: random.Random) -> None:
    """A session of the router: some requests cancelled, some not waited for."""
    resume = dice.choice([0, 1])
    async with RouterClient.connect(site.url, key=site.key, binary=dice.random() < 0.5,
                                    resume_seconds=resume) as session:  # fmt: skip
        open = [
            await session.send_message(
                AIRequest(id=f"r{n}", text="Tell me", session_id="s", timestamp=1, api_version=2)
            )
            for n in range(dice.randint(1, 6))
        ]
        for responses in open:
            if dice.random() < 0.3:
                await session.cancel_request(responses.request_id)
            if dice.random() < 0.7:
                await responses.last()


async def dropped_socket(site: Site, dice: random.Random) -> None:
    """A session whose connection breaks off, amid a request or a frame."""
    frame = {"id": 1, "method": "registerListener",
             "params": {"resumeSeconds": dice.choice([0, 1])}}  # fmt: skip
    asked = {"id": "r", "text": "Hi", "sessionId": "s", "timestamp": 1, "apiVersion": 2}
    send = {"id": 2, "method": "sendMessage", "params": asked}
    import aiohttp

    async with (
        aiohttp.ClientSession(headers={"x-api-key": site.key}) as http,
        http.ws_connect(f"{site.url}/v2/router") as socket,
    ):
        await socket.send_json(frame)
        await socket.send_json(send)
        await socket.send_str(dice.choice(["{", '{"id":3}', "[]", '{"id":4,"method":"x"}']))
        for _ in range(dice.randint(0, 6)):
            await socket.receive(timeout=5)
        socket.get_extra_info("socket").shutdown(SHUT_RDWR)  # no good-bye


async def keyless(site: Site, dice: random.Random) -> None:
    """Wrong keys, no key, and one that is not enough."""
    body = chat("up/mock", stream=False)
    for key in (f"Bearer brz_{dice.getrandbits(128):x}", "Basic YTpi", ""):
        data = request(site, "POST", "/v1/chat/completions", body, authorization=key)
        await ask(site, data, 401)
    await ask(site, request(site, "GET", "/metrics"), 403)


VISITS = {
    routes: 8, speech: 2, transcription: 2, uploaded: 1, abandoned: 2, typed: 2, router: 3,
    dropped_socket: 3, keyless: 1,
}  # fmt: skip
"""And how often each comes."""
