"""What can be known about a picture, each thing with its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Region(NamedTuple):
    """A rectangle in pixels of the picture as shown, from its top left corner."""

    x: int
    y: int
    width: int
    height: int

    @classmethod
    def scaled(cls, x: float, y: float, width: float, height: float, scale: float) -> Region:
        """From numbers of the copy that was looked at."""
        return cls(*(round(value * scale) for value in (x, y, width, height)))


class Line(NamedTuple):
    """A line of text, the colour of its letters and of what they stand on. Confidence 0 to 1."""

    text: str
    confidence: float
    region: Region
    ink: str = ""
    ground: str = ""


class Colour(NamedTuple):
    """A colour: its share of the picture (0 to 1) and its largest area."""

    name: str
    share: float
    region: Region


class Code(NamedTuple):
    """A QR code or barcode; `text` is empty when it could not be decoded."""

    kind: str
    text: str
    region: Region


@dataclass
class Facts:
    """Everything found so far in one picture. None: nobody looked for it.

    `more_lines`: lines that were found but not read. `told_colours`: how many are told unasked.
    """

    width: int
    height: int
    format: str
    size_bytes: int
    mode: str = "RGB"
    transparent: bool = False
    animated: bool = False
    lines: list[Line] | None = None
    colours: list[Colour] | None = None
    faces: list[Region] | None = None
    codes: list[Code] | None = None
    more_lines: int = 0
    told_colours: int = 4
    methods: list[str] = field(default_factory=lambda: ["header"])

    def objects(self) -> list[dict[str, Any]]:
        """The things that have a place, as `detected_objects` shows them."""
        return [
            *(
                _object("text", x.region, text=x.text, confidence=x.confidence)
                for x in self.lines or ()
            ),
            *(_object("face", region) for region in self.faces or ()),
            *(_object(code.kind, code.region, text=code.text) for code in self.codes or ()),
            *(
                _object("colour", colour.region, name=colour.name, share=colour.share)
                for colour in self.colours or ()
            ),
        ]

    def place(self, region: Region) -> str:
        """Where a region is, in words: "top left", "centre"."""
        across = _third(region.x + region.width / 2, self.width, ("left", "", "right"))
        down = _third(region.y + region.height / 2, self.height, ("top", "", "bottom"))
        return f"{down} {across}".strip() or "centre"


def _object(label: str, region: Region, **more: Any) -> dict[str, Any]:
    return {"label": label, "region": region._asdict(), **more}


def _third(at: float, length: int, names: tuple[str, str, str]) -> str:
    return names[min(2, max(0, int(3 * at / length)))]
