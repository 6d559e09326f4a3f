"""`transformers`: pictures in a chat, with a tiny random model that the tests make."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.answers import ChatAnswer
from breeze.contracts.capability import Capability
from breeze.contracts.errors import InputError, NotLoadedError, TooLargeError
from breeze.contracts.messages import ImagePart, Message, TextPart
from breeze.contracts.requests import ChatRequest
from breeze.runners.transformers import TransformersParameters, TransformersRunner
from tests.runners.pictures import encoded, plain
from tests.runners.tiny_transformers import tiny_eyes
from tests.runners.vendor import ready
from tests.runners.whole import whole

RED, BLUE = encoded(plain(40, 30, "red")), encoded(plain(40, 30, "blue"))


@pytest.fixture(scope="module")
def eyes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_eyes(tmp_path_factory.mktemp("models") / "eyes")


def transformers(model: Path, **parameters: Any) -> TransformersRunner:
    given = {"model_path": model, "temperature": 0, **parameters}
    return TransformersRunner(TransformersParameters.of(given))


def shown(*pictures: bytes, role: Any = "user", **fields: Any) -> ChatRequest:
    parts: list[ImagePart | TextPart] = [ImagePart(picture) for picture in pictures]
    parts.append(TextPart("what is this"))
    turn = Message("user", "hello") if role != "user" else None
    turns = tuple(filter(None, (turn, Message(role, tuple(parts)))))
    return ChatRequest(turns, **{"max_tokens": 12, **fields})


async def test_the_answer_is_that_of_the_library(eyes: Path) -> None:
    from transformers import AutoModelForImageTextToText, AutoProcessor

    reader = AutoProcessor.from_pretrained(str(eyes))
    model = AutoModelForImageTextToText.from_pretrained(str(eyes))
    given = reader(
        text="<|user|><image><image>what is this<|assistant|>",
        images=[plain(40, 30, "red"), plain(40, 30, "blue")],
        return_tensors="pt",
        add_special_tokens=False,
    )
    made = model.generate(**given, max_new_tokens=12, do_sample=False, pad_token_id=1)
    wanted = reader.tokenizer.decode(
        made[0, given["input_ids"].shape[1] :], skip_special_tokens=True
    )

    async with ready(transformers(eyes)) as runner:
        answer = await whole(runner, shown(RED, BLUE), ChatAnswer)
        (model_info,) = await runner.models()
    assert answer.text == wanted
    assert model_info.capabilities == (Capability.LLM, Capability.VLM)
    assert model_info.context == 256


async def test_pictures_change_the_answer_and_may_be_left_out(eyes: Path) -> None:
    async with ready(transformers(eyes)) as runner:
        red = await whole(runner, shown(RED), ChatAnswer)
        blue = await whole(runner, shown(BLUE), ChatAnswer)
        none = await whole(runner, ChatRequest.of("what is this", max_tokens=12), ChatAnswer)
    assert red.text != blue.text
    assert none.text not in ("", red.text)


async def test_closing_stops_the_answer(eyes: Path) -> None:
    async with ready(transformers(eyes)) as runner:
        events = runner.stream(shown(RED, max_tokens=200))
        await anext(events)
        await events.aclose()
        assert runner.work.active == 0
        assert runner.work.steps < 150


async def test_what_is_no_picture_or_too_large_is_refused(eyes: Path) -> None:
    async with ready(transformers(eyes, max_images=2, max_pixels=1_000)) as runner:
        with pytest.raises(InputError, match="not a whole picture"):
            await whole(runner, shown(b"GIF89a of nothing"), ChatAnswer)
        with pytest.raises(TooLargeError, match="1200 pixels, the limit is 1000"):
            await whole(runner, shown(RED), ChatAnswer)
        with pytest.raises(TooLargeError, match="3 pictures, the limit is 2"):
            await whole(runner, shown(RED, RED, RED), ChatAnswer)
        with pytest.raises(InputError, match="pictures of users"):
            await whole(runner, shown(RED, role="assistant"), ChatAnswer)


async def test_a_model_without_a_chat_template_is_refused(tmp_path: Path) -> None:
    folder = tiny_eyes(tmp_path / "mute", template=None)
    with pytest.raises(NotLoadedError, match="no chat template"):
        await transformers(folder).load("")


@pytest.mark.skipif(find_spec("torchvision") is not None, reason="torchvision is here")
async def test_what_a_model_needs_beside_the_extra_is_named(tmp_path: Path) -> None:
    folder = tiny_eyes(tmp_path / "films")
    changes = {
        "processor_config.json": {"processor_class": "SmolVLMProcessor"},
        "config.json": {"model_type": "smolvlm"},
    }
    for name, change in changes.items():
        told = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(told | change))
    pixels = told_of(folder)["image_processor"]
    (folder / "preprocessor_config.json").write_text(json.dumps(pixels))
    with pytest.raises(NotLoadedError, match="pip install torchvision"):
        await transformers(folder).load("")


def told_of(folder: Path) -> Any:
    return json.loads((folder / "processor_config.json").read_text())
