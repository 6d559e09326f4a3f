"""Every failure has a code, a status and a remedy, and survives the wire."""

from __future__ import annotations

import pytest
from hypothesis import given

from breeze.contracts import errors, wire
from breeze.contracts.errors import (
    CODES,
    Attempt,
    DeadlineError,
    ErrorInfo,
    InputError,
    ProcessingError,
    RateLimitError,
    RunnerError,
    from_info,
)
from tests.contracts.strategies import structs

# code, HTTP status, whether the same request may succeed later
TABLE = [
    ("E101", 500, True),
    ("E102", 500, False),
    ("E103", 500, False),
    ("E301", 504, True),
    ("E302", 499, False),
    ("E400", 400, False),
    ("E401", 401, False),
    ("E402", 402, False),
    ("E404", 404, False),
    ("E405", 400, False),
    ("E406", 400, False),
    ("E413", 413, False),
    ("E429", 429, True),
    ("E500", 502, True),
    ("E501", 503, True),
    ("E502", 503, True),
    ("E503", 503, False),
    ("E504", 503, False),
    ("E505", 503, True),
    ("G100", 403, False),
]


def test_the_codes_are_a_closed_set() -> None:
    facts = [(code, kind.status, kind.retryable_by_default) for code, kind in CODES.items()]
    assert facts == TABLE
    ours = {kind for kind in RunnerError.__subclasses__() if kind.__module__ == errors.__name__}
    assert set(CODES.values()) == ours


def test_an_error_tells_its_code_and_message() -> None:
    error = InputError("temperature is 9, must be between 0 and 2.", field="temperature")
    assert str(error) == "E400 temperature is 9, must be between 0 and 2."
    assert (error.field, error.status, error.retryable) == ("temperature", 400, False)


def test_an_error_may_differ_from_its_class_in_being_retryable() -> None:
    assert RateLimitError("Slow down.", retry_after=2).retryable
    assert not RateLimitError("Too long ever to fit.", retryable=False).retryable
    assert InputError("Try again.", retryable=True).retryable


def test_the_cause_is_what_raised_it() -> None:
    assert DeadlineError("Late.").cause is None
    broken = OSError("pipe closed")
    with pytest.raises(ProcessingError) as caught:
        raise ProcessingError("The runner broke.") from broken
    assert caught.value.cause is broken
    assert "pipe" not in wire.encode(caught.value.info()).decode()


@pytest.mark.parametrize("code", CODES)
def test_an_error_survives_the_wire(code: str) -> None:
    tried = (Attempt("first", "small", "E429", "busy", 0.5),)
    error = CODES[code](
        "Do this.", field="n", detail="cut", retry_after=1.5, runner="r", model="m",
        delivered=7, attempts=tried, data={"limit": 3},
    )  # fmt: skip
    sent = wire.decode_event(wire.encode(error.info()))
    assert isinstance(sent, ErrorInfo)
    received = from_info(sent)
    assert type(received) is CODES[code]
    assert vars(received) == vars(error)


@given(structs(ErrorInfo))
def test_any_error_from_elsewhere_becomes_one_of_ours(info: ErrorInfo) -> None:
    error = from_info(info)
    assert type(error) is CODES.get(info.code, ProcessingError)
    assert (error.message, error.retryable, error.attempts) == (
        info.message, info.retryable, info.attempts,
    )  # fmt: skip
