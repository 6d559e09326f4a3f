"""The picture that the demo draws: a road sign on grass, with words to read."""

from __future__ import annotations

import io
import math

SIZE = (640, 480)
SIGN = "STOP"
CAPTION = "Road closed 9:00 to 17:00"
_GRASS, _SKY, _POLE = (86, 140, 62), (150, 196, 235), (110, 110, 115)
_RED, _WHITE = (190, 22, 30), (255, 255, 255)
_HORIZON, _CENTRE, _RADIUS = 330, (320, 175), 140


def road_sign() -> bytes:
    """A PNG: a red octagon that says STOP in white, and a caption on the grass below it."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", SIZE, _SKY)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, _HORIZON, *SIZE), fill=_GRASS)
    draw.rectangle(
        (_CENTRE[0] - 8, _CENTRE[1], _CENTRE[0] + 8, _HORIZON + 20), fill=(110, 110, 115)
    )
    draw.polygon(_octagon(_RADIUS + 8), fill=_WHITE)
    draw.polygon(_octagon(_RADIUS), fill=_RED)
    for text, size, place in ((SIGN, 88, _CENTRE), (CAPTION, 36, (_CENTRE[0], 420))):
        draw.text(place, text, _WHITE, ImageFont.load_default(size), anchor="mm")
    encoded = io.BytesIO()
    image.save(encoded, "PNG")
    return encoded.getvalue()


def _octagon(radius: float) -> list[tuple[float, float]]:
    turns = (math.pi / 8 + math.pi / 4 * corner for corner in range(8))
    x, y = _CENTRE
    return [(x + radius * math.cos(turn), y + radius * math.sin(turn)) for turn in turns]
