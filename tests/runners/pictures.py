"""Small pictures made for the tests, and asking about them."""

from __future__ import annotations

import io
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from breeze.contracts.answers import ChatAnswer
from breeze.contracts.messages import ImagePart, Message, TextPart
from breeze.contracts.requests import ChatRequest
from breeze.contracts.results import collect
from breeze.runners.system_vision import SystemVisionRunner

if TYPE_CHECKING:
    from PIL import Image


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The bytes of a picture file."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def plain(width: int = 8, height: int = 8, colour: Any = "red", mode: str = "RGB") -> Image.Image:
    """One colour all over."""
    from PIL import Image

    return Image.new(mode, (width, height), colour)


def sign() -> Image.Image:
    """A red sign with white letters on a green ground, 480 x 360."""
    from PIL import ImageDraw, ImageFont

    picture = plain(480, 360, (60, 150, 60))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((130, 90, 350, 230), fill=(200, 20, 20))
    draw.text((240, 160), "STOP", font=ImageFont.load_default(80), fill="white", anchor="mm")
    draw.text((240, 320), "Road closed", font=ImageFont.load_default(30), fill="white", anchor="mm")
    return picture


def page(lines: int = 12, size: int = 32) -> Image.Image:
    """A white page of numbered lines, 900 x 1200; letters of `size` pixels."""
    from PIL import ImageDraw, ImageFont

    picture = plain(900, 1200, "white")
    draw = ImageDraw.Draw(picture)
    for i in range(lines):
        text = f"Line number {i} of this page"
        draw.text(
            (60, 60 + i * min(80, 1100 // lines)),
            text,
            font=ImageFont.load_default(size),
            fill="black",
        )
    return picture


def qr(text: str) -> Image.Image:
    """A QR code at the lower right of a white picture of 500 x 400."""
    import cv2
    from PIL import Image

    modules = Image.fromarray(cv2.QRCodeEncoder.create().encode(text))
    picture = plain(500, 400, "white")
    picture.paste(modules.resize((200, 200), Image.Resampling.NEAREST), (280, 180))
    return picture


_LEFT = (
    "0001101", "0011001", "0010011", "0111101", "0100011",
    "0110001", "0101111", "0111011", "0110111", "0001011",
)  # fmt: skip
_ODD = (
    "LLLLLL", "LLGLGG", "LLGGLG", "LLGGGL", "LGLLGG",
    "LGGLLG", "LGGGLL", "LGLGLG", "LGLGGL", "LGGLGL",
)  # fmt: skip


def ean13(digits: str) -> Image.Image:
    """The barcode of 13 digits, on white."""
    from PIL import ImageDraw

    right = [code.translate(str.maketrans("01", "10")) for code in _LEFT]
    codes = {"L": _LEFT, "R": right, "G": [code[::-1] for code in right]}
    kinds = _ODD[int(digits[0])] + "RRRRRR"
    bars = [codes[kind][int(digit)] for kind, digit in zip(kinds, digits[1:], strict=True)]
    modules = "101" + "".join(bars[:6]) + "01010" + "".join(bars[6:]) + "101"
    picture = plain(480, 240, "white")
    draw = ImageDraw.Draw(picture)
    for i, module in enumerate(modules):
        if module == "1":
            draw.rectangle((50 + 4 * i, 40, 53 + 4 * i, 200), fill="black")
    return picture


def two_people() -> Image.Image:
    """The same portrait twice: large on the left, small on the right."""
    from PIL import Image

    source = files("matplotlib") / "mpl-data" / "sample_data" / "grace_hopper.jpg"
    portrait = Image.open(io.BytesIO(source.read_bytes())).convert("RGB").resize((256, 300))
    picture = plain(600, 300, (200, 200, 210))
    picture.paste(portrait, (0, 0))
    picture.paste(portrait.resize((170, 200)), (420, 60))
    return picture


def question(text: str, *pictures: bytes | Image.Image, **fields: Any) -> ChatRequest:
    """A request with one user message."""
    parts = [ImagePart(p if isinstance(p, bytes) else encoded(p)) for p in pictures]
    return ChatRequest((Message("user", (TextPart(text), *parts)),), **fields)


async def ask(
    runner: SystemVisionRunner, text: str, *pictures: bytes | Image.Image, **fields: Any
) -> ChatAnswer:
    """The whole answer."""
    answer = await collect(runner.stream(question(text, *pictures, **fields)))
    assert isinstance(answer, ChatAnswer)
    return answer
