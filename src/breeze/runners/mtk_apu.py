"""ExecuTorch programs lowered for the NPU of MediaTek chips."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from breeze.contracts.capability import Backend, Priority, Requirement, RunnerKind
from breeze.contracts.errors import HardwareError, InputError
from breeze.contracts.events import Adjusted, ChatEvent
from breeze.contracts.requests import ChatRequest
from breeze.contracts.runner import runner
from breeze.runners._executorch_base import ProgramRunner
from breeze.runners._executorch_chat import manner
from breeze.runners._executorch_models import ProgramModel
from breeze.runners._mtk_apu_device import DELEGATE, delegates, lacking
from breeze.runners._mtk_apu_parameters import MtkApuParameters

_UNKNOWN = ("top_k", "repetition_penalty")
"""Parameters of other applications for this hardware: known, checked, and of no effect."""
_PORTABLE = "portable"


@runner(
    "mtk_apu",
    vendor="MediaTek",
    kind=RunnerKind.HARDWARE,
    priority=Priority.LOW,
    needs=("executorch", "pytorch_tokenizers", "jinja2"),
    extra="executorch",
    requirements=(Requirement.MTK_NPU,),
    concurrency=1,
    queue=64,
    one_model=True,
    ram_gb=1.0,
    isolation="process",
)
class MtkApuRunner(ProgramRunner[MtkApuParameters]):
    """Chat on the NPU of MediaTek chips, by ExecuTorch, one answer at a time.

    It requires the chip, and its Neuron runtime: `check()` says when that is missing. With
    `backend` set to portable it needs neither and runs programs for the processor, so that all but
    the NPU can be tried.
    """

    @classmethod
    def requirements_of(cls, parameters: MtkApuParameters) -> tuple[str, ...]:
        return () if parameters.backend == _PORTABLE else cls.info.requirements

    @classmethod
    def backends_of(
        cls, parameters: MtkApuParameters, home: Path | None = None
    ) -> tuple[Backend, ...]:
        if parameters.backend == "auto":
            return super().backends_of(parameters, home) or (Backend.NPU,)
        return (Backend.CPU if parameters.backend == _PORTABLE else Backend.NPU,)

    def check(self) -> str | None:
        reason = super().check()
        return reason if reason or self.parameters.backend == _PORTABLE else lacking()

    def fit(self, model: ProgramModel) -> None:
        lowered = DELEGATE in model.program.delegates
        if self.parameters.backend == "npu" and not lowered:
            made_for = ", ".join(model.program.delegates) or "the processor"
            raise InputError(
                f"{model.id} is made for {made_for}, not for the NPU: export it with the "
                f"{DELEGATE} of ExecuTorch, or set backend to portable.",
                field="model",
            )
        if lowered and self.parameters.backend == _PORTABLE:
            raise InputError(
                f"{model.id} is lowered for the NPU, and backend is portable: choose a program for "
                "the processor, or set backend to auto.",
                field="model",
            )
        if lowered and DELEGATE not in delegates():
            raise HardwareError(
                f"{model.id} is lowered for the NPU, and the installed executorch has no "
                f"{DELEGATE}: install the vendor's build of it, or choose a program for the "
                "processor.",
                model=model.id,
            )

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        engine = self.loaded()
        own = self.parameters_for(request)
        how = manner(request, own.temperature, 0, own.max_tokens, engine.model.program.backend)
        why = "ExecuTorch's text runner has no such option"
        told = (
            Adjusted(f"params.{name}", getattr(own, name), None, why)
            for name in _UNKNOWN
            if name in own.model_fields_set
        )
        how = how._replace(told=(*how.told, *told))
        async with aclosing(self.answers(request, how, own.system_prompt)) as events:
            async for event in events:
                yield event
