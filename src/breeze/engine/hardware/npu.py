"""Neural processors, by the chips and drivers that they come with."""

from __future__ import annotations

import re

from breeze.engine.hardware.machine import Machine
from breeze.engine.hardware.seen import Seen

_CHIPS = ("mt6991", "mt6989", "mt6988")
_DESCRIBED = (
    "proc/device-tree/compatible", "sys/devices/soc0/family", "sys/devices/soc0/machine",
    "sys/devices/soc0/soc_id", "vendor/build.prop", "proc/cpuinfo",
)  # fmt: skip
_CHIP = re.compile(r"\bmt\d{4}\b")
_HEXAGON = ("dev/fastrpc-cdsp*", "dev/cdsprpc-smd", "dev/adsprpc-smd*")
_RENDER = "sudo usermod -aG render $USER"


def mediatek(machine: Machine) -> Seen:
    """A chip whose NPU runs language models, as the device tree, system or kernel names it."""
    for place in _DESCRIBED:
        found = _CHIP.findall(machine.text(place).lower())
        if chip := next((name for name in found if name in _CHIPS), None):
            return Seen(True, f"{chip} in /{place}")
        if found:
            return Seen(False, f"needs one of {', '.join(_CHIPS)}; /{place} names {found[0]}")
    read = ", ".join(f"/{place}" for place in _DESCRIBED if machine.text(place))
    where = f"in {read}" if read else "none of the files that name chips is there"
    return Seen(False, f"needs a MediaTek chip of {', '.join(_CHIPS)}; none found ({where})")


def intel(machine: Machine) -> Seen:
    """A device of the kernel's driver for it."""
    return _accelerator(machine, "intel_vpu")


def amd(machine: Machine) -> Seen:
    """A device of the kernel's driver for it."""
    return _accelerator(machine, "amdxdna")


def _accelerator(machine: Machine, driver: str) -> Seen:
    for file in machine.found("sys/class/accel/accel*/device/uevent"):
        if f"DRIVER={driver}" not in machine.text(machine.shown(file)[1:]).split():
            continue
        name = file.parent.parent.name
        if not machine.usable(machine.root / "dev/accel" / name):
            return Seen(False, f"/dev/accel/{name}, but this user may not open it", _RENDER)
        return Seen(True, f"/dev/accel/{name} with the driver {driver}")
    return Seen(False, f"no /dev/accel device with the driver {driver}")


def qualcomm(machine: Machine) -> Seen:
    """A device by which programs call the compute DSP, as Linux or as Android has it."""
    found = machine.found(*_HEXAGON)
    for device in found:
        if machine.usable(device):
            return Seen(True, machine.shown(device))
    if found:
        return Seen(False, f"{machine.shown(found[0])}, but this user may not open it")
    return Seen(False, "no /dev/fastrpc-cdsp and no /dev/adsprpc-smd")


def apple(machine: Machine) -> Seen:
    """Every chip of Apple silicon has one."""
    if machine.system != "darwin":
        return Seen(False, f"only macOS has it, this is {machine.system}")
    has = machine.architecture == "arm64"
    return Seen(has, f"{machine.architecture} {'has' if has else 'has no'} neural engine")
