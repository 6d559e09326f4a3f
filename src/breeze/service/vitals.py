"""What this process holds now: memory, files, threads, tasks. A leak shows here first."""

from __future__ import annotations

import asyncio
import threading

from breeze.service.metrics import Sample, Snapshot

_KEPT = {
    "process_resident_memory_bytes": "resident_bytes",
    "process_open_fds": "open_files",
    "process_cpu_seconds": "cpu_seconds",
}
"""What the collector calls it, and what it is called here."""


def vitals() -> Snapshot:
    """The state of the running process, as metrics. Call it on the event loop.

    Memory, files and processor time are known on Linux only.
    """
    from prometheus_client import ProcessCollector

    found = {
        _KEPT[family.name]: [Sample((), family.samples[0].value)]
        for family in ProcessCollector(registry=None).collect()
        if family.name in _KEPT
    }
    return {
        **found,
        "threads": [Sample((), threading.active_count())],
        "tasks": [Sample((), len(asyncio.all_tasks()))],
    }
