"""One model, three runtimes: the same weights give the same greedy text, whoever computes it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from breeze.contracts.messages import Message
from breeze.contracts.requests import ChatRequest
from breeze.contracts.runner import Runner
from breeze.runners.executorch import ExecutorchRunner
from breeze.runners.llamacpp import LlamaCppRunner
from breeze.runners.onnx import OnnxRunner
from tests.runners.runtime_models import onnx_model as onnx_model
from tests.runners.runtime_models import program as program
from tests.runners.vendor import answer, ready

CONVERSATIONS = [
    *(
        (Message("user", text),)
        for text in (
            "Who are you?",
            "What is a runner?",
            "What is the capital of Japan?",
            "what is 3 plus 4",
            "Why is my phone hot?",
            "Żółć 你好 😀?",
        )
    ),
    (
        Message("system", "Be brief."),
        Message("user", "My name is Anna."),
        Message("assistant", "Nice to meet you, Anna!"),
        Message("user", "What is my name?"),
    ),
]


async def test_three_runtimes_say_the_same(onnx_model: Path, program: Path) -> None:
    kinds: tuple[tuple[type[Runner[Any]], dict[str, Any]], ...] = (
        (LlamaCppRunner, {}),
        (OnnxRunner, {"model_path": onnx_model}),
        (ExecutorchRunner, {"model_path": program}),
    )
    async with AsyncExitStack() as stack:
        runners = [
            await stack.enter_async_context(ready(kind(kind.parameters_type.of(values))))
            for kind, values in kinds
        ]
        for messages in CONVERSATIONS:
            request = ChatRequest(messages, temperature=0.0, max_tokens=80)
            texts = [(await answer(runner, request)).text for runner in runners]
            assert texts[0]
            assert texts == [texts[0]] * 3
