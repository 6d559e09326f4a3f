"""From the reason why a runner cannot work to the one command that would change it.

A reason names its remedy in words: `run: pip install …`, a command of ours in backquotes, packages
of the system, or a parameter to set. Here that becomes a line that can be pasted as it is.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec

from breeze.contracts.modules import importable
from breeze.contracts.unreadable import UNREADABLE

_NAME = "breeze-engine"
_COMMAND = "breeze"
_OURS = re.compile(r"`(breeze [^`]+)`")
_RUN = re.compile(r"\b[Rr]un: (.+?)(?=,? or |; |\)|\.?$)")
_PIP = re.compile(r"pip install (-U )?'?([^'()]+)'?")
_EXTRA = re.compile(rf"{_NAME}(\[[a-z0-9_,-]+\])")
_SYSTEM = {
    "linux": re.compile(r"(?:sudo )?(apt install [a-z0-9+.\- ]*[a-z0-9])"),
    "darwin": re.compile(r"(brew install [a-z0-9+.\- ]*[a-z0-9])"),
}
_SET = re.compile(r"\b(?:[Ss]et|or(?! correct| check| set)|correct) ([a-z_]+)\b")
_CHECK = re.compile(r"\b[Cc]heck ([a-z_]+)\b")


def remedy(
    reason: str, instance: str, parameters: Iterable[str] = (), given: Iterable[str] = ()
) -> str:
    """The command for a reason, "" when there is none: nothing to run makes a chip appear.

    `parameters` are the names that `instance` has, `given` those of them that somebody set: what
    is to be checked may be wrong only then. A word in capitals at the end is to be filled in:
    which server, which folder.
    """
    if found := _OURS.search(reason):
        return ours(found[1])
    if found := _PIP.search(reason):
        return pip_install(found[2].strip(), newer=bool(found[1]))
    if (system := _SYSTEM.get(sys.platform)) and (found := system.search(reason)):
        return as_root(found[1]) if sys.platform == "linux" else found[1]
    if found := _RUN.search(reason):
        return ours(found[1])
    known, asked = set(parameters), set(given)
    names = [name for name in _SET.findall(reason) if name in known]
    names += [name for name in _CHECK.findall(reason) if name in asked]
    if not names:
        return ""
    name = names[0]
    return ours(f"breeze settings set {shlex.quote(instance)} {name} {name.upper()}")


def ours(command: str) -> str:
    """A command of ours, as this very installation is called from a shell's prompt."""
    first, _, rest = command.partition(" ")
    if first != _COMMAND:
        return command
    folder = Path(sys.executable).absolute().parent
    usual = shutil.which(_COMMAND)
    if usual is not None and Path(usual).absolute().parent == folder:
        return command
    if (script := folder / _COMMAND).is_file():
        return f"{shlex.quote(str(script))} {rest}"
    return f"{_python()} -m breeze {rest}"


def pip_install(what: str, *, newer: bool = False) -> str:
    """The command that installs `what` for the Python that runs this, from where this came."""
    extra = _EXTRA.fullmatch(what)
    wanted = _own(extra[1]) if extra else shlex.join(what.split())
    return f"{_installer()} install {'-U ' if newer else ''}{wanted}"


def _python() -> str:
    usual = shutil.which("python3")
    if usual is not None and Path(usual).absolute() == Path(sys.executable).absolute():
        return "python3"
    return shlex.quote(sys.executable)


def _installer() -> str:
    python = _python()
    if importable("pip"):
        return f"{python} -m pip"
    if shutil.which("uv"):
        return f"uv pip --python {python}"
    return f"{python} -m ensurepip && {python} -m pip"


def _own(extras: str) -> str:
    """This package with extras: from the folder or the address that it was installed from."""
    address, editable = _origin()
    if not address:
        return shlex.quote(f"{_NAME}{extras}")
    if editable:
        return f"-e {shlex.quote(_path(address) + extras)}"
    return shlex.quote(f"{_NAME}{extras} @ {address}")


def _origin() -> tuple[str, bool]:
    """The address that this package was installed from, and whether it is used in place.

    "" for one from an index, which needs no address.
    """
    try:
        said = distribution(_NAME).read_text("direct_url.json")
    except PackageNotFoundError:  # used from its own folder, not installed
        return Path(__file__).parents[3].as_uri(), True
    try:
        told = msgspec.json.decode(said or "{}", type=_Origin)
    except UNREADABLE:
        return "", False
    if told.vcs_info.get("vcs"):
        commit = told.vcs_info.get("commit_id", "")
        return f"{told.vcs_info['vcs']}+{told.url}@{commit}".rstrip("@"), False
    return told.url, bool(told.dir_info.get("editable"))


class _Origin(msgspec.Struct):
    """direct_url.json, as installers write it."""

    url: str = ""
    dir_info: dict[str, bool] = {}
    vcs_info: dict[str, str] = {}


def _path(address: str) -> str:
    return unquote(urlsplit(address).path)


def as_root(command: str) -> str:
    """A command for the system's packages: with `sudo`, which root need not have."""
    bare = command.removeprefix("sudo ")
    root = not hasattr(os, "geteuid") or os.geteuid() == 0
    return bare if root or not bare.startswith("apt ") else f"sudo {bare}"
