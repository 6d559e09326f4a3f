"""`breeze standin`: a vendor on this machine, to rehearse bad days with."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from breeze.contracts.errors import InputError, UnavailableError
from breeze.surfaces.cli._options import json_option
from breeze.surfaces.cli._stop import interruptible
from breeze.surfaces.cli._table import show_lines, show_table
from breeze.surfaces.cli._terminal import note, write

if TYPE_CHECKING:
    from breeze.testing.standins import Call, Fault, Standin

_COLUMNS = ("fault", "row", "values", "how it looks")


@click.command("standin")
@click.argument("name", required=False, metavar="[NAME]")
@click.option("--list", "listing", is_flag=True, help="List stand-ins, or the faults of NAME.")
@click.option("--port", type=int, default=0, help="Which port; 0 takes a free one.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="FAULT[,KEY=VALUE]",
    help="Go wrong so; several one after another. See --list.",
)
@click.option("--times", type=int, metavar="N", help="Each fault for N requests.  [default: all]")
@click.option(
    "--on",
    default="POST",
    metavar="START",
    show_default=True,
    help="Only requests whose method and path begin so.",
)
@click.option("--profile", default="", metavar="NAME", help="Which server of the kind to play.")
@click.option(
    "--key",
    default="test-key",
    metavar="KEY",
    show_default=True,
    help="The key that is right; empty takes anybody.",
)
@click.option(
    "--pace",
    type=float,
    default=0,
    metavar="MS",
    help="Milliseconds between the pieces of an answer.",
)
@click.option("--tls", is_flag=True, help="HTTPS, with an authority made for the occasion.")
@json_option
def command(name: str | None, listing: bool, json: bool, **how: Any) -> None:
    """Play a vendor on this machine, and go wrong when told to.

    It speaks as the vendor NAME does, answers from what it is asked, and prints its address, what
    to write into config.json, and a line for each request. A request can choose its own fault with
    the header `x-standin: stream-cut;after=2` or with a model named standin-stream-cut.
    """
    if listing or not name:
        _list(name, json)
    else:
        asyncio.run(_serve(name, json=json, **how))


def _list(name: str | None, json: bool) -> None:
    from breeze.testing.standins import names, standin

    if name:
        kind, _ = _kind(name)
        rows: list[Sequence[object]] = [_row(fault) for fault in kind.all_faults()]
        columns = _COLUMNS
    else:
        rows = [(n, ", ".join(standin(n).profiles), _sentence(standin(n))) for n in names()]
        columns = ("stand-in", "profiles", "what it does")  # type: ignore[assignment]
    if json:
        show_lines([dict(zip(columns, map(str, row), strict=True)) for row in rows])
    else:
        show_table(columns, rows)


def _row(fault: Fault) -> Sequence[object]:
    values = " ".join(f"{name}={value}" for name, value in fault.values.items())
    return fault.name, fault.number or "", values, fault.looks


def _sentence(kind: type[Standin]) -> str:
    return " ".join((kind.__doc__ or "").split("\n\n")[0].split())


def _kind(name: str) -> tuple[type[Standin], str]:
    """The stand-in of a name, or that which plays it as a profile."""
    from breeze.testing.standins import profiles, standin

    played = profiles()
    try:
        return standin(played.get(name, name)), name if name in played else ""
    except LookupError as error:
        raise InputError(str(error.args[0]), field="name") from None


async def _serve(
    name: str, *, port: int, faults: tuple[str, ...], times: int | None, on: str, profile: str,
    key: str, pace: float, tls: bool, json: bool,
) -> None:  # fmt: skip
    kind, played = _kind(name)
    options: dict[str, Any] = {"profile": profile or played, "key": key, "tls": tls}
    try:
        async with kind.serving(port=port, pace=pace / 1000, strict=False, **options) as vendor:
            for fault in faults:
                vendor.fault(fault, times=times if times or len(faults) == 1 else 1, on=on)
            vendor.on_call = _line if json else _told
            _introduce(vendor, json)
            with interruptible():
                await asyncio.Event().wait()
    except asyncio.CancelledError:
        note(f"{len(vendor.calls)} requests served")
    except ValueError as error:
        raise InputError(str(error), field="fault") from None
    except OSError as error:
        raise UnavailableError(f"Port {port} cannot be had: {error.strerror}.") from None


def _introduce(vendor: Standin, json: bool) -> None:
    if json:
        show_lines([{"url": vendor.url, "config": vendor.config(vendor.url)}])
        sys.stdout.flush()
        return
    write(f"{vendor.url}\n")
    write(f"{vendor.introduction(vendor.url)}\n")
    if vendor.ca_pem:
        write(vendor.ca_pem.decode())


def _told(call: Call) -> None:
    took = f"{(call.ended_at - call.at) * 1000:.0f} ms"
    played = f"  {call.fault}" if call.fault else ""
    at = time.strftime("%H:%M:%S")
    write(f"{at}  {call.method} {call.path}  {call.outcome}  {took}{played}\n")


def _line(call: Call) -> None:
    told = {"method": call.method, "path": call.path, "outcome": call.outcome, "fault": call.fault}
    show_lines([told | {"seconds": round(call.ended_at - call.at, 6)}])
    sys.stdout.flush()
