"""Rules on odd input: an answer, or an error of the closed set that says what to do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

from breeze.contracts.capability import Capability
from breeze.contracts.errors import (
    CODES,
    InputError,
    NotFoundError,
    RunnerError,
    TooLargeError,
)
from breeze.contracts.request import Request
from breeze.contracts.requests import TranscribeRequest
from breeze.testing.bench import Bench
from breeze.testing.media import pcm, png, wav
from breeze.testing.rule import Failed, NotApplicable, Rule
from breeze.testing.run import Run
from breeze.testing.samples import renewed, reworded, seeing

_ODD_TEXT = "Zażółć 你好世界 שלום नमस्ते 👩‍🚀🏳️‍🌈 \u202eright to left\u202c e\u0301 \u0000\u200b !"
_LONG_TEXT = "A sentence that goes on and on. " * 4_000
_Inputs = Callable[[Bench], Iterator[Request[Any]]]


def _texts(text: str) -> _Inputs:
    def requests(bench: Bench) -> Iterator[Request[Any]]:
        for capability in bench.of_method("chat", "speak", "moderate", "draw", "embed"):
            yield reworded(bench.samples.short(capability), lambda _: text)

    return requests


def _sounds(*sounds: bytes) -> _Inputs:
    def requests(bench: Bench) -> Iterator[Request[Any]]:
        if Capability.ASR in bench.capabilities:
            yield from (TranscribeRequest(audio=sound) for sound in sounds)

    return requests


def _pictures(*pictures: bytes) -> _Inputs:
    def requests(bench: Bench) -> Iterator[Request[Any]]:
        if Capability.VLM in bench.capabilities:
            yield from (seeing("What is this?", data, max_tokens=16) for data in pictures)

    return requests


def _live(bench: Bench) -> Iterator[Request[Any]]:
    if Capability.ASR in bench.capabilities:
        yield TranscribeRequest(live=_blocks(), sample_rate=16_000)


async def _blocks() -> AsyncIterator[bytes]:
    sound = pcm(1.0)
    for at in range(0, len(sound), 3_200):
        yield sound[at : at + 3_200]


def _strange_models(bench: Bench) -> Iterator[Request[Any]]:
    for capability in bench.capabilities:
        yield renewed(bench.samples.short(capability), model="no-such-model")


def _survives(inputs: _Inputs, *, endless: bool = False) -> Callable[[Bench], Awaitable[None]]:
    async def check(bench: Bench) -> None:
        requests = [r for r in inputs(bench) if not any(r.problems())]
        if not requests:
            raise NotApplicable("it takes no such input, or the engine refuses it before")
        runner = await bench.shared()
        most, seconds = bench.limits.long_events, bench.limits.long_answer
        for request in requests:
            if endless:
                run = await bench.drive(runner, request, most=most, seconds=seconds)
            else:
                run = await bench.drive(runner, request)
            if why := _unacceptable(run):
                raise Failed(f"{request.capability.method}: {why}")

    return check


def _unacceptable(run: Run) -> str:
    """Why neither the answer nor the error will do; empty when it will."""
    if run.late:
        return "it did not end"
    if run.broken is not None and not run.known:
        return str(run.broken)
    error = run.error
    if error is None:
        return ""
    if not in_closed_set(error):
        return f"it raised {type(error).__name__}, which is not in breeze.contracts.errors"
    assert isinstance(error, RunnerError)
    if not error.message.strip():
        return f"{error.code} has no message"
    if error.retryable:
        return f"{error.code} is marked retryable, but the input will not get better"
    if isinstance(error, InputError | TooLargeError | NotFoundError) and not error.field:
        return f"{error.code} does not name the field"
    return ""


def in_closed_set(error: BaseException) -> bool:
    """True for a RunnerError of one of the known codes."""
    return isinstance(error, RunnerError) and isinstance(error, CODES.get(error.code, ()))


async def _model(bench: Bench) -> None:
    await _survives(_strange_models)(bench)
    runner = bench.make()
    try:
        await bench.load(runner, "no-such-model")
    except RunnerError as error:
        if why := _unacceptable(Run(bench.samples.short(bench.capabilities[0]), error=error)):
            raise Failed(f"load: {why}") from error
    except Exception as error:  # whatever it raises breaks the rule
        raise Failed(f"load raised {type(error).__name__}: {error}") from error
    finally:
        await runner.unload()


async def _closed_set(bench: Bench) -> None:
    await bench.survey()
    for where, error in bench.errors:
        if not in_closed_set(error):
            raise Failed(f"{where} raised {type(error).__name__}: {error}")


_BROKEN_SOUNDS = (wav(0.5)[:30], b"RIFF" + bytes(100), bytes(range(256)) * 8)
_BROKEN_PICTURES = (png(64, 48)[:40], b"\x89PNG\r\n\x1a\n" + bytes(60), b"not a picture at all")

_INPUTS: dict[str, tuple[str, _Inputs]] = {
    "inputs.empty": ("empty text is answered or refused", _texts("")),
    "inputs.unicode": ("any script and sign is answered or refused", _texts(_ODD_TEXT)),
    "inputs.silence": ("silence is answered or refused", _sounds(wav(1.0, tone=0))),
    "inputs.8khz": ("8 kHz sound is answered or refused", _sounds(wav(1.0, 8_000))),
    "inputs.live": ("a live source is answered or refused", _live),
    "inputs.broken-audio": ("broken sound is answered or refused", _sounds(*_BROKEN_SOUNDS)),
    "inputs.tiny-image": ("one pixel is answered or refused", _pictures(png(1, 1))),
    "inputs.broken-image": ("broken pictures are refused", _pictures(*_BROKEN_PICTURES)),
}
RULES = (
    *(Rule(name, title, _survives(inputs)) for name, (title, inputs) in _INPUTS.items()),
    Rule(
        "inputs.long",
        "very long text is answered or refused",
        _survives(_texts(_LONG_TEXT), endless=True),
    ),
    Rule("inputs.model", "an unknown model is refused with a reason", _model),
)
CLOSED = (Rule("errors.closed", "no error is outside breeze.contracts.errors", _closed_set),)
"""Looks at all that was raised before: it comes last."""
