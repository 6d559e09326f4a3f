"""What a machine has: each detector on a machine made of files, and who may overrule it."""

from __future__ import annotations

import ctypes
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from breeze.contracts.errors import InputError
from breeze.contracts.hardware import NAMES
from breeze.engine.hardware import Hardware
from breeze.engine.hardware.cuda import gpus
from breeze.engine.hardware.machine import Machine
from breeze.engine.hardware.memory import memory
from breeze.engine.hardware.processor import cores
from breeze.testing.clock import ManualClock

ARM = "processor: 0\nFeatures: fp asimd sve\n"
X86 = "processor: 0\nflags: fpu sse2 avx2 avx512f amx_tile\nmodel name: A chip\n"
SUPPLY = "proc/device-tree/compatible"
NODE = "sys/class/kfd/kfd/topology/nodes/1/properties"
AMD = "sys/class/drm/card0/device/mem_info_vram_total"
ACCEL = "sys/class/accel/accel0/device/uevent"
DRIVER = "usr/share/vulkan/icd.d/radeon_icd.json"
CUDA_DRIVER = {
    "dev/nvidia0": "",
    "dev/nvidiactl": "",
    "proc/driver/nvidia/version": "NVRM version: UNIX x86_64 Kernel Module  570.86.15  Thu",
    "proc/driver/nvidia/gpus/0000:01:00.0/information": "Model: \t\t A card\nIRQ: 1\n",
}


def machine(
    root: Path, files: Mapping[str, str], *libraries: str, system: str = "linux", cpu: str = "arm64"
) -> Machine:
    """A machine of these files and libraries."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return Machine(root, system, cpu, dict.fromkeys(libraries, "loaded").get)


CASES = [
    ("AVX2", {"proc/cpuinfo": X86}, (), "avx2 in /proc/cpuinfo"),
    ("AVX512", {"proc/cpuinfo": X86}, (), "avx512f in /proc/cpuinfo"),
    ("AMX", {"proc/cpuinfo": X86}, (), "amx_tile in /proc/cpuinfo"),
    ("NEON", {"proc/cpuinfo": ARM}, (), "asimd in /proc/cpuinfo"),
    ("SVE", {"proc/cpuinfo": ARM}, (), "sve in /proc/cpuinfo"),
    ("MTK_NPU", {SUPPLY: "mediatek,mt6989\0mediatek"}, (), f"mt6989 in /{SUPPLY}"),
    ("MTK_NPU", {"vendor/build.prop": "ro.board.platform=mt6991"}, (), "mt6991 in"),
    ("NPU", {SUPPLY: "mediatek,mt6989"}, (), "MTK_NPU: mt6989"),
    ("INTEL_NPU", {ACCEL: "DRIVER=intel_vpu\nA=1", "dev/accel/accel0": ""}, (), "intel_vpu"),
    ("AMD_NPU", {ACCEL: "DRIVER=amdxdna", "dev/accel/accel0": ""}, (), "amdxdna"),
    ("QUALCOMM_NPU", {"dev/fastrpc-cdsp": ""}, (), "/dev/fastrpc-cdsp"),
    ("NPU", {"dev/adsprpc-smd": ""}, (), "QUALCOMM_NPU: /dev/adsprpc-smd"),
    ("CUDA_GPU", CUDA_DRIVER, ("libcuda.so.1",), "/dev/nvidia0; driver 570.86.15; A card"),
    ("CUDA_GPU", {"dev/dxg": ""}, ("libcuda.so.1",), "/dev/dxg; libcuda.so.1"),
    ("GPU", CUDA_DRIVER, ("libcuda.so.1",), "CUDA_GPU: /dev/nvidia0"),
    ("ROCM_GPU", {"dev/kfd": "", NODE: "simd_count 304\ngfx_target_version 90402"}, (), "90402"),
    ("VULKAN_GPU", {"dev/dri/renderD128": "", DRIVER: "{}"}, ("libvulkan.so.1",), "radeon_icd"),
    ("GOOGLE_PLAY_SERVICES", {"system/build.prop": "", "system/priv-app/GmsCore": ""}, (), "Gms"),
    ("VRAM_16GB", {AMD: "17163091968"}, (), "card0 has 17.2 GB"),
    ("RAM_8GB", {"proc/meminfo": "MemTotal: 8000000 kB"}, (), "this machine has 8.2 GB"),
]
LACKING = [
    ("AVX2", {"proc/cpuinfo": ARM}, (), "no avx2 in /proc/cpuinfo"),
    ("NEON", {}, (), "lists no flags"),
    ("MTK_NPU", {SUPPLY: "mediatek,mt8183"}, (), "names mt8183"),
    ("MTK_NPU", {SUPPLY: "another,board"}, (), f"none found (in /{SUPPLY})"),
    ("AMD_NPU", {ACCEL: "DRIVER=intel_vpu", "dev/accel/accel0": ""}, (), "driver amdxdna"),
    ("QUALCOMM_NPU", {}, (), "no /dev/fastrpc-cdsp"),
    ("CUDA_GPU", {}, ("libcuda.so.1",), "no /dev/nvidia0"),
    ("CUDA_GPU", {"dev/nvidiactl": ""}, ("libcuda.so.1",), "no /dev/nvidia0"),
    ("CUDA_GPU", CUDA_DRIVER, (), "/dev/nvidia0 is there, but the driver's library"),
    ("ROCM_GPU", {"dev/kfd": "", NODE: "simd_count 0\n"}, (), "none of its nodes is a GPU"),
    ("VULKAN_GPU", {"dev/dri/renderD128": ""}, (), "loader cannot be loaded"),
    ("VULKAN_GPU", {DRIVER: ""}, ("libvulkan.so.1",), "no /dev/dri/renderD128"),
    (
        "VULKAN_GPU",
        {"dev/dri/renderD128": "", "usr/share/vulkan/icd.d/lvp_icd.json": "{}"},
        ("libvulkan.so.1",),
        "no driver of a GPU",
    ),
    ("METAL_GPU", {}, (), "only macOS has it"),
    ("APPLE_NPU", {}, (), "only macOS has it"),
    ("INTEL_NPU", {ACCEL: "DRIVER=habanalabs"}, (), "no /dev/accel device"),
    ("GPU", {}, (), "none of CUDA_GPU"),
    ("VRAM_24GB", {AMD: "17163091968"}, (), "card0 has 17.2 GB"),
    ("VRAM_1GB", {}, (), "no GPU tells"),
    ("RAM_16GB", {"proc/meminfo": "MemTotal: 8000000 kB"}, (), "this machine has 8.2 GB"),
    ("WARP_DRIVE", {}, (), "is not known"),
    ("RAM_8", {}, (), "did you mean RAM_8GB?"),
]


@pytest.mark.parametrize(("name", "files", "libraries", "evidence"), CASES)
def test_what_is_there_is_found(
    name: str, files: dict[str, str], libraries: tuple[str, ...], evidence: str, tmp_path: Path
) -> None:
    found = Hardware(machine(tmp_path, files, *libraries)).look(name)
    assert found.present, found
    assert evidence in found.evidence
    assert str(tmp_path) not in found.evidence


@pytest.mark.parametrize(("name", "files", "libraries", "evidence"), LACKING)
def test_what_is_not_there_is_said_with_what_was_looked_for(
    name: str, files: dict[str, str], libraries: tuple[str, ...], evidence: str, tmp_path: Path
) -> None:
    hardware = Hardware(machine(tmp_path, files, *libraries))
    assert not hardware.look(name).present
    assert evidence in str(hardware.missing([name]))


def test_a_mac(tmp_path: Path) -> None:
    files = {"System/Library/Frameworks/Metal.framework/Metal": ""}
    mac = Hardware(machine(tmp_path, files, system="darwin", cpu="arm64"))
    names = ("METAL_GPU", "GPU", "APPLE_NPU", "NPU", "NEON")
    assert [mac.look(name).present for name in names] == [True] * 5
    assert not mac.look("SVE").present


def test_a_device_that_this_user_may_not_open(tmp_path: Path) -> None:
    closed = replace(machine(tmp_path, {"dev/kfd": ""}), usable=lambda device: False)
    found = Hardware(closed).look("ROCM_GPU")
    assert (found.present, found.fix) == (False, "sudo usermod -aG render,video $USER")
    assert Hardware(closed).look("GPU").fix == found.fix


GROUPS = [
    ({"proc/self/cgroup": "0::/a/b", "sys/fs/cgroup/a/memory.max": "3000000000"}, "memory.max"),
    ({"proc/self/cgroup": "0::/a", "sys/fs/cgroup/memory.max": "3000000000"}, "memory.max"),
    (
        {
            "proc/self/cgroup": "3:cpu:/\n4:memory:/a\n0::/",
            "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "3000000000",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
        },
        "memory.limit_in_bytes",
    ),
]


@pytest.mark.parametrize(("files", "limited_by"), GROUPS)
def test_the_limit_of_the_group_counts(
    files: dict[str, str], limited_by: str, tmp_path: Path
) -> None:
    looked = machine(tmp_path, files | {"proc/meminfo": "MemTotal: 8000000 kB\n"})
    found = memory(looked)
    assert (found.total, found.usable) == (8_192_000_000, 3_000_000_000)
    assert found.limited_by.endswith(limited_by)
    assert not Hardware(looked).look("RAM_4GB").present
    assert Hardware(looked).look("RAM_3GB").present


QUOTAS = [
    {"proc/self/cgroup": "0::/a", "sys/fs/cgroup/a/cpu.max": "50000 100000"},
    {
        "proc/self/cgroup": "2:cpu,cpuacct:/a",
        "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "50000",
        "sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "100000",
        "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
    },
]


@pytest.mark.parametrize("files", QUOTAS)
def test_the_share_of_the_processor_counts(files: dict[str, str], tmp_path: Path) -> None:
    assert cores(machine(tmp_path, files))[1] == 0.5
    assert cores(Machine(tmp_path / "elsewhere"))[1] >= 1


DRIVER_SOURCE = """
#include <string.h>
typedef struct { unsigned long long total, free, used; } memory;
int nvmlInit_v2(void) { return 0; }
int nvmlShutdown(void) { return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 2; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
    *device = (void *)(0x700000000000ULL + index);
    return 0;
}
int nvmlDeviceGetName(void *device, char *name, unsigned length) {
    strncpy(name, device == (void *)0x700000000001ULL ? "Big" : "Small", length);
    return 0;
}
int nvmlDeviceGetMemoryInfo(void *device, memory *told) {
    told->total = device == (void *)0x700000000001ULL ? 141000000000ULL : 8000000000ULL;
    return device == (void *)0x700000000000ULL || told->total > 8000000000ULL ? 0 : 1;
}
"""


@pytest.mark.skipif(shutil.which("cc") is None, reason="no compiler for a library to ask")
def test_the_management_library_tells_of_each_gpu(tmp_path: Path) -> None:
    source, library = tmp_path / "nvml.c", tmp_path / "nvml.so"
    source.write_text(DRIVER_SOURCE)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    made = {"libnvidia-ml.so.1": ctypes.CDLL(str(library)), "libcuda.so.1": "loaded"}
    looked = replace(machine(tmp_path, CUDA_DRIVER), load=made.get)
    assert [str(one) for one in gpus(looked)] == ["Small (8 GB)", "Big (141 GB)"]
    hardware = Hardware(looked)
    assert "Small (8 GB), Big (141 GB)" in hardware.look("CUDA_GPU").evidence
    assert hardware.look("VRAM_140GB").present
    assert not hardware.look("VRAM_150GB").present


def test_no_limit_is_no_limit(tmp_path: Path) -> None:
    files = {"proc/self/cgroup": "0::/", "sys/fs/cgroup/memory.max": "max"}
    looked = machine(tmp_path, files | {"proc/meminfo": "MemTotal: 8000000 kB\n"})
    assert memory(looked).limit is None


def test_what_was_found_is_kept_until_somebody_asks_anew(tmp_path: Path) -> None:
    hardware = Hardware(machine(tmp_path, {}))
    assert not hardware.look("MTK_NPU").present
    machine(tmp_path, {SUPPLY: "mediatek,mt6989"})
    assert not hardware.look("MTK_NPU").present
    hardware.refresh()
    assert hardware.look("MTK_NPU").present


async def test_the_route_is_looked_for_again_by_itself() -> None:
    clock = ManualClock()
    hardware = Hardware(clock=clock)
    first = hardware.look("INTERNET_CONNECTION")
    assert hardware.look("INTERNET_CONNECTION") is first
    await clock.advance(6)
    assert hardware.look("INTERNET_CONNECTION") is not first


def test_a_variable_beats_the_configuration_and_that_beats_the_machine() -> None:
    said = {"MTK_NPU": True, "RAM_1GB": False}
    environ = {"BREEZE_HARDWARE_MTK_NPU": "off", "BREEZE_HARDWARE_GPU": ""}
    hardware = Hardware(said=said, environ=environ)
    chip, small = hardware.look("MTK_NPU"), hardware.look("RAM_1GB")
    assert (chip.present, chip.source) == (False, "environment")
    assert "BREEZE_HARDWARE_MTK_NPU" in chip.evidence
    assert (small.present, small.source) == (False, "configuration")
    assert hardware.look("GPU").source == "detected"
    assert Hardware(said={"MTK_NPU": True}).look("NPU").present


def test_a_variable_must_say_yes_or_no() -> None:
    with pytest.raises(InputError, match="BREEZE_HARDWARE_GPU=perhaps: set it to on or off"):
        Hardware(environ={"BREEZE_HARDWARE_GPU": "perhaps"})


@pytest.mark.skipif(sys.platform != "linux", reason="compares with what Linux says")
def test_this_machine() -> None:
    hardware = Hardware()
    found = {one.name: one for one in hardware.all()}
    assert list(found) == list(NAMES)
    assert all(one.evidence for one in found.values())
    flags = Path("/proc/cpuinfo").read_text().split()
    assert found["AVX2"].present == ("avx2" in flags)
    assert found["NEON"].present == (platform.machine() == "aarch64")
    assert hardware.look("RAM_1GB").present
    assert not hardware.look("RAM_90000GB").present
