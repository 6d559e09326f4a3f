"""Names of colours, their shares and places, and the colours of a piece of text.

Colours are compared in CIE Lab, where distance is close to what people see.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from breeze.runners._vision_facts import Colour, Region

_NAMES: dict[str, tuple[tuple[int, int, int], ...]] = {
    "black": ((12, 12, 12),),
    "white": ((252, 252, 252), (238, 240, 240)),
    "grey": ((128, 128, 128), (75, 75, 78), (185, 187, 190), (215, 216, 218)),
    "red": ((210, 25, 30), (150, 15, 20), (240, 70, 65)),
    "orange": ((245, 140, 25), (230, 100, 20)),
    "yellow": ((245, 225, 45), (250, 240, 130)),
    "green": ((40, 150, 50), (15, 85, 25), (120, 205, 100), (130, 150, 60)),
    "turquoise": ((40, 200, 190), (20, 130, 135)),
    "blue": ((40, 80, 210), (15, 30, 110), (90, 160, 235), (165, 210, 245)),
    "purple": ((125, 45, 165), (70, 25, 100), (175, 130, 215)),
    "pink": ((245, 130, 175), (250, 190, 205), (225, 50, 140)),
    "brown": ((120, 75, 35), (80, 50, 30), (160, 105, 65)),
    "beige": ((230, 210, 175), (205, 180, 145)),
}
COLOURS = tuple(_NAMES)
_SIDE = 96
"""Pixels of the longer side of the copy that is counted."""
_LEAST = 0.02
"""Share of the picture below which a colour is not worth a name."""


def colours(pixels: Any, scale: float) -> list[Colour]:
    """The colours of an RGB array, most frequent first."""
    import cv2
    import numpy

    height, width = pixels.shape[:2]
    shrink = min(1.0, _SIDE / max(height, width))
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    named = _named(cv2.resize(pixels, size, interpolation=cv2.INTER_NEAREST))
    shares = numpy.bincount(named.ravel(), minlength=len(COLOURS)) / named.size
    order = [int(i) for i in numpy.argsort(-shares, kind="stable") if shares[i] >= _LEAST]
    back = scale * width / size[0]
    return [
        Colour(COLOURS[i], round(float(shares[i]), 3), _largest(named == i, back)) for i in order
    ]


def ink_and_ground(pixels: Any, box: tuple[int, int, int, int]) -> tuple[str, str]:
    """The colours of letters and of what they stand on; `box` is x, y, width, height.

    The ground is what the edge of the box shows, the ink what differs most from it inside.
    """
    import numpy

    x, y, width, height = box
    part = pixels[max(0, y) : y + height, max(0, x) : x + width]
    if not part.size:
        return "", ""
    lab = _lab(part)
    edge = numpy.concatenate([lab[0], lab[-1], lab[:, 0], lab[:, -1]])
    ground = numpy.median(edge, axis=0)
    inside = lab.reshape(-1, 3)
    far = numpy.linalg.norm(inside - ground, axis=1)
    ink = numpy.median(inside[far >= numpy.quantile(far, 0.95)], axis=0)
    return _name(ink), _name(ground)


def _lab(pixels: Any) -> Any:
    import cv2
    import numpy

    return cv2.cvtColor(pixels.astype(numpy.float32) / 255, cv2.COLOR_RGB2LAB)


@lru_cache(maxsize=1)
def _references() -> tuple[Any, Any]:
    """Lab values of all samples, and the index of the name of each."""
    import numpy

    samples = [rgb for shades in _NAMES.values() for rgb in shades]
    names = [i for i, shades in enumerate(_NAMES.values()) for _ in shades]
    lab = _lab(numpy.array([samples], dtype=numpy.uint8))[0]
    return lab, numpy.array(names)


def _named(pixels: Any) -> Any:
    """The index of the nearest name of each pixel."""
    return _nearest(_lab(pixels))


def _nearest(lab: Any) -> Any:
    samples, names = _references()
    return names[((lab[..., None, :] - samples) ** 2).sum(-1).argmin(-1)]


def _name(lab: Any) -> str:
    return COLOURS[int(_nearest(lab))]


def _largest(where: Any, scale: float) -> Region:
    """The rectangle round the largest connected area."""
    import cv2
    import numpy

    _, _, stats, _ = cv2.connectedComponentsWithStats(where.astype(numpy.uint8), connectivity=4)
    x, y, width, height, _ = max(stats[1:].tolist(), key=lambda area: area[4])
    return Region.scaled(x, y, width, height, scale)
