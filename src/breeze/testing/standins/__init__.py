"""Vendors on this machine: they speak as the real ones do, and go wrong when told to.

    from breeze.testing.standins import standin

    async with standin("openai").serving() as vendor:
        vendor.fault("stream-cut", after=2)
        ...  # a client that is given vendor.url and the key "test-key"

`names()` lists them. `vendor.calls` holds every request as it came.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
from pathlib import Path

from breeze.testing.standins._call import Call, Part
from breeze.testing.standins._fault import Fault, Scene, UnknownFaultError
from breeze.testing.standins._reply import Reply, event
from breeze.testing.standins._server import Handler, Standin
from breeze.testing.standins.faults import FAULTS

__all__ = [
    "FAULTS", "Call", "Fault", "Handler", "Part", "Reply", "Scene", "Standin", "UnknownFaultError",
    "event", "names", "profiles", "standin",
]  # fmt: skip


def names() -> tuple[str, ...]:
    """The stand-ins that there are."""
    found = Path(__file__).parent.glob("*.py")
    return tuple(sorted(f.stem for f in found if not f.stem.startswith(("_", "faults"))))


def standin(name: str) -> type[Standin]:
    """The stand-in of that name. Raises LookupError, which names the nearest."""
    known = names()
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"there is {', '.join(known)}"
        raise LookupError(f"There is no stand-in {name!r}: {hint}")
    module = importlib.import_module(f"{__name__}.{name}")
    kinds = [kind for _, kind in inspect.getmembers(module, inspect.isclass)]
    return next(k for k in kinds if issubclass(k, Standin) and vars(k).get("name") == name)


def profiles() -> dict[str, str]:
    """Every profile that a stand-in plays beside its own name, and that stand-in's name."""
    return {
        profile: name
        for name in names()
        for profile in standin(name).profiles
        if profile not in names()
    }
