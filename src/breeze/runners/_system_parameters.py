"""What the runner `system` can be told."""

from __future__ import annotations

from breeze.contracts.fields import Choice, choice, integer, number, text
from breeze.contracts.parameters import Parameters
from breeze.runners._picture_limits import fetching, most_bytes, most_images, most_pixels
from breeze.runners._voice_fields import bit_rate, chunk_length


class SystemParameters(Parameters):
    """Which programs speak and read, and how."""

    speech_program: str = choice(
        "auto",
        [
            Choice("auto", "The first that is there"),
            Choice("espeak-ng", "eSpeak NG", "Over 100 languages, robotic"),
            Choice("flite", "Flite", "US English, more natural"),
            Choice("say", "say", "The voices of macOS"),
        ],
        "Program that speaks",
        category="Speech",
        requires_reload=True,
    )
    voice: str = choice(
        "",
        (),
        "Voice when the request names neither voice nor language; empty: the program's own",
        load="voices",
        category="Speech",
        per_request=True,
    )
    pace: float = number(
        1.0,
        "Pace at speed 1; 1 is the voice's own",
        low=0.25,
        high=4,
        step=0.05,
        precision=2,
        category="Speech",
        per_request=True,
    )
    chunk_ms: int = chunk_length("Speech")
    bitrate: int = bit_rate("Speech")
    reading_languages: str = text(
        "eng",
        "Languages that are read, as the reading program names them, with + between",
        pattern=r"^[A-Za-z_]{3,16}(\+[A-Za-z_]{3,16}){0,7}$",
        category="Reading",
        per_request=True,
    )
    layout: str = choice(
        "auto",
        [
            Choice("auto", "Found out", "Columns, paragraphs and pictures are told apart"),
            Choice("block", "One block", "All text is one column of lines"),
            Choice("line", "One line"),
            Choice("sparse", "Scattered", "Text in no order, as on signs and screens"),
        ],
        "How the text of a picture lies",
        category="Reading",
        per_request=True,
    )
    min_confidence: float = number(
        0.3,
        "How sure the reader must be of a word",
        low=0,
        high=1,
        step=0.05,
        precision=2,
        category="Reading",
        per_request=True,
    )
    max_images: int = most_images()
    max_bytes: int = most_bytes()
    max_pixels: int = most_pixels()
    fetch_images: str = fetching()
    threads: int = integer(
        1, "Threads of the reading program", low=1, high=64, category="Performance"
    )
