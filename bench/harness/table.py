"""The results as tables for people."""

from __future__ import annotations

from collections.abc import Sequence

from harness.results import Results, middle


def tables(results: Results) -> str:
    """All tables with their captions."""
    parts = [_standing(results)] if results.standings else []
    if results.rows:
        parts = [_cpu(results), *(_speed(results, case) for case in results.cases()), *parts]
    foreign = middle(row.foreign for row in results.rows)
    if foreign is not None:
        parts.append(f"Others used {foreign:.0%} of the machine (median): quote ratios, not times.")
    faults = results.faults()
    if faults:
        parts.append("Faults:\n" + "\n".join(f"  {fault}" for fault in faults))
    return "\n\n".join(parts)


def _cpu(results: Results) -> str:
    cases = results.cases()
    rows = []
    for name in results.targets():
        cells = [name]
        for case in cases:
            value = results.median(case, name, lambda row: row.cpu)
            ratio = middle(results.ratios(case, name, "nginx", lambda row: row.cpu))
            cells.append(_number(value) + (f" ({_number(ratio)}x)" if ratio else ""))
        if name != "direct":
            rows.append(cells)
    units = [f"{case}, µs/{'request' if case.startswith('plain') else 'chunk'}" for case in cases]
    caption = "CPU of the target's processes (x nginx, median of the pairs of each round)"
    return caption + "\n" + layout(["target", *units], rows)


def _speed(results: Results, case: str) -> str:
    plain = case.startswith("plain")
    rows = []
    for name in results.targets():
        if not results.of(case, name):
            continue
        cells = [name, _number(results.median(case, name, lambda row: row.per_second))]
        for figure in (lambda row: row.whole_p50, lambda row: row.whole_p99) if plain else ():
            cells.append(_ms(results.median(case, name, figure)))
            cells.append(_ms(middle(value for _, value in results.added(case, name, figure))))
        for figure in () if plain else _STREAM:
            cells.append(_ms(results.median(case, name, figure)))
        rows.append(cells)
    heads = ["p50 ms", "added", "p99 ms", "added"] if plain else [
        "first chunk p50 ms", "p99", "chunk delay p50 ms", "p99",
    ]  # fmt: skip
    unit = "requests/s" if plain else "streams/s"
    return f"{case}\n" + layout(["target", unit, *heads], rows)


_STREAM = (
    lambda row: row.first_p50,
    lambda row: row.first_p99,
    lambda row: row.delay_p50,
    lambda row: row.delay_p99,
)


def _standing(results: Results) -> str:
    rows = []
    for name in results.targets():
        if not any(s.target == name for s in results.standings):
            continue
        last = [s for s in results.standings if s.target == name][-1]
        left = "-" if last.upstream_left is None else f"{last.upstream_left} of {last.opened}"
        cells = [
            _number(results.stood(name, lambda s: s.start_s)),
            _number(results.stood(name, lambda s: s.start_cpu_s)),
            _number(results.stood(name, lambda s: s.rss_mb)),
            _number(results.stood(name, lambda s: s.pss_mb)),
            _number(results.stood(name, lambda s: s.stream_kb)),
            "-" if last.open_s is None else f"{last.opened} in {_number(last.open_s)}",
            _leaving(last.leave_stream_ms, last.opened),
            _leaving(last.leave_plain_ms, last.opened),
            left,
        ]
        rows.append([name, *cells])
    heads = [
        "target", "first answer s", "CPU s", "idle RSS MB", "PSS MB", "kB/idle stream",
        "silent streams, s", "upstream closed ms: stream", "plain", "left after 2 s",
    ]  # fmt: skip
    return "Standing still, and clients that leave\n" + layout(heads, rows)


def _leaving(ms: float | None, tried: int | None) -> str:
    return _number(ms) if ms is not None else "-" if tried is None else "never"


def layout(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown with aligned columns."""
    columns = [[head, *(row[i] for row in rows)] for i, head in enumerate(heads)]
    widths = [max(map(len, column)) for column in columns]

    def line(cells: Sequence[str]) -> str:
        first, *rest = zip(cells, widths, strict=True)
        padded = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]
        return "| " + " | ".join(padded) + " |"

    rule = "|" + "|".join("-" * (width + 1) + (":" if i else "-") for i, width in enumerate(widths))
    return "\n".join([line(heads), rule + "|", *map(line, rows)])


def _ms(microseconds: float | None) -> str:
    return _number(None if microseconds is None else microseconds / 1000)


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}" if value else "0"
