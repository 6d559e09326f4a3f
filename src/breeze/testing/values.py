"""Which values an event may hold: times in order, shares from 0 to 1, sizes above 0."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import isfinite
from typing import Any

import msgspec

from breeze.contracts.events import AudioChunk, Embedding, ImageReady, Transcript, Verdict
from breeze.contracts.values import Usage, Word


def odd_value(event: Any) -> str:
    """What is wrong with the values of `event`; empty when nothing is."""
    look = _LOOK.get(type(event))
    return look(event) if look is not None else ""


def _share(name: str, value: float | None) -> str:
    return "" if value is None or 0 <= value <= 1 else f"{name} is {value}, not 0 to 1"


def _first(problems: Iterable[str]) -> str:
    return next((problem for problem in problems if problem), "")


def _span(what: str, start: float, end: float) -> str:
    return "" if 0 <= start <= end and isfinite(end) else f"{what} runs from {start} to {end} s"


def _words(words: tuple[Word, ...]) -> str:
    return _first(
        _span(f"word {w.text!r}", w.start, w.end) or _share("confidence", w.confidence)
        for w in words
    )


def _transcript(event: Transcript) -> str:
    return (
        _span("it", event.start, event.end)
        or _share("confidence", event.confidence)
        or _words(event.words)
    )


def _audio(event: AudioChunk) -> str:
    if event.sample_rate <= 0 or event.channels <= 0:
        return f"{event.sample_rate} Hz, {event.channels} channels"
    return _words(event.words)


def _image(event: ImageReady) -> str:
    if event.width <= 0 or event.height <= 0:
        return f"{event.width}x{event.height} pixels"
    if not event.mime.startswith("image/"):
        return f"mime is {event.mime!r}"
    return "" if event.data or event.url or event.file else "it has no data, url or file"


def _vector(event: Embedding) -> str:
    if not event.vector or len(event.vector) % 4:
        return f"{len(event.vector)} bytes are no vector of float32"
    return "" if all(map(isfinite, event.values)) else "the vector holds infinity or NaN"


def _verdict(event: Verdict) -> str:
    return _share("risk", event.risk) or _first(
        _share("score", finding.score) for finding in event.findings
    )


def _usage(event: Usage) -> str:
    figures = msgspec.structs.asdict(event)
    return _first(
        f"{name} is {figure}"
        for name, figure in figures.items()
        if isinstance(figure, int | float) and not 0 <= figure < float("inf")
    )


_LOOK: dict[type, Callable[[Any], str]] = {
    Transcript: _transcript,
    AudioChunk: _audio,
    ImageReady: _image,
    Embedding: _vector,
    Verdict: _verdict,
    Usage: _usage,
}
