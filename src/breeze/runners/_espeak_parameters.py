"""What the runner `espeak` can be told."""

from __future__ import annotations

from breeze.contracts.fields import Choice, choice, integer
from breeze.contracts.parameters import Parameters
from breeze.runners._voice_fields import bit_rate, chunk_length

PUNCTUATION = {"none": 0, "all": 1}
CAPITALS = {"none": 0, "say": 2, "raise": 20}
"""Names of the options and what the library calls them."""


class EspeakParameters(Parameters):
    """Voice, pace and sound; a request may change all of it."""

    voice: str = choice(
        "en-us",
        (),
        "Voice when the request names neither voice nor language: a language, a name, or either "
        "with a variation, such as en-us+f3",
        load="voices",
        category="Voice",
        per_request=True,
    )
    rate: int = integer(
        175,
        "Pace at speed 1",
        low=80,
        high=450,
        step=5,
        unit="words/min",
        category="Voice",
        per_request=True,
    )
    pitch: int = integer(
        50, "Height of the voice", low=0, high=99, step=1, category="Voice", per_request=True
    )
    range: int = integer(
        50,
        "Liveliness: how far the pitch moves, 0 being monotone",
        low=0,
        high=99,
        step=1,
        category="Voice",
        per_request=True,
    )
    word_gap: int = integer(
        0,
        "Silence added between words",
        low=0,
        high=1000,
        step=10,
        unit="ms",
        category="Voice",
        per_request=True,
    )
    volume: int = integer(
        100,
        "Loudness; above 100 the sound may clip",
        low=0,
        high=200,
        step=5,
        unit="%",
        category="Sound",
        per_request=True,
    )
    punctuation: str = choice(
        "none",
        [
            Choice("none", "Not spoken", "Marks only shape pauses and melody"),
            Choice("all", "Spoken", "Marks are named, as for reading code"),
        ],
        "Whether punctuation is named",
        category="Reading",
        per_request=True,
    )
    capitals: str = choice(
        "none",
        [
            Choice("none", "Not marked"),
            Choice("say", "Said", "The word 'capital' is said before"),
            Choice("raise", "Raised", "Words with capitals are said higher"),
        ],
        "How capital letters are told",
        category="Reading",
        per_request=True,
    )
    chunk_ms: int = chunk_length()
    bitrate: int = bit_rate()
