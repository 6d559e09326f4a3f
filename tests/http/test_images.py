"""POST /v1/images/generations, with the official client and without."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import openai
import pytest

from breeze.contracts.errors import ProcessingError
from breeze.contracts.events import Finish, ImageFailed, ImageReady, Usage
from breeze.contracts.requests import DrawRequest
from breeze.testing.media import png
from breeze.testing.scripted import Gate, Script, scripted
from tests.http.conftest import Serve
from tests.http.openai_wire import official, post

PATH = "/v1/images/generations"
MODEL = "mock_image"


def size_of(data: bytes) -> tuple[int, int]:
    """Width and height in the head of a PNG."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", data[16:24])
    return width, height


async def test_pictures_come_as_base64_with_what_they_are(serve: Serve) -> None:
    async with serve() as server, official(server) as client:
        raw = await client.images.with_raw_response.generate(
            model=MODEL, prompt="a lake", n=2, size="64x32"
        )
        answer = raw.parse()
        own = await server.engine.run(DrawRequest.of("a lake", model=MODEL, count=2, size="64x32"))
    assert answer.data is not None
    pictures = [base64.b64decode(item.b64_json or "") for item in answer.data]
    assert pictures == [picture.data for picture in own.images]
    assert [size_of(picture) for picture in pictures] == [(64, 32), (64, 32)]
    assert (answer.size, answer.output_format, answer.background) == ("64x32", "png", "opaque")
    assert answer.usage is not None
    assert answer.created > 1_700_000_000
    assert raw.headers["x-breeze-mock"] == "true"
    assert raw.headers["x-breeze-runner"] == MODEL


async def test_only_a_mock_is_here_so_it_answers_unnamed_and_says_so(serve: Serve) -> None:
    async with serve() as server:
        raw = await post(server, PATH, prompt="a lake")
    assert (raw.status, raw.headers["x-breeze-mock"]) == (200, "true")
    assert raw.json["size"] == "512x512"


async def test_a_stream_sends_each_picture_as_soon_as_it_is_ready(serve: Serve) -> None:
    gate = Gate()
    pictures = [ImageReady(png(8, 8), i, "image/png", 8, 8, seed=i) for i in range(2)]
    script = Script([pictures[0], gate, pictures[1], Usage(5, 7, images=2), Finish()])
    async with (
        serve(runners=[scripted("painter", script, "draw")]) as server,
        official(server) as client,
    ):
        stream = await client.images.generate(model="painter", prompt="x", n=2, stream=True)
        first = await anext(stream)
        await gate.started.wait()
        gate.release.set()
        rest = [event async for event in stream]
    assert first.type == "image_generation.completed"
    assert base64.b64decode(first.b64_json) == pictures[0].data
    assert [event.type for event in rest] == ["image_generation.completed"]
    last: Any = rest[0]
    assert (last.usage.input_tokens, last.usage.output_tokens, last.size) == (5, 7, "8x8")


async def test_the_stream_of_a_mock_says_so_and_what_was_not_done(serve: Serve) -> None:
    async with serve() as server:
        raw = await post(
            server, PATH, prompt="x", model=MODEL, size="16x16", stream=True, partial_images=2
        )
    assert raw.body.startswith(b"event: image_generation.completed\ndata: {")
    (made,) = raw.chunks
    assert size_of(base64.b64decode(made["b64_json"])) == (16, 16)
    assert [one["field"] for one in made["breeze"]["adjustments"]] == ["partial_images"]
    assert raw.headers["x-breeze-adjustments"] == "partial_images"
    assert raw.headers["x-breeze-mock"] == "true"


async def test_a_stream_that_fails_ends_in_an_error(serve: Serve) -> None:
    picture = ImageReady(png(8, 8), 0, "image/png", 8, 8)
    script = Script([picture, ProcessingError("The brush broke.")])
    async with (
        serve(runners=[scripted("painter", script, "draw")]) as server,
        official(server) as client,
    ):
        raw = await post(server, PATH, prompt="x", model="painter", n=2, stream=True)
        stream = await client.images.generate(model="painter", prompt="x", n=2, stream=True)
        with pytest.raises(openai.APIError, match="The brush broke"):
            [event async for event in stream]
    assert json.loads(raw.events[-1])["error"]["message"] == "The brush broke."


async def test_a_stream_that_fails_before_a_picture_has_a_status(serve: Serve) -> None:
    script = Script([ProcessingError("No brush.", retryable=False)])
    async with serve(runners=[scripted("painter", script, "draw")]) as server:
        raw = await post(server, PATH, prompt="x", model="painter", stream=True)
    assert (raw.status, raw.error["message"]) == (500, "No brush.")


async def test_our_own_fields_reach_the_runner(serve: Serve) -> None:
    picture = ImageReady(png(8, 8), 0, "image/png", 8, 8, seed=9, cost=0.01)
    script = Script([picture, Finish()])
    ours = {"seed": 9, "steps": 4, "guidance": 1.5, "negative_prompt": "rain", "strict": True}
    async with serve(runners=[scripted("painter", script, "draw")]) as server:
        raw = await post(
            server, PATH, prompt="x", model="painter", breeze=ours, output_format="webp", n=1
        )
    asked = script.calls[0].request
    assert isinstance(asked, DrawRequest)
    assert (asked.seed, asked.steps, asked.guidance, asked.negative_prompt, asked.format) == (
        9, 4, 1.5, "rain", "webp",
    )  # fmt: skip
    assert raw.json["data"][0]["breeze"] == {"seed": 9, "cost": 0.01}
    assert raw.json["output_format"] == "png"


async def test_what_has_no_effect_is_listed(serve: Serve) -> None:
    wishes = {
        "quality": "high", "style": "vivid", "background": "transparent", "moderation": "low",
        "output_compression": 50, "user": "me", "output_format": "jpeg",
        "breeze": {"steps": 3},
    }  # fmt: skip
    async with serve() as server:
        raw = await post(server, PATH, prompt="x", model=MODEL, size="16x16", **wishes)
    fields = [one["field"] for one in raw.json["breeze"]["adjustments"]]
    named = {*wishes, "breeze.steps"} - {"breeze"}
    assert set(fields) == named
    assert set(raw.headers["x-breeze-adjustments"].split(", ")) == named
    assert raw.json["output_format"] == "png"


async def test_leaving_it_to_us_adjusts_nothing(serve: Serve) -> None:
    wishes = {"quality": "auto", "size": "auto", "background": "auto", "moderation": "auto"}
    async with serve() as server:
        raw = await post(server, PATH, prompt="x", model=MODEL, **wishes, partial_images=0)
    assert "adjustments" not in raw.json["breeze"]
    assert "x-breeze-adjustments" not in raw.headers


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"prompt": ""}, "prompt"),
    ({}, "prompt"),
    ({"prompt": "x", "n": 0}, "n"),
    ({"prompt": "x", "n": 11}, "n"),
    ({"prompt": "x", "size": "big"}, "size"),
    ({"prompt": "x", "size": "99999x99999"}, "size"),
    ({"prompt": "x", "size": "8x64"}, "size"),
    ({"prompt": "x", "response_format": "url"}, "response_format"),
    ({"prompt": "x", "output_format": "tiff"}, "output_format"),
    ({"prompt": "x", "partial_images": 4}, "partial_images"),
    ({"prompt": "x", "breeze": {"steps": 0}}, "breeze.steps"),
    ({"prompt": "x", "breeze": {"speed": 1}}, "breeze.speed"),
    ({"prompt": "x", "promt": "y"}, "promt"),
    ({"prompt": "x" * 32_001}, "prompt"),
]


@pytest.mark.parametrize(("body", "param"), WRONG)
async def test_what_is_wrong_is_named(serve: Serve, body: dict[str, Any], param: str) -> None:
    async with serve() as server:
        raw = await post(server, PATH, model=MODEL, **body)
    assert (raw.status, raw.error["param"]) == (400, param)
    assert raw.error["message"].startswith(param)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_picture_that_failed_beside_others_is_told(serve: Serve, stream: bool) -> None:
    picture = ImageReady(png(8, 8), 0, "image/png", 8, 8)
    lost = ImageFailed(ProcessingError("The brush broke.").info(), number=1)
    script = Script([picture, lost, Usage(images=1), Finish()])
    async with serve(runners=[scripted("painter", script, "draw")]) as server:
        raw = await post(server, PATH, model="painter", prompt="x", n=2, stream=stream)
    told = [{"code": "E101", "message": "The brush broke.", "number": 1}]
    if not stream:
        assert (len(raw.json["data"]), raw.json["breeze"]["failures"]) == (1, told)
        return
    lines = raw.body.decode().splitlines()
    events = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    assert [event["type"] for event in events] == [
        "image_generation.completed", "image_generation.failed",
    ]  # fmt: skip
    assert events[1]["breeze"]["failures"] == told
