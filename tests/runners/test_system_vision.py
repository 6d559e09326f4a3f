"""The system vision runner: what it answers about pictures, and what it admits not to know."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from itertools import pairwise
from typing import Any

import pytest

pytest.importorskip("rapidocr")
pytest.importorskip("cv2")

from breeze.contracts.events import Finish, Progress, TextDelta
from breeze.contracts.messages import ImagePart, Message, TextPart
from breeze.contracts.metadata import KEYS
from breeze.contracts.requests import ChatRequest
from breeze.contracts.values import Usage
from breeze.runners.system_vision import SystemVisionParameters, SystemVisionRunner
from tests.runners.pictures import (
    ask,
    ean13,
    encoded,
    page,
    plain,
    qr,
    question,
    sign,
    two_people,
)


@pytest.fixture(scope="module")
def vision() -> Iterator[SystemVisionRunner]:
    runner = SystemVisionRunner(SystemVisionParameters())
    asyncio.run(runner.load(""))
    yield runner
    asyncio.run(runner.unload())


def seen(answer: Any) -> dict[str, Any]:
    assert answer.metadata is not None
    return dict(answer.metadata)


async def test_reads_a_sign_with_its_colours_and_places(vision: SystemVisionRunner) -> None:
    answer = await ask(vision, "What does the sign say?", sign())
    assert "“STOP” (white on red, centre)" in answer.text
    assert "“Road closed” (white on green, bottom)" in answer.text
    assert seen(answer)["methods"] == ["header", "ocr"]
    assert seen(answer)["confidence"] > 0.9


async def test_tells_colours_of_the_picture_and_of_its_letters(vision: SystemVisionRunner) -> None:
    answer = await ask(vision, "What colours has the sign? Is it blue?", sign())
    assert answer.text.startswith("I see no area of blue. The main colours are green (")
    assert "“STOP” is white on red" in answer.text


async def test_finds_where_a_word_and_a_colour_are(vision: SystemVisionRunner) -> None:
    answer = await ask(vision, "Where is the word STOP?", sign())
    assert "“STOP” is at the centre (x " in answer.text
    region = seen(answer)["detected_objects"][0]["region"]
    assert 110 <= region["x"] <= region["x"] + region["width"] <= 370
    red = await ask(vision, "Where is the red in the picture?", sign())
    assert "“red” is at the centre" in red.text
    assert seen(red)["methods"] == ["header", "colours"]


async def test_says_when_it_cannot_find_something(vision: SystemVisionRunner) -> None:
    answer = await ask(vision, "Where is the giraffe?", sign())
    assert answer.text.startswith("I can't find “giraffe”.")


async def test_counts_faces_and_knows_its_limits(vision: SystemVisionRunner) -> None:
    answer = await ask(vision, "How many people are there, and who are they?", two_people())
    assert "I see 2 faces (left and right)." in answer.text
    assert "I can't tell who somebody is." in answer.text
    assert seen(answer)["methods"] == ["header", "faces"]
    nobody = await ask(vision, "How many faces?", plain(200, 200))
    assert nobody.text.startswith("I find no face.")


async def test_decodes_qr_codes_and_barcodes(vision: SystemVisionRunner) -> None:
    answer = await ask(vision, "What does the QR code say?", qr("https://example.com/?q=1"))
    assert answer.text == "There is a QR code (bottom right); it says “https://example.com/?q=1”."
    answer = await ask(vision, "Read the barcode", ean13("4006381333931"))
    assert answer.text == "There is an EAN-13 barcode (centre); it says “4006381333931”."
    answer = await ask(vision, "Any barcode?", plain(200, 100))
    assert answer.text == "I find no QR code or barcode."


async def test_tells_size_format_and_transparency_without_decoding(
    vision: SystemVisionRunner,
) -> None:
    picture = encoded(plain(1600, 900, (0, 0, 0, 0), "RGBA"))
    answer = await ask(vision, "What size and format is it?", picture)
    assert "1600 x 900 pixels (landscape 16:9, 1.4 megapixels), a PNG file" in answer.text
    assert "with transparency" in answer.text
    assert seen(answer)["methods"] == ["header"]
    assert seen(answer)["image_format"] == "PNG"
    assert seen(answer)["image_size_bytes"] == len(picture)


async def test_describes_step_by_step_and_says_what_it_cannot_see(
    vision: SystemVisionRunner,
) -> None:
    events = [event async for event in vision.stream(question("Describe it", sign()))]
    steps = [event for event in events if isinstance(event, Progress)]
    metadata = [step.metadata or {} for step in steps]
    assert list(dict.fromkeys(step.stage for step in steps)) == ["colours", "codes", "faces", "ocr"]
    assert all(before.done <= after.done for before, after in pairwise(steps))
    assert steps[-1].done == steps[-1].total == metadata[-1]["total_steps"] == 4
    assert [m["processing_region"] for m in metadata if "processing_region" in m]
    assert metadata[-1]["scene_description"].startswith(
        "A picture of 480 x 360 pixels, mainly green"
    )
    texts = [event.text for event in events if isinstance(event, TextDelta)]
    assert isinstance(events[0], TextDelta)  # the size is told before anything is analysed
    assert "".join(texts).endswith("I can't tell what else it shows.")
    assert [type(event) for event in events[-2:]] == [Usage, Finish]
    assert all(set(event.metadata or {}) <= KEYS.keys() for event in events)


ROUTES = [
    ("", {"colours", "codes", "faces", "ocr"}),
    ("What is in this picture?", {"colours", "codes", "faces", "ocr"}),
    ("Read the text.", {"ocr"}),
    ("Is there any text?", {"ocr"}),
    ("圖中寫什麼？", {"ocr"}),  # noqa: RUF001
    ("Was steht auf dem Schild?", {"ocr"}),
    ("¿Qué dice el cartel?", {"ocr"}),
    ("Que dit le texte ?", {"ocr"}),
    ("What colour is it?", {"colours"}),
    ("Is it gray?", {"colours"}),
    ("這是什麼顏色？", {"colours"}),  # noqa: RUF001
    ("Welche Farbe hat es?", {"colours"}),
    ("¿De qué color es?", {"colours"}),
    ("De quelle couleur est-ce ?", {"colours"}),
    ("How many people are there?", {"faces"}),
    ("有幾個人？", {"faces"}),  # noqa: RUF001
    ("Wo ist das Gesicht?", {"faces"}),
    ("¿Dónde está la cara?", {"faces"}),
    ("Is there a QR code, and what does it say?", {"codes"}),
    ("Où est le code QR ?", {"codes"}),
    ("How big is it?", set()),
    ("Is it portrait or landscape?", set()),
    ("Where was this photo taken?", set()),
    ("Is this a cat?", set()),
    ("What colour is it and how many faces are there?", {"colours", "faces"}),
    ("Where is the red and what does it say?", {"colours", "ocr"}),
]


@pytest.mark.parametrize(("text", "methods"), ROUTES)
async def test_does_only_the_steps_that_a_question_needs(
    vision: SystemVisionRunner, text: str, methods: set[str]
) -> None:
    answer = await ask(vision, text, plain())
    assert set(seen(answer)["methods"]) == {"header"} | methods
    assert answer.text


@pytest.mark.parametrize("text", ["Is this a cat?", "How old is she?", "What's the weather like?"])
async def test_admits_what_it_cannot_tell(vision: SystemVisionRunner, text: str) -> None:
    answer = await ask(vision, text, plain())
    assert answer.text.startswith("I can't tell")
    assert "read printed text" in answer.text


async def test_reads_text_without_pretending_to_understand_it(vision: SystemVisionRunner) -> None:
    answer = await ask(vision, "Translate the text on the sign", sign())
    assert "“STOP”" in answer.text
    assert answer.text.endswith("I only read it: I can't translate or interpret it.")


async def test_answers_about_several_pictures_in_turn(vision: SystemVisionRunner) -> None:
    answer = await ask(vision, "What colour?", plain(colour="red"), plain(colour="blue"))
    assert answer.text == (
        "Picture 1: The main colour is red (100 %).\nPicture 2: The main colour is blue (100 %)."
    )
    assert [thing["image"] for thing in seen(answer)["detected_objects"]] == [0, 1]
    assert answer.usage == Usage(images=2)


async def test_a_later_question_is_about_the_picture_before(vision: SystemVisionRunner) -> None:
    messages = (
        Message("user", (TextPart("How big is it?"), ImagePart(encoded(plain(colour="blue"))))),
        Message("assistant", "It is 8 x 8 pixels."),
        Message("user", "And what colour is it?"),
    )
    async with aclosing(vision.stream(ChatRequest(messages))) as events:
        texts = [event.text async for event in events if isinstance(event, TextDelta)]
    assert texts == ["The main colour is blue (100 %)."]


async def test_a_long_page_is_read_line_by_line(vision: SystemVisionRunner) -> None:
    answer = await ask(vision, "What does the page say?", page(6))
    lines = answer.text.splitlines()
    assert lines[0] == "I read 6 lines:"
    assert lines[1:] == [f"Line number {i} of this page" for i in range(6)]


@pytest.mark.parametrize(
    ("params", "text", "picture", "expected"),
    [
        ({"min_confidence": 1.0}, "Read it", sign, "I can't read any text in this picture."),
        ({"colours": 1}, "What colours?", sign, "The main colour is green (80 %)."),
        ({"face_min_size": 200}, "How many faces?", two_people, "I find no face."),
        ({"read_side": 320}, "Is there any text?", lambda: page(2), "Yes, 2 lines of text."),
    ],
)
async def test_a_request_may_say_how_to_look(
    vision: SystemVisionRunner, params: dict[str, Any], text: str, picture: Any, expected: str
) -> None:
    answer = await ask(vision, text, picture(), params=params)
    assert answer.text.startswith(expected)
