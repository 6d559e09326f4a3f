"""What `breeze doctor` says: this machine, what it has, and what each runner lacks."""

from __future__ import annotations

import asyncio
import os
import platform
import shlex
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec.structs import replace

from breeze.config.home import Home
from breeze.config.layers import Source
from breeze.contracts.capability import Capability, RunnerKind
from breeze.contracts.errors import RunnerError
from breeze.contracts.hardware import GB
from breeze.contracts.hardware import Detection as Detection
from breeze.engine.engine import Engine
from breeze.engine.hardware import Hardware
from breeze.engine.hardware.memory import memory
from breeze.engine.hardware.processor import cores, model
from breeze.engine.instances import Instance
from breeze.engine.roster import RunnerStatus
from breeze.service.remedies import as_root, remedy
from breeze.service.router_runners import backends_of
from breeze.version import __version__

PATIENCE = 5.0
_PRIVATE = stat.S_IRWXG | stat.S_IRWXO


class Fact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that is so here. `problem`: what is wrong with it; `fix`: the command for that."""

    name: str
    value: str
    problem: str = ""
    fix: str = ""


class Patient(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A runner: whether it works here, on what, and else why not and the command that helps.

    `wanted`: somebody configured or selected it, so that it ought to work. `offered`: a known
    endpoint that nobody has set up.
    """

    name: str
    runner: str
    kind: RunnerKind
    capabilities: tuple[Capability, ...]
    works: bool
    backends: tuple[str, ...] = ()
    reason: str = ""
    fix: str = ""
    wanted: bool = False
    offered: bool = False

    @property
    def fails(self) -> bool:
        """Somebody counts on it, and it cannot work."""
        return self.wanted and not self.works


def facts(home: Home, hardware: Hardware) -> Iterator[Fact]:
    """The machine and the user's folder."""
    yield Fact(name="breeze", value=__version__)
    python = f"{platform.python_version()} {platform.python_implementation()}"
    yield Fact(name="python", value=f"{python} ({sys.executable})")
    yield Fact(name="system", value=platform.platform())
    yield Fact(name="processor", value=f"{model(hardware.machine)}, {_cores(hardware)}")
    yield Fact(name="memory", value=_memory(hardware))
    yield _home(home.root)
    yield Fact(name="disk", value=f"{_free(home.root) / GB:.1f} GB free for {home.root}")
    yield from _open_secrets(home)


async def patients(engine: Engine) -> list[Patient]:
    """Every runner, those that somebody counts on first. Takes `PATIENCE` seconds at most.

    Of a service elsewhere that is set up, its models are asked, to see whether it answers.
    """
    saved = set(engine.layers.store.load().selected_runners.values())
    statuses = engine.runners()
    reasons = await asyncio.gather(*(_reason(one, engine) for one in statuses))
    asked = [replace(one, reason=why) for one, why in zip(statuses, reasons, strict=True)]
    found = [_patient(status, engine, saved) for status in asked]
    return sorted(found, key=lambda one: not one.wanted)


async def _reason(status: RunnerStatus, engine: Engine) -> str:
    if status.offered:
        return status.reason or "nobody set it up: set base_url to the address of its server"
    if status.reason or status.kind is not RunnerKind.CLOUD:
        return status.reason
    try:
        async with asyncio.timeout(PATIENCE):
            await engine.instances[status.name].make().reach()
    except TimeoutError:
        return f"no answer within {PATIENCE:.0f} seconds"
    except RunnerError as error:
        return error.message
    return ""


def _patient(status: RunnerStatus, engine: Engine, saved: set[str]) -> Patient:
    instance = engine.instances[status.name]
    counted = status.name in engine.config.instances or status.name in saved
    return Patient(
        name=status.name,
        runner=status.runner,
        kind=status.kind,
        capabilities=status.capabilities,
        works=not status.reason,
        backends=tuple(map(str, backends_of(instance, engine))),
        reason=status.reason,
        fix=_fix(instance, status.reason, engine),
        wanted=counted and instance.entry.enabled,
        offered=status.offered,
    )


def _fix(instance: Instance, reason: str, engine: Engine) -> str:
    if not reason or instance.runner_type is None:
        return remedy(reason, instance.name)
    kind = instance.runner_type.parameters_type
    values = engine.layers.explain(instance.name, kind, instance.entry.parameters)
    given = [name for name, value in values.items() if value.source is not Source.DEFAULT]
    return remedy(reason, instance.name, values, given)


def detections(hardware: Hardware) -> list[Detection]:
    """What the machine has, each with the command as this user gives it."""
    return [replace(one, fix=as_root(one.fix)) for one in hardware.all()]


def _cores(hardware: Hardware) -> str:
    total, usable = cores(hardware.machine)
    return f"{total} cores" + (f", {usable:g} of them for this process" if usable < total else "")


def _memory(hardware: Hardware) -> str:
    has = memory(hardware.machine)
    parts = [f"{has.total / GB:.1f} GB" if has.total else "not told by this system"]
    if has.limit:
        parts.append(f"{has.limit / GB:.1f} GB for this process ({has.limited_by})")
    if has.free is not None:
        parts.append(f"{has.free / GB:.1f} GB available now")
    return ", ".join(parts)


def _home(root: Path) -> Fact:
    if not root.exists():
        above = _nearest(root)
        if os.access(above, os.W_OK | os.X_OK):
            return Fact(name="home", value=f"{root} (made when something has to be written)")
        why = f"{above} cannot be written: set BREEZE_HOME to a folder of yours"
        fix = 'export BREEZE_HOME="$HOME/breeze"'
        return Fact(name="home", value=str(root), problem=why, fix=fix)
    if not os.access(root, os.R_OK | os.W_OK | os.X_OK):
        fix = f"chmod u+rwx {shlex.quote(str(root))}"
        return Fact(name="home", value=str(root), problem="this user may not write there", fix=fix)
    mode = stat.S_IMODE(root.stat().st_mode)
    return Fact(name="home", value=f"{root} (mode {mode:04o})")


def _open_secrets(home: Home) -> Iterator[Fact]:
    """Files that only the user should read, and others may."""
    if os.name != "posix":
        return
    for path in (home.secrets, home.keys):
        if path.exists() and (mode := stat.S_IMODE(path.stat().st_mode)) & _PRIVATE:
            yield Fact(
                name=path.name,
                value=f"{path} (mode {mode:04o})",
                problem="others may read it",
                fix=f"chmod 600 {shlex.quote(str(path))}",
            )


def _free(root: Path) -> int:
    return shutil.disk_usage(_nearest(root)).free


def _nearest(path: Path) -> Path:
    """The folder itself, or the first above it that is there."""
    return next(folder for folder in (path, *path.parents) if folder.exists())
