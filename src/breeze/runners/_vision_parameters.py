"""What system_vision can be told."""

from __future__ import annotations

from breeze.contracts.fields import integer, number
from breeze.contracts.parameters import Parameters
from breeze.runners._picture_limits import fetching, most_bytes, most_images, most_pixels


class SystemVisionParameters(Parameters):
    """What system_vision can be told."""

    min_confidence: float = number(
        0.6,
        "How sure the reader must be of a line of text",
        low=0,
        high=1,
        step=0.05,
        precision=2,
        category="Reading",
        per_request=True,
    )
    read_side: int = integer(
        960,
        "Longer side of the copy in which lines of text are looked for. More finds smaller "
        "letters, takes longer and is slower to stop",
        low=320,
        high=1920,
        step=32,
        unit="pixels",
        category="Reading",
        per_request=True,
    )
    max_lines: int = integer(
        200, "Lines of text that are read in one picture", low=1, high=1000, category="Reading"
    )
    face_min_size: int = integer(
        30,
        "Least width of a face",
        low=16,
        high=2000,
        unit="pixels",
        category="Looking",
        per_request=True,
    )
    colours: int = integer(
        4, "Colours that are named", low=1, high=13, category="Looking", per_request=True
    )
    max_images: int = most_images()
    max_bytes: int = most_bytes()
    max_pixels: int = most_pixels()
    fetch_images: str = fetching()
    threads: int = integer(
        1,
        "Threads of one native call. OpenCV shares the setting with the whole process",
        low=1,
        high=64,
        category="Speed",
        requires_reload=True,
    )
