"""What the server and its upstream hold at one moment."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field

from harness.soak.site import Site, scrape

_LINE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.M)


@dataclass
class Sample:
    """`files` are without the connections to the upstream, which are `sockets`."""

    at: float
    memory_mb: float
    files: int
    sockets: int
    threads: int
    tasks: int
    live: int
    """Requests of the engine, and of its runners, at work or waiting."""
    upstream: int
    """Requests that the upstream has not answered."""
    cpu: float
    requests: int
    failures: dict[str, int] = field(default_factory=dict)
    """Answers of 500 and above, by route and status."""

    @property
    def quiet(self) -> bool:
        """Nothing is under way."""
        return self.live == 0 and self.upstream == 0

    def no_more_than(self, base: Sample) -> bool:
        """Whether it holds no more than `base` did."""
        return self.tasks <= base.tasks and self.files <= base.files


async def take(site: Site) -> Sample:
    """The present state."""
    text, stats, sockets = await asyncio.to_thread(_asked, site)
    numbers = [(name, labels, float(value)) for name, labels, value in _LINE.findall(text)]

    def total(*names: str) -> float:
        return sum(value for name, _, value in numbers if name in names)

    return Sample(
        at=time.monotonic(),
        memory_mb=total("process_resident_memory_bytes") / 2**20,
        files=int(total("process_open_fds")) - sockets,
        sockets=sockets,
        threads=int(total("breeze_threads")),
        tasks=int(total("breeze_tasks")),
        live=int(total("breeze_live_requests", "breeze_runner_requests", "breeze_queue_waiting")),
        upstream=stats["open"],
        cpu=total("process_cpu_seconds_total"),
        requests=int(total("breeze_requests_total")),
        failures={
            labels: int(value)
            for name, labels, value in numbers
            if name == "breeze_requests_total" and re.search(r'status="5', labels)
        },
    )


def _asked(site: Site) -> tuple[str, dict[str, int], int]:
    sockets = site.upstream_sockets()
    return scrape(site), site.upstream.stats(), sockets
