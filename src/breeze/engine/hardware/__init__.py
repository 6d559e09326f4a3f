"""What this machine has, with the evidence: looked for once, and again when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from breeze.contracts.clock import Clock, SystemClock
from breeze.contracts.errors import InputError
from breeze.contracts.hardware import GB, NAMES, Detection, amount_of, is_known, unknown
from breeze.engine.hardware import gpu, npu, processor, surroundings
from breeze.engine.hardware.cuda import cuda
from breeze.engine.hardware.machine import Machine
from breeze.engine.hardware.memory import memory
from breeze.engine.hardware.seen import Seen

VARIABLE = "BREEZE_HARDWARE_"
"""A variable with this and a name says yes or no to it, whatever is found."""
_BRIEF = {"INTERNET_CONNECTION": 5.0}
"""Seconds for which an answer is believed that may change while the machine runs."""
_WORDS = {
    **dict.fromkeys(("1", "true", "on", "yes"), True),
    **dict.fromkeys(("0", "false", "off", "no"), False),
}
_ANY = {
    "GPU": ("CUDA_GPU", "ROCM_GPU", "VULKAN_GPU", "METAL_GPU"),
    "NPU": ("MTK_NPU", "INTEL_NPU", "APPLE_NPU", "AMD_NPU", "QUALCOMM_NPU"),
}
_DETECTORS: dict[str, Callable[[Machine], Seen]] = {
    "INTERNET_CONNECTION": surroundings.internet,
    "GOOGLE_PLAY_SERVICES": surroundings.play_services,
    "CUDA_GPU": cuda,
    "ROCM_GPU": gpu.rocm,
    "VULKAN_GPU": gpu.vulkan,
    "METAL_GPU": gpu.metal,
    "MTK_NPU": npu.mediatek,
    "INTEL_NPU": npu.intel,
    "APPLE_NPU": npu.apple,
    "AMD_NPU": npu.amd,
    "QUALCOMM_NPU": npu.qualcomm,
    **{
        name: partial(processor.instructions, name=name)
        for name in ("AVX2", "AVX512", "AMX", "NEON", "SVE")
    },
}


class Hardware:
    """The machine by the names of `breeze.contracts.hardware`.

    `said`: what the configuration overrules; `environ`: variables, which overrule both.
    """

    def __init__(
        self,
        machine: Machine | None = None,
        said: Mapping[str, bool] | None = None,
        environ: Mapping[str, str] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.machine = machine or Machine()
        self._clock = clock or SystemClock()
        self._said = {
            **{name: _overruled(name, has, "configuration") for name, has in (said or {}).items()},
            **_from_variables(environ or {}),
        }
        self._known: dict[str, tuple[float, Detection]] = {}

    def look(self, name: str) -> Detection:
        """What is known of `name`; looked for when nobody has yet. Never raises."""
        if (said := self._said.get(name)) is not None:
            return said
        when, known = self._known.get(name, (0.0, None))
        if known is not None and self._clock.now() - when < _BRIEF.get(name, float("inf")):
            return known
        found = self._detected(name)
        self._known[name] = (self._clock.now(), found)
        return found

    def all(self) -> Iterator[Detection]:
        """Everything that is a yes or a no."""
        yield from map(self.look, NAMES)

    def missing(self, requirements: Iterable[str]) -> str | None:
        """Why the first unmet requirement is unmet, or None when all are met."""
        for name in requirements:
            found = self.look(name)
            if not found.present:
                remedy = f" (run: {found.fix})" if found.fix else ""
                return f"{name}: {found.evidence}{remedy}"
        return None

    def refresh(self) -> None:
        """Forget what was found, so that it is looked for again."""
        self._known.clear()

    def _detected(self, name: str) -> Detection:
        try:
            seen = self._seen(name)
        except Exception as error:  # a driver's library, or a file of an odd form: no detector may
            seen = Seen(False, f"cannot be told: {type(error).__name__}: {error}")  # stop anything
        return Detection(name=name, present=seen.present, evidence=seen.evidence, fix=seen.fix)

    def _seen(self, name: str) -> Seen:
        if name in _ANY:
            return self._any(_ANY[name])
        if name in _DETECTORS:
            return _DETECTORS[name](self.machine)
        amount = amount_of(name)
        if amount is None:
            return Seen(False, unknown(name))
        kind, wanted = amount
        return _ram(self.machine, wanted) if kind == "RAM" else gpu.vram(self.machine, wanted)

    def _any(self, names: tuple[str, ...]) -> Seen:
        found = [self.look(name) for name in names]
        there = next((one for one in found if one.present), None)
        if there is not None:
            return Seen(True, f"{there.name}: {there.evidence}")
        fix = next((one.fix for one in found if one.fix), "")
        return Seen(False, f"none of {', '.join(names)}", fix)


def _ram(machine: Machine, wanted: int) -> Seen:
    has = memory(machine)
    limited = f", of which {has.limited_by} allows {has.limit / GB:.1f} GB" if has.limit else ""
    return Seen(has.usable >= wanted, f"this machine has {has.total / GB:.1f} GB{limited}")


def _overruled(name: str, has: bool, by: str) -> Detection:
    said = f"the {by} says {'yes' if has else 'no'}"
    if by == "environment":
        return Detection(
            name=name, present=has, evidence=f"{said} ({VARIABLE}{name})", source="environment"
        )
    return Detection(name=name, present=has, evidence=said, source="configuration")


def _from_variables(environ: Mapping[str, str]) -> dict[str, Detection]:
    """Raises InputError for a value that is neither yes nor no."""
    found = {}
    for variable, text in environ.items():
        name = variable.removeprefix(VARIABLE)
        if variable == name or not text or not is_known(name):
            continue
        if (has := _WORDS.get(text.strip().lower())) is None:
            raise InputError(f"{variable}={text[:32]}: set it to on or off.", field=variable)
        found[name] = _overruled(name, has, "environment")
    return found
