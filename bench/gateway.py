"""Breeze as a gateway, side by side with nginx (the limit) and with other gateways.

usage: python bench/gateway.py [--rounds 5] [--peers DIR] [--pin] [--check] [--json OUT] ...

A mock upstream answers at once; every target stands between it and a load generator. Each round
visits every case, and for each case every target in turn, so that noise meets all alike; ratios
are taken within a round. See README.md here for what the figures mean.
"""

from __future__ import annotations

import argparse
import atexit
import json
import os
import platform
import resource
import shlex
import signal
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from harness.cases import CASES, CHUNKS, DEFAULT, measure
from harness.gates import check
from harness.gateways import breeze, nginx
from harness.native import program
from harness.peers import PEERS, peer
from harness.process import Process, boost, free_port, on_core, wait_for_port, wait_for_quiet
from harness.results import Results
from harness.standing import Upstream, stand
from harness.table import tables
from harness.target import Server, Target, start

KNOWN = ("direct", "nginx", "breeze", *PEERS)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    add = parser.add_argument
    add("--rounds", type=int, default=5, help="rounds of load (0: none)")
    add("--seconds", type=float, default=2, help="of load in each measurement")
    add("--starts", type=int, default=3, help="starts of each target (0: none)")
    add("--streams", type=int, default=2000, help="silent streams held open (0: none)")
    add("--cases", default=",".join(DEFAULT), help=f"of {','.join(CASES)}")
    add("--only", default=",".join(KNOWN), help=f"targets, of {','.join(KNOWN)}")
    add("--peers", type=Path, help="folder made by bench/peers.sh")
    add("--also", action="append", default=[], metavar="NAME=COMMAND",
        help="another OpenAI-compatible server; {port} and {upstream} are filled in")  # fmt: skip
    add("--pin", action="store_true", help="targets on core 0, tools on core 1")
    add("--boost", action="store_true", help="highest priority for what is measured (root)")
    add("--wait", type=float, default=0, metavar="SECONDS",
        help="at most, for a quiet moment before each measurement")  # fmt: skip
    add("--check", action="store_true", help="exit 1 when a gate fails")
    add("--json", type=Path, help="write every figure here")
    given = parser.parse_args()
    given.cases, given.only = given.cases.split(","), given.only.split(",")
    wrong = (set(given.cases) - set(CASES)) | (set(given.only) - set(KNOWN))
    if wrong:
        parser.error(f"unknown: {', '.join(sorted(wrong))}")
    if given.pin and not {0, 1} <= os.sched_getaffinity(0):
        parser.error("--pin needs cores 0 and 1")
    return given


def targets(given: argparse.Namespace, folder: Path, upstream: int) -> list[Target]:
    """The targets asked for and installed; says which are not."""
    found: list[Target | str] = []
    for name in given.only:
        if name == "direct":
            target: Target | str = Target("direct", upstream)
        elif name == "nginx":
            target = nginx(folder, upstream)
        elif name == "breeze":
            target = breeze(folder, upstream)
        else:
            target = peer(name, given.peers, folder, upstream)
        if isinstance(target, str):
            print(f"{name}: {target}")
        found.append(target)
    return [t for t in found if isinstance(t, Target)] + [
        _also(text, upstream) for text in given.also
    ]


def _also(text: str, upstream: int) -> Target:
    name, _, command = text.partition("=")
    port = free_port()
    return Target(name, port, tuple(shlex.split(command.format(port=port, upstream=upstream))))


def standings(
    given: argparse.Namespace, wanted: list[Target], folder: Path, port: int, results: Results
) -> None:
    """Starts every target by itself, several times; the last start also meets leaving clients."""
    target_core, tool_core = (0, 1) if given.pin else (None, None)
    for turn in range(given.starts):
        streams = given.streams if turn == given.starts - 1 else 0
        for target in [t for t in wanted if t.command]:
            note(f"start {turn + 1}: {target.name}")
            try:
                results.standings.append(
                    stand(
                        target, folder, Upstream(port), streams=streams, core=target_core,
                        tools=tool_core,
                    )
                )  # fmt: skip
            except OSError as fault:
                print(f"{target.name}: {fault}")


def rounds(
    given: argparse.Namespace, wanted: list[Target], folder: Path, mock: Process, results: Results
) -> None:
    """Starts every target and lets them take turns under every case."""
    with ExitStack() as running:
        servers: list[Server] = []
        for target in wanted:
            try:
                server, _ = start(target, folder, 0 if given.pin else None)
            except OSError as fault:
                print(f"{target.name}: {fault}")
                continue
            running.callback(server.stop)
            server.pause()
            servers.append(server)
        for turn in range(given.rounds):
            for case in given.cases:
                for server in servers:
                    note(f"round {turn + 1}: {case}, {server.target.name}")
                    wait_for_quiet(given.wait)
                    server.resume()
                    with on_core(1 if given.pin else None):
                        row = measure(server, CASES[case], turn, given.seconds, mock)
                    server.pause()
                    results.rows.append(row)


def note(text: str) -> None:
    """Progress, on the terminal only."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def machine() -> dict[str, object]:
    return {
        "cores": os.cpu_count(), "machine": platform.machine(), "system": platform.platform(),
        "python": platform.python_version(), "load": os.getloadavg(),
    }  # fmt: skip


def main() -> int:
    given = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if given.boost:
        boost(os.getpid())
        atexit.register(boost, os.getpid(), 0)  # the session is the terminal's too
        Process.boosted = True
    results = Results()
    with tempfile.TemporaryDirectory(prefix="breeze-bench-") as name:
        folder, port = Path(name), free_port()
        command, log = [str(program("mock")), str(port), str(CHUNKS)], folder / "mock.log"
        mock = Process(command, folder=folder, log=log, core=1 if given.pin else None)
        try:
            wait_for_port(port, mock)
            wanted = targets(given, folder, port)
            standings(given, wanted, folder, port, results)
            if given.rounds:
                rounds(given, wanted, folder, mock, results)
        finally:
            mock.stop()
            note("")
    print(tables(results))
    if given.json:
        figures = {"machine": machine(), **asdict(results)}
        given.json.write_text(json.dumps(figures, indent=1) + "\n")
    print()
    return 0 if not given.check or check(results) else 1


if __name__ == "__main__":
    sys.exit(main())
