"""The runware runner on its stand-in: what it sends, what comes back, and in which order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from breeze.contracts.errors import InputError, NotFoundError, NotLoadedError
from breeze.contracts.events import Adjusted, ImageReady
from breeze.contracts.requests import DrawRequest
from breeze.runners._runware_parameters import RunwareParameters
from breeze.runners.runware import RunwareRunner
from breeze.testing.standins.runware import PRICE, RunwareStandin
from tests.runners.runware_bench import Hasty, draw, expected, prompts, rounds, running, sent


@pytest.fixture
async def vendor() -> AsyncIterator[RunwareStandin]:
    async with RunwareStandin.serving() as served:
        yield served


async def test_a_picture_with_all_that_is_known_of_it(vendor: RunwareStandin) -> None:
    async with running(vendor) as runner:
        answer = await draw(runner, DrawRequest.of("a lighthouse", size="256x192", seed=7))
    (made,) = answer.images
    assert made.data == expected(vendor, "a lighthouse")
    assert (made.mime, made.width, made.height, made.seed) == ("image/png", 256, 192, 7)
    assert (made.cost, answer.usage and answer.usage.cost) == (PRICE, PRICE)
    assert made.url.startswith(vendor.images.origin)
    assert (answer.metadata or {})["model_name"] == "runware:100@1"


async def test_what_is_sent_for_a_picture(vendor: RunwareStandin) -> None:
    request = DrawRequest.of(
        "a lighthouse", steps=4, guidance=2.5, seed=3, format="webp", negative_prompt="people",
        count=2, model="civitai:4384@128713", params={"scheduler": "Euler", "output_quality": 80},
    )  # fmt: skip
    async with running(vendor) as runner:
        await draw(runner, request)
    (task,) = sent(vendor)
    uuid = task.pop("taskUUID")
    assert (uuid[14], len(uuid)) == ("4", 36)
    assert task == {
        "taskType": "imageInference", "positivePrompt": "a lighthouse", "negativePrompt": "people",
        "model": "civitai:4384@128713", "width": 512, "height": 512, "steps": 4, "CFGScale": 2.5,
        "seed": 3, "scheduler": "Euler", "numberResults": 2, "outputType": "URL",
        "outputFormat": "WEBP", "outputQuality": 80, "deliveryMethod": "async", "includeCost": True,
    }  # fmt: skip
    assert [call.headers["authorization"] for call in vendor.calls] == ["Bearer test-key"] * 2


async def test_what_the_request_leaves_open_is_the_configurations(vendor: RunwareStandin) -> None:
    async with running(vendor, image_size="640x384", steps=9, guidance=3) as runner:
        await draw(runner, DrawRequest.of("a lighthouse"))
    (task,) = sent(vendor)
    wanted = {"width": 640, "height": 384, "steps": 9, "CFGScale": 3}
    assert {name: task[name] for name in wanted} == wanted


async def test_several_prompts_go_together_and_come_back_in_order(vendor: RunwareStandin) -> None:
    vendor.fault("out-of-order", times=None)
    async with running(vendor, batch_size=4) as runner:
        answer = await draw(runner, DrawRequest(prompts(10), count=2))
    assert [len(call.json) for call in vendor.calls if "positivePrompt" in call.json[0]] == [
        4,
        4,
        2,
    ]
    assert [(p.prompt, p.data) for p in answer.images] == [
        (i, expected(vendor, prompt, n)) for i, prompt in enumerate(prompts(10)) for n in (1, 0)
    ]
    assert answer.usage is not None
    assert answer.usage.images == 20
    assert answer.usage.cost == pytest.approx(20 * PRICE)


async def test_results_that_come_twice_or_belong_to_others_do_no_harm(
    vendor: RunwareStandin,
) -> None:
    vendor.fault("doubled", times=None)
    async with running(vendor) as runner:
        answer = await draw(runner, DrawRequest(prompts(3), count=2))
    assert [p.prompt for p in answer.images] == [0, 0, 1, 1, 2, 2]
    assert answer.usage is not None
    assert answer.usage.cost == pytest.approx(6 * PRICE)


async def test_polls_come_further_and_further_apart(vendor: RunwareStandin) -> None:
    vendor.work.polls = 10
    clock = Hasty()
    async with running(vendor, clock=clock) as runner:
        await draw(runner, DrawRequest.of("a lighthouse"))
    growing = [0.5 * 1.5**n for n in range(11)]
    assert clock.slept == [pytest.approx(min(10.0, seconds)) for seconds in growing]
    assert rounds(vendor) == ["imageInference", *["getResponse"] * 11]


async def test_with_sync_delivery_nobody_polls(vendor: RunwareStandin) -> None:
    async with running(vendor, delivery="sync") as runner:
        answer = await draw(runner, DrawRequest(prompts(3)))
    assert rounds(vendor) == ["imageInference"]
    assert len(answer.images) == 3


async def test_a_batch_takes_less_than_half_of_the_time_of_one_by_one(
    vendor: RunwareStandin,
) -> None:
    """Round trips and waits, which is what the time goes into: counted, not measured."""
    vendor.work.polls = 2
    together, single = Hasty(), Hasty()
    async with running(vendor, clock=together, rate_limit_delay=1.0, in_flight=1) as runner:
        await draw(runner, DrawRequest(prompts(12)))
    calls = len(vendor.calls)
    async with running(vendor, clock=single, rate_limit_delay=1.0) as runner:
        for prompt in prompts(12):
            await draw(runner, DrawRequest.of(prompt))
    assert calls <= (len(vendor.calls) - calls) / 2
    assert together.now() <= single.now() / 2


async def test_requests_that_send_tasks_keep_their_distance(vendor: RunwareStandin) -> None:
    clock = Hasty()
    async with running(vendor, clock=clock, rate_limit_delay=3.0, delivery="sync") as runner:
        await draw(runner, DrawRequest(prompts(12)))
    assert clock.slept == [3.0, 3.0]


async def test_a_picture_can_be_enlarged_and_cut_out(vendor: RunwareStandin) -> None:
    image = "data:image/png;base64,iVBORw0KGgo="
    async with running(vendor) as runner:
        for task, more in (("upscale", {"upscale_factor": 4}), ("remove_background", {})):
            params = {"task": task, "image": image, **more}
            answer = await draw(runner, DrawRequest.of("photo.png", params=params))
            assert answer.images[0].width == (1024 if task == "upscale" else 256)
    (upscale,), (cut,) = sent(vendor, "upscale"), sent(vendor, "removeBackground")
    assert (upscale["inputs"], upscale["upscaleFactor"]) == ({"image": image}, 4)
    assert (upscale["model"], cut["model"]) == ("runware:501@1", "runware:109@1")
    assert "positivePrompt" not in upscale | cut


async def test_a_picture_can_be_the_beginning_of_another(vendor: RunwareStandin) -> None:
    params: dict[str, Any] = {"image": "https://example.com/a.png", "strength": 0.4}
    async with running(vendor) as runner:
        await draw(runner, DrawRequest.of("the same at night", params=params))
    (task,) = sent(vendor)
    assert (task["seedImage"], task["strength"]) == ("https://example.com/a.png", 0.4)


async def test_what_a_task_does_not_take_is_said(vendor: RunwareStandin) -> None:
    params = {"task": "remove_background", "image": "https://example.com/a.png"}
    request = DrawRequest.of("photo", size="512x512", steps=4, seed=1, params=params)
    async with running(vendor) as runner:
        told = [e.field async for e in runner.draw(request) if isinstance(e, Adjusted)]
        assert told == ["size", "steps", "seed"]
        notes = [
            event
            async for event in runner.draw(DrawRequest.of("a sea", steps=500, guidance=80, seed=0))
            if isinstance(event, Adjusted)
        ]
    assert [(n.field, n.asked, n.used) for n in notes] == [
        ("steps", 500, 100), ("guidance", 80, 50.0), ("seed", 0, 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("request_", "field", "says"),
    [
        (DrawRequest.of("a sea", size="500x512"), "size", "multiple of 64, or set any_size"),
        (DrawRequest.of("a sea", size="64x64"), "size", "128 to 2048"),
        (DrawRequest.of("a"), "prompts[0]", "2 to 3000"),
        (DrawRequest.of("a sea", model="A Model"), "model", "source:id@version"),
        (DrawRequest.of("a sea", params={"task": "upscale"}), "image", "--image FILE"),
        (DrawRequest.of("a sea", params={"base_url": "http://x"}), "params.base_url", "operator"),
    ],
)
async def test_what_cannot_be_is_refused_before_anything_is_sent(
    vendor: RunwareStandin, request_: DrawRequest, field: str, says: str
) -> None:
    async with running(vendor) as runner:
        with pytest.raises(InputError, match=says) as caught:
            await draw(runner, request_)
    assert (caught.value.field, vendor.calls) == (field, [])


async def test_any_size_goes_to_models_that_take_others(vendor: RunwareStandin) -> None:
    async with running(vendor) as runner:
        with pytest.raises(InputError, match=r"width must be 128 to 2048") as caught:
            await draw(runner, DrawRequest.of("a sea", size="72x72", params={"any_size": True}))
    assert caught.value.field == "size"


async def test_an_unknown_model_is_not_found(vendor: RunwareStandin) -> None:
    async with running(vendor) as runner:
        with pytest.raises(NotFoundError, match="no-such-model"):
            await draw(runner, DrawRequest.of("a sea", model="no-such-model"))


async def test_more_than_twenty_of_one_prompt_are_several_tasks(vendor: RunwareStandin) -> None:
    async with running(vendor) as runner:
        answer = await draw(runner, DrawRequest.of("a sea", count=45))
    assert [task["numberResults"] for task in sent(vendor)] == [20, 20, 5]
    assert len({task["taskUUID"] for task in sent(vendor)}) == 3
    assert len(answer.images) == 45


async def test_without_a_key_it_says_what_to_do() -> None:
    parameters = RunwareParameters.of({})
    assert "set RUNWARE_API_KEY" in str(RunwareRunner(parameters).check())
    here = RunwareParameters.of({"base_url": "http://127.0.0.1:1/v1"})
    assert RunwareRunner(here).check() is None


async def test_before_load_there_is_no_connection() -> None:
    runner = RunwareRunner(RunwareParameters.of({"api_key": "k"}))
    with pytest.raises(NotLoadedError):
        await anext(runner.draw(DrawRequest.of("a sea")))


async def test_pictures_come_while_others_are_not_done(vendor: RunwareStandin) -> None:
    """The first is delivered although the second never will be."""
    vendor.on_call = lambda _: setattr(vendor.work, "polls", 10_000)
    async with running(vendor, batch_size=1, in_flight=1) as runner:
        async with aclosing(runner.draw(DrawRequest(prompts(2)))) as events:
            async for event in events:
                if isinstance(event, ImageReady):
                    break
    assert isinstance(event, ImageReady)
    assert event.index == 0
