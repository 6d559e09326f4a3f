"""Opening a picture safely: every limit is checked from its header, before a pixel is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from breeze.contracts.errors import InputError, TooLargeError
from breeze.runners._vision_stop import Stop, StoppableBytes, Stopped

if TYPE_CHECKING:
    from PIL import Image

_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "AVIF")
"""What is decoded. Formats that call other programs are not among them."""
_LONGEST = 2000
"""Pixels of the longer side of the copy that is looked at."""
_LONGEST_LOW = 640
"""The same when the caller asked for little detail."""
_ORIENTATION = 0x0112
_TURNS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
"""By EXIF orientation, Pillow's number of the transposition that undoes it."""
_WHITE = (255, 255, 255, 255)


@dataclass(frozen=True)
class Limits:
    """The most that a picture may have: bytes as encoded, pixels as decoded."""

    bytes: int
    pixels: int


class Picture:
    """One picture. The header is read at once, the pixels when they are first needed.

    Width and height in pixels, as shown (turned as its EXIF data says).
    """

    def __init__(self, data: bytes, field: str, limits: Limits, stop: Stop, *, low: bool) -> None:
        """Raises InputError and TooLargeError, both naming `field`."""
        self._field = field
        self._stop = stop
        self._longest = _LONGEST_LOW if low else _LONGEST
        self.size_bytes = len(data)
        if self.size_bytes > limits.bytes:
            raise _too_large(field, "bytes", limits.bytes, self.size_bytes)
        self._image = image = self._open(data, limits)
        if image.width * image.height > limits.pixels:
            raise _too_large(field, "pixels", limits.pixels, image.width * image.height)
        self._turn = _TURNS.get(self._orientation())
        sideways = self._turn in (2, 4, 5, 6)
        self.width, self.height = image.size[::-1] if sideways else image.size
        self.format = "JPEG" if image.format == "MPO" else str(image.format)
        self.mode = image.mode
        self.transparent = "A" in image.getbands() or "transparency" in image.info
        self.animated = image.format != "MPO" and bool(getattr(image, "is_animated", False))

    def _open(self, data: bytes, limits: Limits) -> Image.Image:
        from PIL import Image

        try:
            return Image.open(StoppableBytes(data, self._stop), formats=_readable())
        except Stopped:
            raise
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise _too_large(self._field, "pixels", limits.pixels, None) from None
        except Exception as error:  # a broken file makes decoders raise anything
            raise self._broken() from error

    def _orientation(self) -> int:
        """As EXIF counts, 1 being upright. Only what stands before the pixels is looked at."""
        image = self._image
        if image.format == "PNG" and not {"exif", "Raw profile type exif"} & image.info.keys():
            return 1  # Pillow would decode the whole picture to look behind it
        try:
            return int(image.getexif().get(_ORIENTATION, 1))
        except Stopped:
            raise
        except Exception:  # broken EXIF data is no reason to refuse the picture
            return 1

    @cached_property
    def pixels(self) -> Any:
        """An array of height x width x 3 bytes (red, green, blue), shrunk to a workable size.

        Raises InputError when the file is broken.
        """
        import numpy

        try:
            return numpy.asarray(self._decoded())
        except Stopped:
            raise
        except Exception as error:  # a broken file makes decoders raise anything
            raise self._broken() from error

    def _decoded(self) -> Image.Image:
        from PIL import Image

        image = self._image
        image.draft("RGB", (self._longest,) * 2)  # JPEG only: decodes at a fraction of the size
        image.load()
        self._stop.check()
        coarse = max(image.size) // self._longest
        if coarse > 1 and image.mode in ("RGB", "L", "CMYK"):
            image = image.reduce(coarse)
            self._stop.check()
        image = _in_colour(image, transparent=self.transparent)
        self._stop.check()
        image.thumbnail((self._longest,) * 2, Image.Resampling.BILINEAR, reducing_gap=1.0)
        self._stop.check()
        return image if self._turn is None else image.transpose(Image.Transpose(self._turn))

    @property
    def scale(self) -> float:
        """How many pixels of the picture one pixel of the copy stands for."""
        height, width = self.pixels.shape[:2]
        return float(max(self.width / width, self.height / height))

    def _broken(self) -> InputError:
        return InputError(
            f"{self._field} is not a whole picture in a known format: send {', '.join(_FORMATS)}.",
            field=self._field,
        )


@cache
def _readable() -> tuple[str, ...]:
    """Those of our formats that this Pillow can decode."""
    from PIL import Image

    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


def _in_colour(image: Image.Image, *, transparent: bool) -> Image.Image:
    """Red, green and blue; what is transparent becomes white."""
    from PIL import Image

    if image.mode[0] in "IF":
        image = _eight_bits(image)
    if not transparent:
        return image if image.mode == "RGB" else image.convert("RGB")
    layered = image.convert("RGBA")
    ground = Image.new("RGBA", layered.size, _WHITE)
    return Image.alpha_composite(ground, layered).convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """A picture of wide numbers, stretched from its darkest to its lightest."""
    import numpy
    from PIL import Image

    values = numpy.nan_to_num(numpy.asarray(image, dtype=numpy.float32))
    low, high = float(values.min()), float(values.max())
    grey = (values - low) * (255 / ((high - low) or 1))
    return Image.fromarray(grey.astype(numpy.uint8))


def _too_large(field: str, unit: str, limit: int, asked: int | None) -> TooLargeError:
    has = f"has {asked} {unit}" if asked is not None else f"has too many {unit}"
    return TooLargeError(
        f"{field} {has}, the limit is {limit}: send a smaller picture or raise max_{unit}.",
        field=field,
        data={"limit": limit} | ({"asked": asked} if asked is not None else {}),
    )
