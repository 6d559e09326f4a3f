"""Faces seen from the front (Haar cascade), QR codes and barcodes, all by OpenCV."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from breeze.contracts.errors import NotLoadedError
from breeze.runners._vision_facts import Code, Region
from breeze.runners._vision_stop import Stop

_CASCADE = "haarcascade_frontalface_alt2.xml"
_FACES_SIDE, _CODES_SIDE = 800, 1400
"""Pixels of the longer side of the copy in which they are looked for."""
_STEP = 1.1
_BAND = 1.12
"""Faces are looked for size by size, from one to 1.12 times it, so that a stop is quick."""
_NEIGHBOURS, _OVERLAP = 5, 0.2
_MARGINS = (0.1, 0.3)


class FaceFinder:
    """A loaded cascade. Its native part serves one call at a time."""

    def __init__(self) -> None:
        """Raises NotLoadedError when OpenCV came without its cascades."""
        import cv2

        folder = Path(cv2.__file__).parent / "data"
        self._cascade = cv2.CascadeClassifier(str(folder / _CASCADE))
        self._lock = threading.Lock()
        if self._cascade.empty():
            raise NotLoadedError(
                f"OpenCV {cv2.__version__} has no {_CASCADE}: "
                "run pip install 'opencv-python-headless>=4.11,<5'."
            )

    def find(
        self, pixels: Any, scale: float, least: int, stop: Stop, count: Callable[[], None]
    ) -> list[Region]:
        """Faces from left to right. `least`: their least width in pixels of the picture."""
        import cv2

        grey, shrunk = _grey(pixels, _FACES_SIDE)
        scale *= shrunk
        size, seen = max(20.0, least / scale), []
        while size <= min(grey.shape):
            stop.check()
            low, high = (int(size),) * 2, (int(size * _BAND),) * 2
            with self._lock:
                found = self._cascade.detectMultiScale(
                    grey, _STEP, minNeighbors=0, minSize=low, maxSize=high
                )
            seen += [list(map(int, face)) for face in found]
            size = int(size * _BAND) + 1
            count()
        faces, _ = cv2.groupRectangles(seen, _NEIGHBOURS, _OVERLAP)
        return sorted(Region.scaled(x, y, w, h, scale) for x, y, w, h in faces)


def codes(pixels: Any, scale: float, stop: Stop, count: Callable[[], None]) -> list[Code]:
    """QR codes, decoded where that is possible, and the barcodes that can be decoded."""
    import cv2

    grey, shrunk = _grey(pixels, _CODES_SIDE)
    scale *= shrunk
    _, contents, corners, _ = cv2.QRCodeDetector().detectAndDecodeBytesMulti(grey)
    said = [content.decode("utf-8", "replace") for content in contents]
    found = _codes(["QR code"] * len(said), said, corners, 0, scale)
    count()
    for margin in _MARGINS:
        stop.check()
        bars = _barcodes(grey, round(margin * max(grey.shape)), scale)
        count()
        if bars:
            return found + bars
    return found


def _barcodes(grey: Any, margin: int, scale: float) -> list[Code]:
    """The barcodes of a slightly blurred copy with a margin, which OpenCV finds more easily."""
    import cv2

    wide = cv2.copyMakeBorder(grey, *(margin,) * 4, cv2.BORDER_REPLICATE)
    soft = cv2.GaussianBlur(wide, (3, 3), 0)
    _, texts, kinds, corners = cv2.barcode.BarcodeDetector().detectAndDecodeWithType(soft)
    names = [f"{kind.replace('_', '-')} barcode" for kind in kinds]
    return [code for code in _codes(names, texts, corners, margin, scale) if code.text]


def _codes(kinds: list[str], texts: Any, corners: Any, margin: int, scale: float) -> list[Code]:
    if corners is None:
        return []
    return [
        Code(kind, text, _around(points - margin, scale))
        for kind, text, points in zip(kinds, texts, corners, strict=False)
    ]


def _around(points: Any, scale: float) -> Region:
    (x, y), (right, bottom) = points.min(0).tolist(), points.max(0).tolist()
    return Region.scaled(x, y, right - x, bottom - y, scale)


def _grey(pixels: Any, side: int) -> tuple[Any, float]:
    """A grey copy no longer than `side`, and how many pixels one of it stands for."""
    import cv2

    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    shrunk = max(1.0, max(grey.shape) / side)
    if shrunk > 1:
        size = (max(1, round(grey.shape[1] / shrunk)), max(1, round(grey.shape[0] / shrunk)))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return grey, shrunk
