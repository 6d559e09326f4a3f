"""What a server costs while nothing happens, and how it treats those who leave."""

from __future__ import annotations

import http.client
import json
import socket
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.cases import CHUNKS
from harness.native import program, run_load
from harness.process import on_core, spent
from harness.target import Server, Target, start

LEAVERS = 20
LEFT_AFTER = 2.0


@dataclass
class Standing:
    """Figures of one start of one target; None where it could not be measured."""

    target: str
    start_s: float
    """To the first good answer."""
    start_cpu_s: float
    rss_mb: float
    pss_mb: float
    leave_stream_ms: float | None = None
    """Median from a client's leaving to the close of the upstream, while no chunk flows."""
    leave_plain_ms: float | None = None
    """The same while a plain answer is awaited."""
    never_closed: int = 0
    """Of those that left, how many upstreams stayed open for two seconds."""
    opened: int | None = None
    """Silent streams that could be opened together."""
    open_s: float | None = None
    stream_kb: float | None = None
    upstream_left: int | None = None
    """Upstream streams still open two seconds after all clients left."""


class Upstream:
    """What the mock has counted."""

    def __init__(self, port: int) -> None:
        self.port = port

    def stats(self) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/stats")
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def wait(self, holds: Callable[[Any], bool], seconds: float) -> Any:
        """The counts once `holds` is true of them, or None when time is up."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            stats = self.stats()
            if holds(stats):
                return stats
            time.sleep(0.005)
        return None


def stand(
    target: Target, folder: Path, upstream: Upstream, *, streams: int, core: int | None,
    tools: int | None,
) -> Standing:  # fmt: skip
    """Starts a target, lets it stand, lets clients leave it, and stops it."""
    server, seconds = start(target, folder, core)
    assert server.process is not None
    try:
        cpu = spent({}, server.process.clocks())
        time.sleep(1)
        rss, pss = server.process.memory("Rss"), server.process.memory("Pss")
        figures = Standing(target.name, seconds, cpu, rss, pss)
        try:
            if streams:
                _let_leave(server, upstream, figures)
                with on_core(tools):
                    _hold(server, upstream, streams, figures)
        except OSError as fault:  # what was measured before counts
            print(f"{target.name}: {fault}")
        return figures
    finally:
        server.stop()
        upstream.wait(lambda stats: stats["open"] == 0, 10)


def _let_leave(server: Server, upstream: Upstream, figures: Standing) -> None:
    for stream in (True, False):
        taken = [_leave(server, upstream, stream=stream)]
        for _ in range(LEAVERS - 1 if taken[0] is not None else 2):  # not all, if it never closes
            taken.append(_leave(server, upstream, stream=stream))
        closed = [ms for ms in taken if ms is not None]
        median = statistics.median(closed) if closed else None
        figures.never_closed += len(taken) - len(closed)
        if stream:
            figures.leave_stream_ms = median
        else:
            figures.leave_plain_ms = median


def _leave(server: Server, upstream: Upstream, *, stream: bool) -> float | None:
    """Milliseconds until the upstream is closed after one client left; None: it stays open."""
    before = upstream.stats()
    with socket.create_connection(("127.0.0.1", server.port), 10) as s:
        s.sendall(server.request("mock-hold", stream=stream).read_bytes())
        got = b""
        while stream and b"~" not in got:
            got += s.recv(65536) or b"~"
        if not upstream.wait(lambda stats: stats["open"] > before["open"], 5):
            raise OSError(f"{server.target.name}: a silent request does not reach the upstream")
        time.sleep(0.02)  # so that nothing is on its way any more
        left = time.monotonic_ns()
    after = upstream.wait(lambda stats: stats["aborted"] > before["aborted"], LEFT_AFTER)
    return (after["last_abort_ns"] - left) / 1e6 if after else None


def _hold(server: Server, upstream: Upstream, streams: int, figures: Standing) -> None:
    assert server.process is not None
    run_load(server.port, server.request("mock", stream=True), 16, 0.3, CHUNKS)  # warm
    command = [program("load"), server.port, server.request("mock-hold", stream=True), streams]
    base, before = server.process.memory("Pss"), upstream.stats()["open"]
    with subprocess.Popen(
        [*map(str, command), "hold"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as load:
        assert load.stdin is not None and load.stdout is not None  # noqa: PT018
        seen = json.loads(load.stdout.readline() or '{"open": 0, "seconds": 0}')
        time.sleep(1)
        figures.opened, figures.open_s = seen["open"], seen["seconds"]
        if seen["open"]:
            grown = server.process.memory("Pss") - base
            figures.stream_kb = grown * 1024 / seen["open"]
        load.stdin.close()
    gone = upstream.wait(lambda stats: stats["open"] <= before, LEFT_AFTER)
    figures.upstream_left = 0 if gone else upstream.stats()["open"] - before
