"""GPUs with CUDA: device files, the driver's library, and what its management library tells."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from breeze.contracts.hardware import GB
from breeze.engine.hardware.machine import Machine
from breeze.engine.hardware.seen import Seen

_DRIVER = {"win32": ("nvcuda.dll",), "linux": ("libcuda.so.1", "libcuda.so")}
_MANAGEMENT = {"win32": ("nvml.dll",), "linux": ("libnvidia-ml.so.1",)}
_OWN = re.compile(r"nvidia\d+")
_MOST = 64


class Gpu(NamedTuple):
    """A GPU: its name, and its own memory in bytes (0: not told)."""

    name: str
    memory: int

    def __str__(self) -> str:
        return f"{self.name} ({self.memory / GB:.0f} GB)" if self.memory else self.name


class _Memory(ctypes.Structure):
    _fields_ = (("total", ctypes.c_uint64), ("free", ctypes.c_uint64), ("used", ctypes.c_uint64))


def cuda(machine: Machine) -> Seen:
    """A device and the library of its driver; both are needed."""
    devices = _devices(machine)
    if not devices and machine.system != "win32":
        return Seen(False, "no /dev/nvidia0 and no /dev/dxg")
    library = machine.library(*_DRIVER.get(machine.system, ()))
    if not library:
        why = f"{devices[0]} is there, but " if devices else ""
        return Seen(False, f"{why}the driver's library cannot be loaded (install the CUDA driver)")
    told = ", ".join(map(str, gpus(machine))) or ", ".join(_names(machine))
    version = re.search(r"Kernel Module\s.*?(\d+\.[\d.]+)", _version(machine))
    driver = f"driver {version[1]}" if version else library
    return Seen(True, "; ".join(filter(None, (*devices[:1], driver, told))))


def gpus(machine: Machine) -> list[Gpu]:
    """The GPUs that the driver manages; nothing when its management library does not tell."""
    for name in _MANAGEMENT.get(machine.system, ()):
        library = machine.load(name)
        if isinstance(library, ctypes.CDLL):
            with suppress(AttributeError):  # an older one lacks a function
                return list(_managed(library))
    return []


def _managed(nvml: ctypes.CDLL) -> Iterator[Gpu]:
    count, device = ctypes.c_uint(), ctypes.c_void_p()
    if nvml.nvmlInit_v2() != 0:
        return
    try:
        if nvml.nvmlDeviceGetCount_v2(ctypes.byref(count)) != 0:
            return
        for index in range(min(count.value, _MOST)):
            if nvml.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(device)) == 0:
                yield _described(nvml, device)
    finally:
        nvml.nvmlShutdown()


def _described(nvml: ctypes.CDLL, device: ctypes.c_void_p) -> Gpu:
    name, memory = ctypes.create_string_buffer(96), _Memory()
    named = nvml.nvmlDeviceGetName(device, name, len(name)) == 0
    measured = nvml.nvmlDeviceGetMemoryInfo(device, ctypes.byref(memory)) == 0
    said = name.value.decode("utf-8", "replace") if named else "a GPU"
    return Gpu(said, int(memory.total) if measured else 0)


def _devices(machine: Machine) -> list[str]:
    """Device files: those of the GPUs themselves, and that of Windows for Linux inside it."""
    found = [p for p in machine.found("dev/nvidia[0-9]*") if _OWN.fullmatch(p.name)]
    return [machine.shown(path) for path in (*found, *machine.found("dev/dxg"))]


def _names(machine: Machine) -> list[str]:
    files = machine.found("proc/driver/nvidia/gpus/*/information")
    texts = (machine.text(machine.shown(path)[1:]) for path in files)
    return [found[1].strip() for text in texts if (found := re.search(r"Model:\s*(.+)", text))]


def _version(machine: Machine) -> str:
    return machine.text("proc/driver/nvidia/version")
