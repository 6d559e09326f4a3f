"""The processor: its name, and the instruction sets that it has."""

from __future__ import annotations

import ctypes
import os

from breeze.engine.hardware.cgroup import quotas
from breeze.engine.hardware.machine import Machine
from breeze.engine.hardware.seen import Seen

_FLAGS = {
    "AVX2": ("avx2",),
    "AVX512": ("avx512f",),
    "AMX": ("amx_tile",),
    "NEON": ("asimd", "neon"),
    "SVE": ("sve",),
}
_WINDOWS = {"NEON": 19, "AVX2": 40, "AVX512": 41}
"""Numbers of `IsProcessorFeaturePresent`."""
_DARWIN = {"AVX2": "hw.optional.avx2_0", "AVX512": "hw.optional.avx512f"}
_ARM = ("arm64", "aarch64")
_CPUINFO = "proc/cpuinfo"


def instructions(machine: Machine, name: str) -> Seen:
    """Whether the processor has an instruction set, and the system lets programs use it."""
    if machine.system == "win32":
        return _windows(name)
    if machine.system == "darwin":
        return _darwin(machine, name)
    flags = _said(machine, "flags", "Features").split()
    if not flags:
        return Seen(False, f"/{_CPUINFO} lists no flags")
    found = next((flag for flag in _FLAGS[name] if flag in flags), "")
    if found:
        return Seen(True, f"{found} in /{_CPUINFO}")
    return Seen(False, f"no {' or '.join(_FLAGS[name])} in /{_CPUINFO} ({machine.architecture})")


def model(machine: Machine) -> str:
    """What the processor calls itself, else its architecture."""
    if machine.system == "darwin":
        return _sysctl("machdep.cpu.brand_string") or machine.architecture
    return _said(machine, "model name", "Hardware", "Model") or machine.architecture


def cores(machine: Machine) -> tuple[int, float]:
    """Cores of the machine, and how many of them this process may use at once."""
    total = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else total
    return total, min([float(usable), *quotas(machine)])


def _said(machine: Machine, *keys: str) -> str:
    """The first line of /proc/cpuinfo with one of these keys."""
    for line in machine.text(_CPUINFO).splitlines():
        key, _, value = line.partition(":")
        if key.strip() in keys:
            return value.strip()
    return ""


def _darwin(machine: Machine, name: str) -> Seen:
    if name == "NEON" and machine.architecture in _ARM:
        return Seen(True, "every Apple chip has it")
    asked = _DARWIN.get(name)
    if asked is None:
        return Seen(False, f"no Mac has it ({machine.architecture})")
    return Seen(_sysctl(asked) == "1", f"sysctl {asked} is {_sysctl(asked) or 'not there'}")


def _sysctl(name: str) -> str:
    """What macOS says of a name: a text, or a whole number of 4 or 8 bytes."""
    call = getattr(ctypes.CDLL(None), "sysctlbyname", None)
    size = ctypes.c_size_t(256)
    buffer = ctypes.create_string_buffer(size.value)
    if call is None or call(name.encode(), buffer, ctypes.byref(size), None, 0) != 0:
        return ""
    raw = buffer.raw[: size.value]
    if size.value in (4, 8):
        return str(int.from_bytes(raw, "little"))
    return raw.rstrip(b"\0").decode("utf-8", "replace")


def _windows(name: str) -> Seen:
    number = _WINDOWS.get(name)
    if number is None:
        return Seen(False, "Windows does not tell of it")
    has = bool(ctypes.CDLL("kernel32").IsProcessorFeaturePresent(number))
    return Seen(has, f"IsProcessorFeaturePresent({number}) says {'yes' if has else 'no'}")
