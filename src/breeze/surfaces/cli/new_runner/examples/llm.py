"""`my_runner`: a summariser, until your language model moves in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncGenerator, Iterator

from breeze.contracts.capability import Priority, RunnerKind
from breeze.contracts.errors import InputError, NotFoundError, NotLoadedError
from breeze.contracts.events import Adjusted, ChatEvent, Finish, TextDelta
from breeze.contracts.fields import integer
from breeze.contracts.parameters import Parameters
from breeze.contracts.requests import AUTO, ChatRequest
from breeze.contracts.runner import Runner, runner
from breeze.contracts.values import Usage

MODEL = "telling-sentences"
_PLAIN = ChatRequest(())
_UNUSED = (
    "n", "seed", "temperature", "top_p", "top_k", "presence_penalty", "frequency_penalty",
    "logit_bias", "logprobs", "top_logprobs", "reasoning_effort", "response_format", "tools",
    "tool_choice", "parallel_tool_calls",
)  # fmt: skip
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")


class MyParameters(Parameters):
    """What an operator, or a request, can tell this runner."""

    sentences: int = integer(
        3, "Sentences that a summary has at most", low=1, high=20, step=1, per_request=True
    )


@runner(
    "my_runner",
    vendor="My Company",
    kind=RunnerKind.LOCAL,
    priority=Priority.LOW,
    default_model=MODEL,
)
class MyRunner(Runner[MyParameters]):
    """Answers with the sentences of your message that say most of it."""

    def __init__(self, parameters: MyParameters) -> None:
        super().__init__(parameters)
        self._loaded = False

    async def load(self, model: str) -> None:
        _check_model(model)
        self._loaded = True

    async def unload(self) -> None:
        self._loaded = False

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        if not self._loaded:
            raise NotLoadedError("Nothing is loaded: call load() first.")
        _check_model(request.model)
        p = self.parameters_for(request)
        for event in unused(request):
            yield event
        asked = request.messages[-1].text
        answer = until_stop(summary(asked, p.sentences), request.stop)
        words = re.findall(r"\s*\S+", answer)
        allowed = words if request.max_tokens is None else words[: request.max_tokens]
        with self.work.stream() as work:
            for word in allowed:
                work.steps += 1
                yield TextDelta(word)
        yield Usage(prompt_tokens=len(asked.split()), completion_tokens=len(allowed))
        yield Finish("stop" if len(allowed) == len(words) else "length")


def summary(text: str, most: int) -> str:
    """The `most` telling sentences of `text`, in their order. Raises InputError without any."""
    sentences = [found.strip() for found in _SENTENCE.findall(text) if found.strip()]
    if not sentences:
        raise InputError("The message has no sentence: write some text.", field="messages")
    counts = Counter(re.findall(r"\w{4,}", text.casefold()))

    def weight(sentence: str) -> float:
        words = re.findall(r"\w+", sentence.casefold())
        return sum(counts[word] for word in words) / (len(words) + 1)

    best = sorted(range(len(sentences)), key=lambda i: weight(sentences[i]), reverse=True)[:most]
    return " ".join(sentences[i] for i in sorted(best))


def until_stop(text: str, stops: tuple[str, ...]) -> str:
    """`text` up to the first of the texts that end it."""
    return text[: min([text.find(stop) for stop in stops if stop in text], default=len(text))]


def unused(request: ChatRequest) -> Iterator[Adjusted]:
    """Everything that was asked for and is not done here: nothing is dropped in silence."""
    for name in _UNUSED:
        asked = getattr(request, name)
        if asked != getattr(_PLAIN, name):
            shown = asked if isinstance(asked, int | float | str) else str(asked)
            yield Adjusted(name, shown, None, "it has no effect here")


def _check_model(model: str) -> None:
    if model not in ("", AUTO, MODEL):
        raise NotFoundError(f"There is no model {model!r}: ask for {MODEL}.", field="model")
