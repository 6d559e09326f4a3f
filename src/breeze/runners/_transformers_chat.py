"""One chat request at work: tokens in, text out, stopped as soon as nobody reads."""

from __future__ import annotations

import time
from typing import Any

from breeze.contracts.answers import FinishReason
from breeze.contracts.errors import MemoryLimitError
from breeze.contracts.events import ChatEvent, Finish, TextDelta
from breeze.contracts.requests import ChatRequest
from breeze.contracts.threads import Outlet
from breeze.contracts.values import Usage
from breeze.contracts.work import Work
from breeze.runners._stop_texts import StopTexts
from breeze.runners._transformers_model import LanguageModel, Prompt
from breeze.runners._transformers_settings import SEEDS, Settings

_UNFINISHED = "\ufffd"
"""What a decoder shows for a character whose bytes are not all there."""
_LONGEST = 16
"""Tokens after which such a one is taken to be broken for good."""


class Generation:
    """The answers to one request. `run` blocks and belongs in a thread of its own."""

    def __init__(
        self, id: str, model: LanguageModel, request: ChatRequest, given: Prompt, asked: Settings,
        work: Work,
    ) -> None:  # fmt: skip
        self._id, self._model, self._request = id, model, request
        self._given, self._asked, self._work = given, asked, work
        self._made, self._seconds = 0, 0.0
        self._reasons: list[FinishReason] = []

    def run(self, outlet: Outlet[ChatEvent]) -> None:
        """Send every event of the answers, one answer after the other."""
        with self._model.turn(outlet) as mine:
            for choice in range(self._request.n if mine else 0):
                self._answer(choice, outlet)
                if outlet.closed:
                    break
        if not outlet.closed:
            self._end(outlet)

    def _answer(self, choice: int, outlet: Outlet[ChatEvent]) -> None:
        import torch

        if self._asked.seed is not None:
            torch.manual_seed((self._asked.seed + choice) % SEEDS)
        answer = _Answer(self._model.tokenizer, self._request, choice, outlet, self._work)
        start = time.perf_counter()
        try:
            with torch.inference_mode():
                self._model.native.generate(
                    **self._given.inputs,
                    stopping_criteria=[answer.token],
                    pad_token_id=_pad(self._model),
                    **self._asked.generation,
                )
        except torch.OutOfMemoryError as error:
            raise MemoryLimitError(
                f"{self._id}: the device has not enough memory for this: send less."
            ) from error
        self._seconds += time.perf_counter() - start
        self._made += answer.count
        self._reasons.append(answer.end(self._asked.tokens))

    def _end(self, outlet: Outlet[ChatEvent]) -> None:
        reason: FinishReason = "length" if "length" in self._reasons else "stop"
        prompt, made = self._given.tokens, self._made
        outlet.send(Usage(prompt, made))
        metadata = {
            "model_name": self._id,
            "runtime_backend": self._model.backend,
            "prompt_tokens": prompt,
            "tokens_generated": made,
            "token_count": made,
            "generation_speed": round(made / self._seconds, 1) if self._seconds else 0.0,
            "finish_reason": reason,
        }
        outlet.send(Finish(reason, metadata=metadata))


class _Answer:
    """One answer as it grows. `token` is asked after each token whether that is the last one."""

    def __init__(
        self, tokenizer: Any, request: ChatRequest, choice: int, outlet: Outlet[ChatEvent],
        work: Work,
    ) -> None:  # fmt: skip
        self._tokenizer, self._choice, self._outlet, self._work = tokenizer, choice, outlet, work
        self._stops = StopTexts(request.stop)
        self._ends: set[int] = {int(tokenizer.eos_token_id or -1)}
        self._before: list[int] = []
        self._open: list[int] = []
        self._last = -1
        self.count = 0

    def token(self, ids: Any, scores: Any, **_: Any) -> Any:
        """As a stopping criterion: true (for the one row) stops."""
        import torch

        self.count += 1
        self._work.steps += 1
        self._last = int(ids[0, -1])
        self._open.append(self._last)
        stop = self._outlet.closed or not self._show() or self._stops.found
        return torch.full((ids.shape[0],), stop, dtype=torch.bool, device=ids.device)

    def _show(self, *, last: bool = False) -> bool:
        """Send the text that the open tokens add. False when nobody reads.

        They are decoded behind those that were shown last: alone they might lose a space.
        """
        before, text = self._decoded(self._before), self._decoded(self._before + self._open)
        if text.endswith(_UNFINISHED) and not last and len(self._open) < _LONGEST:
            return True
        if len(text) <= len(before):
            return True
        self._before, self._open = self._open, []
        return self._send(self._stops.feed(text[len(before) :]))

    def _decoded(self, tokens: list[int]) -> str:
        return str(self._tokenizer.decode(tokens, skip_special_tokens=True)) if tokens else ""

    def _send(self, text: str) -> bool:
        return not text or self._outlet.send(TextDelta(text, self._choice))

    def end(self, most: int) -> FinishReason:
        """Send what was held back; why the answer ended."""
        if not self._outlet.closed and not self._stops.found:
            self._show(last=True)
            self._send(self._stops.rest())
        cut = self.count >= most and not self._stops.found and self._last not in self._ends
        return "length" if cut else "stop"


def _pad(model: LanguageModel) -> int:
    """Any token will do: one row needs no padding, but is asked for it."""
    known = model.tokenizer.pad_token_id
    return int(known if known is not None else model.tokenizer.eos_token_id or 0)
