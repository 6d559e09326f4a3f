"""Whether bytes are the whole picture that they are said to be: its header, its end, its pixels."""

from __future__ import annotations

from importlib.util import find_spec
from io import BytesIO

from breeze.runners._image_form import ImageForm, NoPicture, ended, read_form

MOST_PIXELS = 100_000_000
"""Of one picture: what is larger would fill the memory when it is decoded."""
ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}


def whole_form(data: bytes) -> ImageForm:
    """The form of the picture. Blocks while it is decoded, where Pillow is installed.

    Raises NoPicture when it is none, is cut, is too large, or cannot be decoded.
    """
    form = read_form(data)
    if form.mime not in ENDINGS:
        raise NoPicture("is neither PNG, JPEG nor WebP")
    if not ended(data, form.mime):
        raise NoPicture("ends in the middle")
    if not 0 < form.width * form.height <= MOST_PIXELS:
        raise NoPicture(f"has {form.width}x{form.height} pixels")
    if find_spec("PIL") is not None:
        _decode(data, form)
    return form


def _decode(data: bytes, form: ImageForm) -> None:
    from PIL import Image

    kind = form.mime.removeprefix("image/").upper()
    try:
        with Image.open(BytesIO(data), formats=(kind,)) as image:
            image.load()
            size = image.size
    except Exception as error:  # a broken file makes decoders raise anything
        raise NoPicture("cannot be decoded") from error
    if size != (form.width, form.height):
        raise NoPicture("has another size than its header says")
