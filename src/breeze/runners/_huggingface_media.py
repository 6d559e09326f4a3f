"""Speech and pictures: what is sent, and what the bytes that come back are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from breeze.contracts.errors import ProcessingError
from breeze.contracts.events import Adjusted, AudioChunk, ImageReady
from breeze.contracts.requests import DrawRequest, SpeakRequest
from breeze.runners._http_json import encoded
from breeze.runners._image_form import ended, image_form
from breeze.runners._sound_form import ENOUGH, Form, form_of

_ENOUGH = max(ENOUGH, 4096)
"""Bytes of sound that are waited for before the first are passed on."""
_TEXT = (b"{", b"<")
_LONGEST = 64 * 1024
"""Bytes of text that may come in the place of sound."""
_UNKNOWN = 0x7FFFFF00
"""From here on a length in a header says that it was not known when that was written."""
_FORMATS = {"image/png": "png", "image/jpeg": "jpeg", "image/webp": "webp"}


def speech_body(request: SpeakRequest) -> bytes:
    """The text; the service knows nothing else of our request."""
    return encoded({"inputs": request.text, "parameters": {}}, "text")


def unspoken(request: SpeakRequest) -> Iterator[Adjusted]:
    """What of the request the service has no field for."""
    for field, usual in (("voice", ""), ("speed", 1.0), ("language", ""), ("instructions", "")):
        if (asked := getattr(request, field)) != usual:
            yield Adjusted(field, asked, usual, "the service takes the text alone")


class Sound:
    """Turns the bytes of an answer into events, once it is clear what they are.

    `waiting`: those that have not been passed on.
    """

    def __init__(self, request: SpeakRequest, where: str) -> None:
        self._request = request
        self._where = where
        self.waiting = b""
        self._form: Form | None = None
        self._index = self._size = self._promised = 0

    def take(self, data: bytes) -> Iterator[Adjusted | AudioChunk]:
        """The events that `data` brings."""
        self.waiting += data
        text = self._form is None and self.waiting[:1] in _TEXT
        if text and len(self.waiting) > _LONGEST:
            self._found()  # raises: it is no sound
        if not text and (self._form is not None or len(self.waiting) >= _ENOUGH):
            yield from self._given()

    def end(self) -> Iterator[Adjusted | AudioChunk]:
        """The last events. Raises ProcessingError when nothing came that is sound."""
        if self.waiting or self._form is None:
            yield from self._given()
        if self._size < self._promised:
            raise _cut(self._where, self._size, self._promised)

    def _given(self) -> Iterator[Adjusted | AudioChunk]:
        self._size += len(self.waiting)
        if self._form is None:
            self._form = self._found()
            self._promised = _promised(self.waiting)
            yield from self._otherwise(self._form)
        form, data, self.waiting = self._form, self.waiting, b""
        if data:
            yield AudioChunk(data, self._index, form.rate, form.channels, form.format)
            self._index += 1

    def _found(self) -> Form:
        form = form_of(self.waiting, "")
        if not form.format or self.waiting[:1] in _TEXT:
            raise ProcessingError(
                f"{self._where} sent no sound that is known here ({len(self.waiting)} bytes). "
                "Does the model speak?",
                detail="malformed",
                retryable=False,
            )
        return form

    def _otherwise(self, form: Form) -> Iterator[Adjusted]:
        request, why = self._request, "the model decides it"
        if form.format != request.format:
            yield Adjusted("format", request.format, form.format, why)
        if request.sample_rate is not None and form.rate not in (0, request.sample_rate):
            yield Adjusted("sample_rate", request.sample_rate, form.rate, why)


def picture_body(request: DrawRequest, prompt: str, seed: int | None) -> bytes:
    """What to send for one picture."""
    width, height = request.pixels
    given: dict[str, Any] = {
        "negative_prompt": request.negative_prompt or None,
        "height": height,
        "width": width,
        "num_inference_steps": request.steps,
        "guidance_scale": request.guidance,
        "seed": seed,
    }
    parameters = {name: value for name, value in given.items() if value is not None}
    return encoded({"inputs": prompt, "parameters": parameters}, "prompts")


def seed_of(request: DrawRequest, number: int) -> int | None:
    """The seed of picture `number` of a prompt: the same one would give the same picture."""
    return None if request.seed is None else request.seed + number


def picture(
    data: bytes, request: DrawRequest, index: int, seed: int | None, where: str
) -> Iterator[Adjusted | ImageReady]:
    """One picture. Raises ProcessingError when the bytes are none."""
    form = image_form(data)
    if not form.width:
        raise ProcessingError(
            f"{where} sent no picture that is known here ({len(data)} bytes). Does the model draw?",
            detail="malformed",
            retryable=False,
        )
    if not ended(data, form.mime):
        raise _cut(where, len(data), 0)
    found, why = _FORMATS.get(form.mime, form.mime), "the model decides it"
    if index == 0 and found != request.format:
        yield Adjusted("format", request.format, found, why)
    if index == 0 and request.size and (form.width, form.height) != request.pixels:
        yield Adjusted("size", request.size, f"{form.width}x{form.height}", why)
    yield ImageReady(
        data, index, form.mime, form.width, form.height, seed=seed, prompt=index // request.count
    )


def _promised(data: bytes) -> int:
    """Bytes that a WAV file says it has; 0 for what does not say."""
    if data[:4] != b"RIFF":
        return 0
    size = int.from_bytes(data[4:8], "little")
    return size + 8 if size < _UNKNOWN else 0


def _cut(where: str, size: int, promised: int) -> ProcessingError:
    of = f" of {promised}" if promised else ""
    return ProcessingError(
        f"{where} stopped after {size}{of} bytes. Send the request again.", detail="cut"
    )
