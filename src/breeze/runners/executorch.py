"""ExecuTorch programs in this process: chat by its text runner."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from breeze.contracts.capability import Priority, RunnerKind
from breeze.contracts.events import ChatEvent
from breeze.contracts.requests import ChatRequest
from breeze.contracts.runner import runner
from breeze.runners._executorch_base import ProgramRunner
from breeze.runners._executorch_chat import manner
from breeze.runners._executorch_parameters import ExecutorchParameters


@runner(
    "executorch",
    vendor="ExecuTorch",
    kind=RunnerKind.LOCAL,
    priority=Priority.LOW,
    needs=("executorch", "pytorch_tokenizers", "jinja2"),
    extra="executorch",
    concurrency=1,
    queue=64,
    one_model=True,
    ram_gb=0.5,
    isolation="process",
)
class ExecutorchRunner(ProgramRunner[ExecutorchParameters]):
    """Chat with ExecuTorch programs (.pte) on this machine, one answer at a time.

    The runtime draws tokens by temperature alone, up to 1: other sampling options are Adjusted.
    Tools are refused (E400), and so is a prompt that leaves no room for an answer.
    """

    example = "llama-3.2-1b-instruct-spinquant"

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        place = self.loaded().model.program.backend
        own = self.parameters_for(request)
        how = manner(request, own.temperature, own.max_sequence_length, 0, place)
        async with aclosing(self.answers(request, how, own.system_prompt)) as events:
            async for event in events:
                yield event
