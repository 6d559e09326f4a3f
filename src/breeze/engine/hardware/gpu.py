"""GPUs of other kinds, and how much memory of its own a GPU has."""

from __future__ import annotations

from pathlib import Path

from breeze.contracts.hardware import GB
from breeze.engine.hardware.cuda import Gpu, gpus
from breeze.engine.hardware.machine import Machine
from breeze.engine.hardware.seen import Seen

_VULKAN = {"linux": ("libvulkan.so.1",), "android": ("libvulkan.so",), "win32": ("vulkan-1.dll",)}
_DRIVERS = (
    "usr/share/vulkan/icd.d/*.json", "usr/local/share/vulkan/icd.d/*.json",
    "etc/vulkan/icd.d/*.json",
)  # fmt: skip
_SOFTWARE = ("lvp_", "swiftshader", "vk_swiftshader")
_METAL = "System/Library/Frameworks/Metal.framework"
_RENDER = "sudo usermod -aG render,video $USER"


def rocm(machine: Machine) -> Seen:
    """The compute device of the kernel's driver, and a node of it that is a GPU."""
    device = machine.root / "dev/kfd"
    if not device.exists():
        return Seen(False, "no /dev/kfd")
    if not machine.usable(device):
        return Seen(False, "/dev/kfd is there, but this user may not open it", _RENDER)
    for node in machine.found("sys/class/kfd/kfd/topology/nodes/*/properties"):
        facts = dict(
            line.split(maxsplit=1)
            for line in machine.text(machine.shown(node)[1:]).splitlines()
            if len(line.split()) > 1
        )
        if facts.get("simd_count", "0") != "0":
            return Seen(True, f"/dev/kfd; gfx target {facts.get('gfx_target_version', 'not told')}")
    return Seen(False, "/dev/kfd is there, but none of its nodes is a GPU")


def vulkan(machine: Machine) -> Seen:
    """The loader, a driver that is no software renderer, and a device to render on."""
    library = machine.library(*_VULKAN.get(machine.system, ()))
    if not library:
        fix = "sudo apt install libvulkan1" if machine.system == "linux" else ""
        return Seen(False, "the Vulkan loader cannot be loaded", fix if _render(machine) else "")
    if machine.system != "linux":
        return Seen(True, library)
    device = _render(machine)
    if not device:
        return Seen(False, f"{library}, but no /dev/dri/renderD128")
    drivers = [p for p in machine.found(*_DRIVERS) if not p.name.startswith(_SOFTWARE)]
    if not drivers:
        fix = "sudo apt install mesa-vulkan-drivers"
        return Seen(False, f"{library} and {device[0]}, but no driver of a GPU", fix)
    if not machine.usable(machine.root / device[0][1:]):
        return Seen(False, f"{device[0]} is there, but this user may not open it", _RENDER)
    return Seen(True, f"{library}; {device[0]}; {machine.shown(drivers[0])}")


def metal(machine: Machine) -> Seen:
    """The framework of macOS."""
    if machine.system != "darwin":
        return Seen(False, f"only macOS has it, this is {machine.system}")
    there = (machine.root / _METAL).exists()
    return Seen(there, f"/{_METAL}" if there else f"no /{_METAL}")


def largest(machine: Machine) -> Gpu | None:
    """The GPU with the most memory of its own, None when none tells."""
    found = [gpu for gpu in (*gpus(machine), *_amd(machine)) if gpu.memory]
    return max(found, key=lambda gpu: gpu.memory) if found else None


def vram(machine: Machine, wanted: int) -> Seen:
    """Whether one GPU has `wanted` bytes of its own."""
    best = largest(machine)
    if best is None:
        return Seen(False, "no GPU tells of memory of its own")
    return Seen(best.memory >= wanted, f"{best.name} has {best.memory / GB:.1f} GB")


def _amd(machine: Machine) -> list[Gpu]:
    found = []
    for file in machine.found("sys/class/drm/card*/device/mem_info_vram_total"):
        size = machine.number(machine.shown(file)[1:])
        found.append(Gpu(_card(file), size or 0))
    return found


def _card(file: Path) -> str:
    return file.parent.parent.name


def _render(machine: Machine) -> list[str]:
    return [machine.shown(path) for path in machine.found("dev/dri/renderD*")]
