"""ExecuTorch programs lowered for the NPU of MediaTek chips."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from breeze.contracts.capability import Priority, Requirement, RunnerKind
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

    Without such a chip or its Neuron runtime `check()` says what is missing. With `backend`
    set to portable it runs programs for the processor, so that all but the NPU can be tried.
    """

    def check(self) -> str | None:
        reason = super().check()
        return reason if reason or self.parameters.backend == "portable" else lacking()

    def fit(self, model: ProgramModel) -> None:
        lowered = DELEGATE in model.program.delegates
        if self.parameters.backend == "npu" and not lowered:
            made_for = ", ".join(model.program.delegates) or "the processor"
            raise InputError(
                f"{model.id} is made for {made_for}, not for the NPU: export it with the "
                f"{DELEGATE} of ExecuTorch, or set backend to portable.",
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
        backend = "NPU" if DELEGATE in engine.model.program.delegates else "CPU"
        how = manner(request, own.temperature, 0, own.max_tokens, backend)
        why = "ExecuTorch's text runner has no such option"
        told = (
            Adjusted(f"params.{name}", request.params[name], None, why)
            for name in _UNKNOWN
            if name in request.params
        )
        how = how._replace(told=(*how.told, *told))
        async with aclosing(self.answers(request, how, own.system_prompt)) as events:
            async for event in events:
                yield event
