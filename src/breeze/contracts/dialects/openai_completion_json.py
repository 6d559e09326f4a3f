"""OpenAI's older completions: a text goes in, the text after it comes out.

No runner here completes raw text, so each prompt is asked as one user message, and every answer
says so among its adjustments.
"""

from __future__ import annotations

from typing import Any

import msgspec

from breeze.contracts.answers import Adjustment, Choice
from breeze.contracts.dialects.openai_json import BreezeJson, Seed
from breeze.contracts.dialects.openai_message_json import Strict
from breeze.contracts.errors import InputError
from breeze.contracts.messages import Message
from breeze.contracts.request import AUTO
from breeze.contracts.requests import ChatRequest
from breeze.contracts.strict import read_strict
from breeze.contracts.values import TokenLogprob

MOST_PROMPTS = 128
MOST_CHOICES = 128
NAMES = dict.fromkeys(("messages", "messages[0]", "messages[0].content"), "prompt") | {
    "top_logprobs": "logprobs"
}
"""Our names of fields that have another one here."""
_SAME = ("temperature", "top_p", "seed", "presence_penalty", "frequency_penalty", "max_tokens")
_AS_CHAT = "asked as one user message: no runner here completes raw text"


class CompletionBody(Strict):
    """A request. `prompt` is looked at by hand, because each wrong form has its own remedy."""

    prompt: Any
    model: str = AUTO
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    n: int | None = None
    stop: str | list[str] | None = None
    seed: Seed | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: int | None = None
    echo: bool | None = None
    best_of: int | None = None
    suffix: str | None = None
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None
    user: str | None = None
    breeze: BreezeJson | None = None


class Completions(msgspec.Struct, frozen=True):
    """What was asked: one chat a prompt. With `echo` each answer begins with its prompt."""

    prompts: tuple[str, ...]
    requests: tuple[ChatRequest, ...]
    echo: bool
    n: int
    adjustments: tuple[Adjustment, ...]

    def index(self, prompt: int, choice: int) -> int:
        """The number of a choice among those of all prompts."""
        return prompt * self.n + choice


def completions_from_json(body: dict[str, Any]) -> Completions:
    """What a completions body asks for. Raises InputError with the field's path."""
    asked = read_strict(body, CompletionBody)
    prompts, n = _prompts(asked.prompt), 1 if asked.n is None else asked.n
    if asked.suffix:
        raise InputError(
            "suffix: no runner here fills in the middle of a text. Leave it out.", field="suffix"
        )
    if n * len(prompts) > MOST_CHOICES:
        raise InputError(f"n: at most {MOST_CHOICES} answers, all prompts together.", field="n")
    ours = msgspec.structs.asdict(asked.breeze) if asked.breeze is not None else {}
    same = {name: value for name in _SAME if (value := getattr(asked, name)) is not None}
    requests = tuple(
        ChatRequest(
            (Message("user", prompt),),
            model=asked.model,
            stop=(asked.stop,) if isinstance(asked.stop, str) else tuple(asked.stop or ()),
            n=n,
            logit_bias=asked.logit_bias or {},
            logprobs=asked.logprobs is not None,
            top_logprobs=asked.logprobs or 0,
            **same,
            **ours,
        )
        for prompt in prompts
    )
    return Completions(prompts, requests, bool(asked.echo), n, tuple(_adjustments(asked, n)))


def _prompts(given: Any) -> tuple[str, ...]:
    if isinstance(given, str):
        return (given,)
    if not isinstance(given, list) or not given:
        raise InputError("prompt: must be a text or a list of texts.", field="prompt")
    if isinstance(given[0], int | list):
        raise InputError(
            "prompt: token ids mean something to one model only, and are not taken: send text.",
            field="prompt",
        )
    if len(given) > MOST_PROMPTS:
        raise InputError(f"prompt: at most {MOST_PROMPTS} texts.", field="prompt")
    for i, prompt in enumerate(given):
        if not isinstance(prompt, str):
            raise InputError(f"prompt[{i}]: must be a text.", field=f"prompt[{i}]")
    return tuple(given)


def _adjustments(asked: CompletionBody, n: int) -> list[Adjustment]:
    found = [Adjustment("prompt", "raw text", "one user message", _AS_CHAT)]
    if asked.best_of is not None and asked.best_of < n:
        raise InputError("best_of: must be at least n.", field="best_of")
    if asked.best_of is not None and asked.best_of > n:
        found.append(Adjustment("best_of", asked.best_of, n, "every answer made is returned"))
    if asked.echo and asked.logprobs is not None:
        why = "the prompt's own tokens have no figures here"
        found.append(Adjustment("echo", "logprobs of the prompt", None, why))
    return found


def choice_json(choice: Choice, index: int, echoed: str = "") -> dict[str, Any]:
    """One whole answer; `echoed` is the prompt when it was asked for too."""
    found: dict[str, Any] = {
        "index": index,
        "text": echoed + choice.text,
        "logprobs": logprobs_json(choice.logprobs, len(echoed)),
        "finish_reason": choice.finish_reason,
    }
    if choice.reasoning:
        found["reasoning_content"] = choice.reasoning
    return found


def logprobs_json(tokens: tuple[TokenLogprob, ...], offset: int) -> dict[str, Any] | None:
    """The older form: four lists side by side. `offset`: code points before the first token."""
    if not tokens:
        return None
    offsets = []
    for token in tokens:
        offsets.append(offset)
        offset += len(token.token)
    return {
        "tokens": [token.token for token in tokens],
        "token_logprobs": [token.logprob for token in tokens],
        "top_logprobs": [dict(token.top) or None for token in tokens],
        "text_offset": offsets,
    }
