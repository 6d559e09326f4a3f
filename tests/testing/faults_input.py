"""Runners that take one kind of odd input badly: what they raise tells nobody what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from breeze.contracts.errors import InputError, NotFoundError, ProcessingError, RunnerError
from breeze.contracts.request import AUTO
from breeze.runners.mock_asr import MockASRRunner
from breeze.runners.mock_embedding import MockEmbeddingRunner
from breeze.runners.mock_llm import MockLLMRunner
from breeze.runners.mock_vlm import MockVLMRunner, read_header
from tests.testing.faults import Fault, failing

Test = Callable[[Any], bool]


class HomeMadeError(RunnerError):
    """An error with a code of its own."""

    code = "X999"


def _if(test: Test, error: Exception) -> Callable[[Any], Exception | None]:
    return lambda request: error if test(request) else None


_RETRY = ProcessingError("Something went wrong. Try again.")
"""Marked retryable, though the same input fails again."""


_WORDLESS = InputError("", field="audio")
_FIELDLESS = InputError("No.")
_UNPLACED = NotFoundError("No such model.")
_HOME_MADE = HomeMadeError("Mine.")


def _silent(request: Any) -> bool:
    return len(request.audio) > 9_999 and not any(request.audio[44:])


def _cut_off(request: Any) -> bool:
    return len(request.audio) == 30


def _must_call(request: Any) -> bool:
    return bool(request.tool_choice == "required")


def _names_model(request: Any) -> bool:
    return bool(request.model != AUTO)


def _said(request: Any) -> str:
    return "".join(message.text for message in request.messages)


def _beyond_plane_0(request: Any) -> bool:
    return any(ord(sign) > 0xFFFF for text in request.texts for sign in text)


def _at_8khz(request: Any) -> bool:
    return int.from_bytes(request.audio[24:28], "little") == 8_000


def _picture(request: Any) -> bytes:
    return b"".join(image.data for message in request.messages for image in message.images)


def _one_pixel(request: Any) -> bool:
    header = read_header(_picture(request))
    return header is not None and header.width == 1


def _is_broken(request: Any) -> bool:
    return read_header(_picture(request)) is None


FAULTS = [
    Fault("inputs.empty", failing(MockLLMRunner, "NoSilence", _if(lambda r: not _said(r), _RETRY))),
    Fault(
        "inputs.unicode", failing(MockEmbeddingRunner, "PlaneZero", _if(_beyond_plane_0, _RETRY))
    ),
    Fault(
        "inputs.long", failing(MockLLMRunner, "Brief", _if(lambda r: len(_said(r)) > 9_999, _RETRY))
    ),
    Fault("inputs.silence", failing(MockASRRunner, "Lonely", _if(_silent, _FIELDLESS))),
    Fault("inputs.8khz", failing(MockASRRunner, "OnlyWideband", _if(_at_8khz, _RETRY))),
    Fault(
        "inputs.live", failing(MockASRRunner, "Canned", _if(lambda r: r.live is not None, _RETRY))
    ),
    Fault("inputs.broken-audio", failing(MockASRRunner, "Fragile", _if(_cut_off, _WORDLESS))),
    Fault("inputs.tiny-image", failing(MockVLMRunner, "Grand", _if(_one_pixel, _RETRY))),
    Fault("inputs.broken-image", failing(MockVLMRunner, "Blunt", _if(_is_broken, _FIELDLESS))),
    Fault("inputs.model", failing(MockLLMRunner, "Curt", _if(_names_model, _UNPLACED))),
    Fault("errors.closed", failing(MockLLMRunner, "HomeMade", _if(_must_call, _HOME_MADE))),
    Fault("errors.closed", failing(MockLLMRunner, "Foreign", _if(_must_call, KeyError("weather")))),
]
