"""Pictures: what is asked for each prompt, and the pictures as they come."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, Iterator
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

from breeze.contracts.errors import ProcessingError, RunnerError
from breeze.contracts.events import Adjusted, DrawEvent, Finish, ImageReady, Progress
from breeze.contracts.requests import DrawRequest
from breeze.contracts.values import Usage
from breeze.runners._fetch import Policy, fetch
from breeze.runners._http_json import encoded
from breeze.runners._image_form import image_form
from breeze.runners._openai_drawn import Drawn, Picture, pictures_of
from breeze.runners._openai_server import Server

_LARGEST = 64 * 1024 * 1024
_AT_ONCE = 10
"""Pictures that one request may ask for."""
_NAMES = {"guidance": "guidance_scale"}
_OWN = ("steps", "guidance", "seed", "negative_prompt")


def unpainted(request: DrawRequest, takes: tuple[str, ...]) -> Iterator[Adjusted]:
    """What of the request this server has no place for."""
    for name in _OWN:
        value = getattr(request, name)
        if value not in (None, "") and name not in takes:
            used = "" if name == "negative_prompt" else None
            yield Adjusted(name, value, used, "this server does not take it: see image_fields")


def image_body(
    request: DrawRequest, prompt: str, count: int, model: str, server: Server
) -> dict[str, Any]:
    """What to send for one prompt."""
    p = server.parameters
    body: dict[str, Any] = {"model": model, "prompt": prompt, "n": count}
    if request.size:
        body["size"] = request.size
    answer = p.image_answer
    if answer == "auto":
        answer = "" if p.at_home else "b64_json"
    if answer:
        body["response_format"] = answer
    if request.format != "png" or p.at_home:
        body["output_format"] = request.format
    for name in p.image_fields:
        if (value := getattr(request, name)) not in (None, ""):
            body[_NAMES.get(name, name)] = value
    if p.partial_images:
        body |= {"stream": True, "partial_images": p.partial_images}
    return body


async def drawn(request: DrawRequest, model: str, server: Server) -> AsyncGenerator[DrawEvent]:
    """The events of a request."""
    for note in unpainted(request, server.parameters.image_fields):
        yield note
    total = Drawn(len(request.prompts) * request.count)
    at_once = 1 if server.parameters.partial_images else _AT_ONCE
    for index, prompt in enumerate(request.prompts):
        left = request.count
        while left:
            count = min(left, at_once)
            body = encoded(image_body(request, prompt, count, model, server), "prompts")
            before = total.count
            async for found in pictures_of(body, server, total):
                if isinstance(found, Progress):
                    yield found
                    continue
                ready = await _ready(found, index, total.count, server)
                if total.count == 0 and (changed := _otherwise(request, ready)) is not None:
                    yield changed
                total.count += 1
                yield ready
            left -= max(total.count - before, 0)
            if total.count == before:
                raise ProcessingError("The server sent no picture.", detail="malformed")
    yield Usage(total.input_tokens, total.output_tokens, images=total.count, cost=total.cost)
    yield Finish()


async def _ready(picture: Picture, prompt: int, index: int, server: Server) -> ImageReady:
    """The picture itself, fetched when only its address came."""
    data = _bytes(picture.b64_json) if picture.b64_json else await _fetched(picture.url, server)
    form = image_form(data)
    if not form.mime or not form.width or not form.height:
        raise ProcessingError(
            f"{server.http.target.authority} sent what is no picture.", detail="malformed"
        )
    seed = picture.seed if picture.seed is None or picture.seed >= 0 else None
    return ImageReady(data, index, form.mime, form.width, form.height, seed, prompt=prompt)


def _otherwise(request: DrawRequest, ready: ImageReady) -> Adjusted | None:
    """The first picture tells whether the server did as it was asked."""
    got = ready.mime.removeprefix("image/")
    if got != request.format:
        return Adjusted("format", request.format, got, "the server chose it")
    size = f"{ready.width}x{ready.height}"
    if request.size and size != request.size:
        return Adjusted("size", request.size, size, "the server chose it")
    return None


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text.partition(",")[2] if text[:5] == "data:" else text)
    except ValueError as error:  # binascii.Error is one
        raise ProcessingError(f"A picture is no base64: {error}.", detail="malformed") from error


async def _fetched(url: str | None, server: Server) -> bytes:
    """The picture at `url`, without any key. The operator's own server may stand anywhere."""
    if url and url.startswith("data:"):
        return _bytes(url)
    policy = Policy(limit=_LARGEST, seconds=60.0, types=("image/", "application/octet-stream"))
    target = server.http.target
    try:
        place = urlsplit(url or "")
        own = (place.hostname, place.port or {"https": 443}.get(place.scheme, 80))
    except ValueError as error:
        raise ProcessingError(f"A picture has no address: {error}.", detail="malformed") from error
    if own == (target.host, target.port):
        anywhere = (ip_network("0.0.0.0/0"), ip_network("::/0"))
        policy = policy._replace(ports=(target.port,), networks=anywhere, redirects=0)
    try:
        return (await fetch(url or "", "url", policy)).data
    except RunnerError as error:  # it is not the caller's input that is wrong
        raise ProcessingError(
            f"A picture could not be fetched from {place.hostname or 'nowhere'}: {error.message}",
            detail="streaming",
        ) from error
