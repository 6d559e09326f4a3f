"""`mock_llm`: chat without a model, for demos, tests and machines that have nothing else."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from pydantic import field_validator

from breeze.contracts.capability import Priority, RunnerKind
from breeze.contracts.events import ChatEvent
from breeze.contracts.fields import Choice, choice, text
from breeze.contracts.requests import ChatRequest
from breeze.contracts.runner import runner
from breeze.runners._mock import MockParameters, MockRunner, lines_of, pieces
from breeze.runners._mock_chat import adjustments, deliver

STYLES = {
    "formal": "This is a mock answer; no model was consulted. Your message of {words} words "
    "reads: “{quote}”.",
    "casual": "Hey, mock here! You said “{quote}”. There is no model behind me, so all I can do "
    "with your {words} words is say them back.",
    "technical": "Mock answer. Model: {model}. Turns: {turns}. Words in: {words}. Input: "
    "“{quote}”. Inference: none.",
    "creative": "Once a mock met {words} words, and they were “{quote}”. It had no model to ask, "
    "so it kept them warm and gave them back.",
}
_QUOTED = 120
"""Characters of the message that an answer repeats."""


class MockLLMParameters(MockParameters):
    """What mock_llm can be told."""

    response_style: str = choice(
        "random",
        [
            Choice("formal", "Formal", "Full, polite sentences"),
            Choice("casual", "Casual", "As one talks to a friend"),
            Choice("technical", "Technical", "Facts about the request"),
            Choice("creative", "Creative", "A little story"),
            Choice("random", "Random", "One of the four, by the seed"),
        ],
        "How the answer is worded",
        category="Content",
        per_request=True,
    )
    predefined_responses: str = text(
        "",
        "Answers to choose from by the seed, one a line; then nothing else is said",
        category="Content",
    )

    _lines = field_validator("predefined_responses", mode="before")(lines_of)

    @property
    def answers(self) -> list[str]:
        """The predefined answers."""
        return [line for line in self.predefined_responses.splitlines() if line.strip()]


@runner(
    "mock_llm",
    vendor="Breeze",
    kind=RunnerKind.MOCK,
    priority=Priority.LOW,
    default_model="mock-llm-basic",
    concurrency=512,
)
class MockLLMRunner(MockRunner[MockLLMParameters]):
    """Answers chats by rule and says so; any seed gives the same answer twice."""

    known_models = ("mock-llm-advanced", "mock-llm-creative")

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        model = self.model_for(request)
        p = self.parameters_for(request)
        with self.work.stream() as work:
            for note in adjustments(request):
                yield note
            dice = await self.begin(request, p)
            texts = [_answer(request, p, model, dice, i) for i in range(request.n)]
            async with aclosing(deliver(work, request, p, texts, model_name=model)) as events:
                async for event in events:
                    yield event


def _answer(
    request: ChatRequest, p: MockLLMParameters, model: str, dice: random.Random, number: int
) -> str:
    if answers := p.answers:
        return dice.choice(answers)
    style = dice.choice([*STYLES]) if p.response_style == "random" else p.response_style
    asked = _asked(request)
    said = STYLES[style].format(**_facts(request, asked, model))
    said += _EXTRA.get(model, _nothing)(request, asked, dice)
    return f"{said} (Answer {number + 1} of {request.n}.)" if request.n > 1 else said


def _asked(request: ChatRequest) -> str:
    """What is answered: the last thing a person or a tool said."""
    texts = (m.text for m in reversed(request.messages) if m.role in ("user", "tool"))
    return " ".join(next(texts, "").split())


def _facts(request: ChatRequest, asked: str, model: str) -> dict[str, Any]:
    quote = asked if len(asked) <= _QUOTED else f"{asked[:_QUOTED]}…"
    turns = len(request.messages)
    return {"words": len(pieces(asked)), "quote": quote, "model": model, "turns": turns}


def _nothing(request: ChatRequest, asked: str, dice: random.Random) -> str:
    return ""


def _advanced(request: ChatRequest, asked: str, dice: random.Random) -> str:
    roles = ", ".join(f"{n} of {role}" for role, n in Counter(_roles(request)).items())
    tools = ", ".join(tool.name for tool in request.tools) or "none"
    return f" Messages: {roles}. Tools on offer: {tools}."


def _roles(request: ChatRequest) -> list[str]:
    return [message.role for message in request.messages]


def _creative(request: ChatRequest, asked: str, dice: random.Random) -> str:
    words = [word.strip() for word in pieces(asked)] or ["silence"]
    first, second, third = (dice.choice(words) for _ in range(3))
    return f"\n{first},\nafter it {second},\nand at the end {third}."


_EXTRA = {"mock-llm-advanced": _advanced, "mock-llm-creative": _creative}
