"""Sentences about a picture, each from facts that some step found.

All have one form: facts and question in, a sentence out.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from math import gcd

from breeze.runners._vision_facts import Facts, Line, Region
from breeze.runners._vision_question import Question, colour, names
from breeze.runners._vision_words import Topic

_FEW = 4
"""Lines of text that are told with their colours and places."""
_ABLE = (
    "I read printed text, name colours, find where something is, count faces seen from the front, "
    "decode QR codes and barcodes, and tell the size and format"
)


def scene(facts: Facts) -> str:
    """The picture in one sentence, from what is known so far."""
    seen = [_amount(len(facts.faces), "face")] if facts.faces else []
    seen += [_a(code.kind) for code in facts.codes or ()]
    if facts.lines:
        seen.append("the text " + _listed([f"“{line.text}”" for line in facts.lines[:_FEW]]))
    colours = _listed([c.name for c in facts.colours or ()][:2])
    mainly = f", mainly {colours}" if colours else ""
    shows = f", showing {_listed(seen)}" if seen else ""
    return f"A picture of {facts.width} x {facts.height} pixels{mainly}{shows}."


def unable(facts: Facts, question: Question) -> str:
    """What to say to a question that nothing here answers."""
    return f"I can't tell: I look without understanding what is shown. {_ABLE}."


def text(facts: Facts, question: Question) -> str:
    """The lines, few ones with their colours and places."""
    lines = facts.lines or []
    if not lines:
        return "I can't read any text in this picture."
    more = f" (and {_amount(facts.more_lines, 'more line')})" if facts.more_lines else ""
    if len(lines) > _FEW:
        whole = "\n".join(line.text for line in lines)
        said = f"I read {_amount(len(lines), 'line')}{more}:\n{whole}"
    else:
        said = f"It says {_listed([_told(facts, line) for line in lines])}{more}."
    return f"{said} I only read it: I can't translate or interpret it." if question.beyond else said


def _told(facts: Facts, line: Line) -> str:
    return f"“{line.text}” ({line.ink} on {line.ground}, {facts.place(line.region)})"


def any_text(facts: Facts, question: Question) -> str:
    """Whether there is text, and how much."""
    count = len(facts.lines or ()) + facts.more_lines
    return f"Yes, {_amount(count, 'line')} of text." if count else "No, I find no readable text."


def colours(facts: Facts, question: Question) -> str:
    """The main colours, those that were asked for first."""
    told = [f"{c.name} ({_percent(c.share)})" for c in (facts.colours or [])[: facts.told_colours]]
    main = "The main colours are" if len(told) > 1 else "The main colour is"
    return " ".join([*_shares(facts, question), f"{main} {_listed(told)}."])


def _shares(facts: Facts, question: Question) -> Iterator[str]:
    """What is to be said of the colours that the question names."""
    shares = {c.name: c.share for c in facts.colours or ()}
    for name in question.colours:
        share = shares.get(name)
        yield f"{_percent(share)} of it is {name}." if share else f"I see no area of {name}."


def text_colours(facts: Facts, question: Question) -> str:
    """The colours of letters and of what they stand on."""
    told = [f"“{line.text}” is {line.ink} on {line.ground}" for line in (facts.lines or [])[:_FEW]]
    return f"{_listed(told)}." if told else "I find no text to tell the colour of."


def faces(facts: Facts, question: Question) -> str:
    """How many faces, where, and what that does not say."""
    faces = facts.faces or []
    places = _listed([facts.place(face) for face in faces])
    caution = "I only find faces seen from the front, so people may be missed."
    said = f"I see {_amount(len(faces), 'face')} ({places})." if faces else "I find no face."
    return f"{said} {caution}" + (" I can't tell who somebody is." if question.who else "")


def codes(facts: Facts, question: Question) -> str:
    """What the codes say."""
    told = []
    for code in facts.codes or ():
        says = f"it says “{code.text}”" if code.text else "I can't decode it"
        told.append(f"There is {_a(code.kind)} ({facts.place(code.region)}); {says}.")
    return " ".join(told) or "I find no QR code or barcode."


def size(facts: Facts, question: Question) -> str:
    """Pixels, shape, format and bytes."""
    kind = [f"{facts.format} file of {_bytes(facts.size_bytes)}", f"colour mode {facts.mode}"]
    kind += ["with transparency"] * facts.transparent
    kind += ["of several frames (I look at the first)"] * facts.animated
    return f"It is {facts.width} x {facts.height} pixels ({_shape(facts)}), a {', '.join(kind)}."


def _shape(facts: Facts) -> str:
    width, height = facts.width, facts.height
    form = "square" if width == height else "landscape" if width > height else "portrait"
    across, down = width // gcd(width, height), height // gcd(width, height)
    ratio = f" {across}:{down}" if max(across, down) <= 32 else f" {width / height:.2f}:1"
    return f"{form}{ratio}, {width * height / 1e6:.2g} megapixels"


def where(facts: Facts, question: Question) -> str:
    """Where the thing is that was asked for."""
    places = [*_places(facts, question.target)]
    if not places:
        return f"I can't find “{question.target}”. {_ABLE}."
    told = [f"{facts.place(at)} (x {at.x}, y {at.y}, {at.width} x {at.height})" for at in places]
    one = (
        f"“{question.target}” is at the" if len(told) == 1 else f"I find “{question.target}” at the"
    )
    return f"{one} {_listed(told)} of {facts.width} x {facts.height} pixels."


def _places(facts: Facts, target: str) -> Iterator[Region]:
    for line in facts.lines or ():
        if _alike(target, line.text):
            yield line.region
    kind = names(target)
    if kind is Topic.FACES:
        yield from facts.faces or ()
    elif kind is Topic.CODES:
        yield from (code.region for code in facts.codes or ())
    elif kind is Topic.COLOUR:
        yield from (c.region for c in facts.colours or () if c.name == colour(target))


def _alike(target: str, text: str) -> bool:
    """Whether a line is or holds what is looked for, a misread letter or two forgiven."""
    target, text = target.casefold(), text.casefold()
    return target in text or SequenceMatcher(None, target, text).ratio() > 0.8


def _listed(things: list[str]) -> str:
    return " and ".join([*([", ".join(things[:-1])] if things[:-1] else []), *things[-1:]])


def _amount(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _a(thing: str) -> str:
    return f"an {thing}" if thing[0] == "E" else f"a {thing}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _bytes(size: int) -> str:
    for factor, unit in ((1e6, "MB"), (1e3, "kB")):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size} bytes"
