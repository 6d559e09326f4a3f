"""The judge of the matrix sees what it is there to see."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from breeze.testing.standins import Call
from breeze.testing.standins.faults import FAULTS
from tests.faults.cases import Case, Seen
from tests.faults.dialects import DIALECTS, Dialect, billed, has_a_task
from tests.faults.judging import violations

RUNWARE = next(dialect for dialect in DIALECTS if dialect.name == "runware")
REFUSED = Seen(
    code="E501", detail="", message="It is broken.", made=None, finish="", runner="", output=0,
    restarts=0, seconds=0.0, asked_a=(0.0,), inquired=(), charged=0, asked_b=0, elsewhere=0,
    keys=frozenset(), problems=(),
)  # fmt: skip
WELL = replace(REFUSED, code="", message="", made="one two", finish="stop", runner="a")


def judged(fault: str, seen: Seen, dialect: Dialect = RUNWARE) -> list[str]:
    played = next(f for f in FAULTS if f.name == fault)
    return list(violations(Case(played, "shape", False, False), seen, WELL, dialect))


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("fault", [fault.name for fault in FAULTS if not fault.harmless])
def test_half_an_answer_is_never_one(fault: str, dialect: Dialect) -> None:
    """No dialect and no fault is spared."""
    half = replace(WELL, made="one")
    altered = {"gigantic-event", "altered"}  # another text is no shorter one
    found = judged(fault, half, dialect)
    assert found == ([] if fault in altered else ["presented as success: one"])


@pytest.mark.parametrize("fault", ["redirect", "redirect-private", "gzip", "quota", "key-refused"])
def test_work_is_asked_for_once_and_may_be_asked_after(fault: str) -> None:
    assert judged(fault, replace(REFUSED, inquired=(0.1,))) == []
    assert judged(fault, replace(REFUSED, asked_a=(0.0, 0.1))) == ["asked again, which must not be"]


def test_nothing_is_paid_twice() -> None:
    assert judged("stream-cut", replace(REFUSED, charged=1)) == []
    assert judged("stream-cut", replace(REFUSED, charged=2)) == ["paid 2 times"]


def test_an_inquiry_keeps_to_the_hint_too() -> None:
    assert judged("rate-limit", replace(REFUSED, inquired=(2.0,))) == []
    assert judged("rate-limit", replace(REFUSED, inquired=(1.0,))) == [
        "asked again after 1 s, not 2"
    ]


def test_inquiries_have_an_end() -> None:
    times = tuple(map(float, range(1, 11)))
    assert judged("stream-cut", replace(REFUSED, inquired=times)) == ["asked 11 times"]


@pytest.mark.parametrize(
    ("tasks", "work"),
    [
        (b'[{"taskType": "getResponse"}]', False),
        (b'[{"taskType": "imageInference"}]', True),
        (b'[{"taskType": "getResponse"}, {"taskType": "upscale"}]', True),
    ],
)
def test_a_task_is_told_from_a_question_about_one(tasks: bytes, work: bool) -> None:
    assert has_a_task(Call("POST", "/", (), b"", tasks, 0)) is work


def test_what_was_charged_is_counted() -> None:
    class Vendor:
        work: Any = type("Work", (), {"billed": {"a": 1.0, "b": 1.0}})

    assert billed(Vendor()) == 2
