"""The matrix as a table for people: equal rows are one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.faults.cases import Case, Seen

HEADS = (
    "fault", "when", "the caller, of a stream", "the caller, of a whole answer",
    "of a stream, with a second runner", "of a whole answer, with a second runner",
    "the provider",
)  # fmt: skip
WHEN = {"before": "before output", "amid": "amid output", "shape": "another shape"}
Row = tuple[str, ...]


def table(seen: Mapping[Case, Seen]) -> str:
    """All cells of one dialect, in Markdown."""
    grouped: dict[Row, list[str]] = {}
    for (name, when), row in _rows(seen):
        grouped.setdefault((when, *row), []).append(f"`{name}`")
    lines = [HEADS, tuple("---" for _ in HEADS)]
    lines += [(", ".join(names), *row) for row, names in grouped.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _rows(seen: Mapping[Case, Seen]) -> Iterator[tuple[tuple[str, str], Row]]:
    moments: dict[tuple[str, str], dict[tuple[bool, bool], Seen]] = {}
    for case, what in seen.items():
        place = moments.setdefault((case.fault.name, WHEN[case.moment]), {})
        place[case.whole, case.second] = what
    for name, cells in moments.items():
        shown = [_said(cells.get(place)) for place in _PLACES]
        yield name, (*shown, _asked(cells[False, False]))


_PLACES = ((False, False), (True, False), (False, True), (True, True))


def _said(seen: Seen | None) -> str:
    """What the caller saw."""
    if seen is None:
        return ""
    if seen.well:
        if seen.restarts:
            return "withdrawn, then the other's answer"
        return "the answer" if seen.runner == "a" else "the other's answer"
    detail = f" {seen.detail}" if seen.detail else ""
    after = " after some output" if seen.output else ""
    waited = seen.code == "E301" or seen.detail in ("silent", "stalled")
    late = f", {seen.seconds:.0f} s" if waited else ""
    return f"`{seen.code}`{detail}{after}{late}"


def _asked(seen: Seen) -> str:
    """What the provider saw of a stream without a second runner."""
    often = len(seen.inquired)
    after = f"; {'once' if often == 1 else f'{often} times'} what became of it" if often else ""
    if len(seen.asked_a) == 1:
        return f"asked once{after}"
    gaps = [b - a for a, b in zip(seen.asked_a, seen.asked_a[1:], strict=False)]
    apart = ", ".join(f"{gap:.0f} s" if gap >= 0.95 else "under 1 s" for gap in gaps)
    return f"asked {len(seen.asked_a)} times, {apart} apart{after}" if gaps else "not asked"
