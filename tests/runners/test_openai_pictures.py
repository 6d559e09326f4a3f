"""Pictures of the openai runner: what is asked for each prompt, and what comes of it."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from breeze.contracts.errors import BlockedError, ProcessingError
from breeze.contracts.events import ImageReady, Progress
from breeze.contracts.requests import DrawRequest
from breeze.contracts.values import Usage
from breeze.runners._image_form import ImageForm, image_form
from breeze.testing.media import png
from tests.runners.asking import running, sse, streaming
from tests.runners.asking import whole as in_one
from tests.runners.openai_vendor import MODEL, events_of, serving, whole
from tests.runners.standin import Exchange, StandIn

PICTURE = png(64, 48)
PACKED = base64.b64encode(PICTURE).decode()


def drawing(*prompts: str, **fields: Any) -> DrawRequest:
    return DrawRequest(prompts or ("a lighthouse",), **{"model": MODEL, "size": "64x48", **fields})


@pytest.fixture
async def server() -> AsyncIterator[StandIn]:
    async with StandIn.serving() as server:
        yield server


async def test_pictures_of_each_prompt_in_order() -> None:
    async with serving() as (vendor, runner):
        found = await whole(runner, drawing("a lighthouse", "the sea", count=2))
    assert [image.prompt for image in found.images] == [0, 0, 1, 1]
    assert {(i.mime, i.width, i.height) for i in found.images} == {("image/png", 64, 48)}
    assert len({image.data for image in found.images}) == 4
    assert (found.usage.images, found.usage.completion_tokens) == (4, 400)
    assert found.adjustments == ()
    assert [call.json for call in vendor.calls] == [
        {"model": MODEL, "prompt": prompt, "n": 2, "size": "64x48", "response_format": "b64_json"}
        for prompt in ("a lighthouse", "the sea")
    ]


async def test_more_than_ten_are_asked_for_in_parts() -> None:
    async with serving() as (vendor, runner):
        found = await whole(runner, drawing(count=12, size="16x16"))
    assert len(found.images) == 12
    assert [call.json["n"] for call in vendor.calls] == [10, 2]


async def test_a_size_that_nobody_asked_for_is_the_servers_choice() -> None:
    async with serving() as (vendor, runner):
        found = await whole(runner, drawing(size=""))
    assert "size" not in vendor.calls[0].json
    assert found.adjustments == ()


async def test_another_format() -> None:
    async with serving() as (vendor, runner):
        await whole(runner, drawing(format="webp"))
    assert vendor.calls[0].json["output_format"] == "webp"


OPTIONS: dict[str, Any] = {
    "steps": 4, "guidance": 5.0, "seed": 3, "negative_prompt": "people",
}  # fmt: skip


async def test_what_the_protocol_has_no_place_for_is_told() -> None:
    async with serving() as (vendor, runner):
        found = await whole(runner, drawing(**OPTIONS))
    assert [note.field for note in found.adjustments] == [*OPTIONS]
    assert not {"steps", "guidance_scale", "seed", "negative_prompt"} & vendor.calls[0].json.keys()


async def test_what_a_server_takes_beyond_it_is_sent() -> None:
    async with serving(image_fields=[*OPTIONS]) as (vendor, runner):
        found = await whole(runner, drawing(**OPTIONS))
    assert found.adjustments == ()
    sent = vendor.calls[0].json
    names = ("steps", "guidance_scale", "seed", "negative_prompt")
    assert [sent[name] for name in names] == [*OPTIONS.values()]


async def test_unfinished_pictures_are_progress() -> None:
    async with serving(partial_images=2) as (vendor, runner):
        events = [e async for e in events_of(runner, drawing(count=2))]
    assert [type(e) for e in events[:6]] == [
        Progress, Progress, ImageReady, Progress, Progress, ImageReady,
    ]  # fmt: skip
    assert events[1] == Progress("drawing", 2, 3)
    assert vendor.calls[0].json["stream"] is True
    assert vendor.calls[0].json["partial_images"] == 2


@pytest.mark.parametrize(
    ("given", "sent"), [("auto", "b64_json"), ("url", "url"), ("", None), ("b64_json", "b64_json")]
)
async def test_how_they_are_asked_for(given: str, sent: str | None) -> None:
    async with serving(image_answer=given) as (vendor, runner):
        await whole(runner, drawing())
    assert vendor.calls[0].json.get("response_format") == sent


# answers of others ------------------------------------------------------------------------


async def drawn(server: StandIn, body: Any, **fields: Any) -> Any:
    server.play(in_one(body if isinstance(body, bytes) else msgspec.json.encode(body)))
    async with running(server) as runner:
        return await whole(runner, drawing(**fields))


@pytest.mark.parametrize(
    "item",
    [{"b64_json": PACKED}, {"b64_json": f"data:image/png;base64,{PACKED}"},
     {"url": f"data:image/png;base64,{PACKED}"}, {"b64_json": PACKED, "seed": 7}],
)  # fmt: skip
async def test_a_picture_in_any_wrapping(server: StandIn, item: dict[str, Any]) -> None:
    found = await drawn(server, {"data": [item], "usage": {"cost": 0.02}})
    (image,) = found.images
    assert (image.data, image.seed) == (PICTURE, item.get("seed"))
    assert found.usage == Usage(images=1, cost=0.02)


async def test_a_server_may_keep_its_pictures_itself(server: StandIn) -> None:
    """It is where the operator put it, so its address need not be public; no key goes there."""

    async def answer(exchange: Exchange) -> None:
        if exchange.request.method == "POST":
            url = server.url.replace("/v1", "/made/1.png")
            await exchange.whole(msgspec.json.encode({"data": [{"url": url}]}))
        else:
            await exchange.whole(PICTURE, content_type="image/png", connection="close")
            exchange.close()

    server.play(answer, answer)
    async with running(server, api_key="k-1") as runner:
        found = await whole(runner, drawing())
    assert found.images[0].data == PICTURE
    assert [r.path for r in server.requests] == ["/v1/images/generations", "/made/1.png"]
    assert "authorization" not in server.requests[1].headers


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1/x.png", "http://169.254.169.254/x", "file:///etc/passwd", "http://["],
)
async def test_no_server_leads_us_into_the_network(server: StandIn, url: str) -> None:
    with pytest.raises(ProcessingError) as caught:
        await drawn(server, {"data": [{"url": url}]})
    assert caught.value.detail in ("streaming", "malformed")


async def test_another_size_and_format_are_told(server: StandIn) -> None:
    found = await drawn(server, {"data": [{"b64_json": PACKED}]}, size="512x512")
    assert [(a.field, a.used) for a in found.adjustments] == [("size", "64x48")]
    found = await drawn(server, {"data": [{"b64_json": PACKED}]}, format="jpeg")
    assert [(a.field, a.used) for a in found.adjustments] == [("format", "png")]


@pytest.mark.parametrize(
    "body",
    [{"data": []}, {}, {"data": [{"b64_json": "AAAA"}]}, {"data": [{"b64_json": "?"}]},
     {"data": [{}]}, b"<html>", {"data": 5}, {"data": [{"b64_json": PACKED[:16]}]}],
)  # fmt: skip
async def test_what_is_no_picture_is_an_error(server: StandIn, body: Any) -> None:
    with pytest.raises(ProcessingError):
        await drawn(server, body)


async def test_a_refused_prompt_is_a_block(server: StandIn) -> None:
    said = {"error": {"message": "no", "code": "moderation_blocked"}}
    server.play(in_one(msgspec.json.encode(said), "400 No"))
    async with running(server) as runner:
        with pytest.raises(BlockedError):
            await whole(runner, drawing())


async def test_a_stream_without_its_picture_was_cut(server: StandIn) -> None:
    partial = {"type": "image_generation.partial_image", "b64_json": PACKED}
    server.play(streaming(sse(partial)))
    async with running(server, partial_images=1) as runner:
        with pytest.raises(ProcessingError) as caught:
            await whole(runner, drawing())
    assert caught.value.detail == "cut"


# the form of pictures ---------------------------------------------------------------------

JPEG = bytes.fromhex("ffd8ffe000040000ffc00011080030004003012200021101031101") + bytes(8)
WEBP = b"RIFF\x40\0\0\0WEBP"
VP8L = struct.pack("<I", 63 | 47 << 14)
FORMS = [
    (PICTURE, ImageForm("image/png", 64, 48)),
    (JPEG, ImageForm("image/jpeg", 64, 48)),
    (WEBP + b"VP8X" + bytes(8) + bytes([63, 0, 0, 47, 0, 0]), ImageForm("image/webp", 64, 48)),
    (WEBP + b"VP8L" + bytes(4) + b"\x2f" + VP8L, ImageForm("image/webp", 64, 48)),
    (WEBP + b"VP8 " + bytes(10) + struct.pack("<HH", 64, 48), ImageForm("image/webp", 64, 48)),
    (WEBP + b"VP9 " + bytes(10) + struct.pack("<HH", 64, 48), ImageForm("")),
    (b"GIF89a" + struct.pack("<HH", 64, 48), ImageForm("image/gif", 64, 48)),
    (b"\x89PNG\r\n\x1a\n\0", ImageForm("")),
    (b"\xff\xd8\xff\xe0", ImageForm("")),
    (zlib.compress(b"x"), ImageForm("")),
    (b"", ImageForm("")),
]


@pytest.mark.parametrize(("data", "form"), FORMS)
def test_the_first_bytes_tell_type_and_size(data: bytes, form: ImageForm) -> None:
    assert image_form(data) == form
