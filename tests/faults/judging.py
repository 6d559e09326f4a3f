"""What must hold in every cell of the matrix."""

from __future__ import annotations

from collections.abc import Iterator

from tests.faults.cases import Case, Seen
from tests.faults.dialects import Dialect

ONCE = {
    "quota", "retry-after-huge", "key-refused", "key-refused-empty", "forbidden",
    "forbidden-empty", "model-missing", "context", "invalid", "blocked", "reflected",
    "redirect", "redirect-plain", "redirect-loop", "redirect-private", "gzip", "gzip-bomb",
}  # fmt: skip
"""Faults after which the same provider must not be asked for the work again."""
ALTERS = {
    "bad-utf8",
    "split-utf8",
    "huge-event",
    "gigantic-event",
    "altered",
    "odd-broken-arguments",
}
"""Faults that change the words of an answer, so that another text is no shorter one."""
STALE = {"reset", "closed"}
"""On a connection that was kept, these look as if it had been closed before the request came, so
that the request is sent once more on a new one."""
MOST = 2
"""Tries of one runner, as configured."""
HINT = 2.0
"""Seconds that the fault `rate-limit` asks for."""


def violations(case: Case, seen: Seen, healthy: Seen, dialect: Dialect) -> Iterator[str]:
    """Everything that must not be, in words. Nothing is good."""
    yield from seen.keys
    yield from seen.problems
    if seen.elsewhere:
        yield "another host was asked"
    yield from _of_the_answer(case, seen, healthy)
    yield from _of_the_tries(case, seen, dialect.tries)


def _of_the_answer(case: Case, seen: Seen, healthy: Seen) -> Iterator[str]:
    if seen.well:
        same = seen.made == healthy.made or case.fault.name in ALTERS
        if not same and seen.finish != "content_filter":  # which says that it was stopped
            yield f"presented as success: {str(seen.made)[:80]}"
    elif not seen.message:
        yield f"no word beside {seen.code}"
    if case.fault.harmless and not seen.well:
        yield f"{seen.code} though it does no harm: {seen.message}"
    if case.fault.harmless and (len(seen.asked_a), len(seen.inquired)) != (1, 0):
        yield f"asked {len(_times(seen))} times though it does no harm"
    if seen.restarts and not case.second:
        yield "a restart without anybody else"


def _of_the_tries(case: Case, seen: Seen, own_tries: int) -> Iterator[str]:
    tries = len(seen.asked_a)
    most = MOST * own_tries
    if len(_times(seen)) > most + (most if case.fault.name in STALE else 0):
        yield f"asked {len(_times(seen))} times"
    if seen.charged > 1:
        yield f"paid {seen.charged} times"
    if tries > 1 and case.fault.name in ONCE:
        yield "asked again, which must not be"
    if tries > 1 and seen.output and not seen.well:
        yield "asked again after output"
    if len(_times(seen)) > 1 and case.fault.name == "rate-limit" and _pause(seen) < HINT:
        yield f"asked again after {_pause(seen):g} s, not {HINT:g}"
    if case.second and not seen.well and seen.asked_b > 1:
        yield f"the second runner was asked {seen.asked_b} times"


def _times(seen: Seen) -> list[float]:
    """When the first runner's provider was asked anything at all."""
    return sorted((*seen.asked_a, *seen.inquired))


def _pause(seen: Seen) -> float:
    first, second, *_ = _times(seen)
    return second - first
