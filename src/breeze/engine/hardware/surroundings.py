"""What is around the processor: the network, and the services of the system."""

from __future__ import annotations

import socket

from breeze.engine.hardware.machine import Machine
from breeze.engine.hardware.seen import Seen

_ADDRESSES = (
    (socket.AF_INET, ("192.0.2.1", 9)),
    (socket.AF_INET6, ("2001:db8::1", 9)),
)
"""Documentation addresses: connecting a datagram socket sends nothing, it needs a route."""
_PLAY = (
    "product/priv-app/*GmsCore*", "system/priv-app/*GmsCore*", "system/product/priv-app/*GmsCore*",
    "system_ext/priv-app/*GmsCore*",
)  # fmt: skip


def internet(_: Machine) -> Seen:
    """A route there. Nothing is sent, so nobody is known to answer."""
    reasons = []
    for family, address in _ADDRESSES:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect(address)
                here = probe.getsockname()[0]
            return Seen(True, f"a route from {here} (nothing was sent)")
        except OSError as error:
            reasons.append(error.strerror or str(error))
    return Seen(False, f"this machine has no route to the internet ({reasons[0]})")


def play_services(machine: Machine) -> Seen:
    """Android with the package that carries them."""
    if machine.system != "android" and not (machine.root / "system/build.prop").exists():
        return Seen(False, f"only Android has them, this is {machine.system}")
    found = machine.found(*_PLAY)
    if found:
        return Seen(True, machine.shown(found[0]))
    return Seen(False, "this Android has no package of them")
