"""One chat request at work in a loaded program."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from breeze.contracts.answers import FinishReason
from breeze.contracts.errors import InputError, ProcessingError
from breeze.contracts.events import Adjusted, ChatEvent, Finish, Progress, TextDelta
from breeze.contracts.requests import ChatRequest
from breeze.contracts.threads import Outlet
from breeze.contracts.values import Usage
from breeze.contracts.work import Work
from breeze.runners._executorch_engine import ProgramEngine
from breeze.runners._plain_chat import refuse_tools, too_long, turns, unmet
from breeze.runners._stop_texts import StopTexts

_UNKNOWN = (
    "top_p", "top_k", "seed", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs",
    "top_logprobs", "reasoning_effort", "response_format",
)  # fmt: skip
_HOTTEST = 1.0


class Manner(NamedTuple):
    """How to answer: `most` tokens of an answer, `length` of prompt and answer, 0 no limit."""

    temperature: float
    most: int
    length: int
    backend: str
    told: tuple[Adjusted, ...] = ()


def manner(
    request: ChatRequest, temperature: float, length: int, most: int, backend: str
) -> Manner:
    """What `request` asks for, with the operator's values where it says nothing."""
    refuse_tools(request, "the runtime of these programs")
    told = unmet(request, _UNKNOWN, "ExecuTorch's text runner has no such option")
    wanted = temperature if request.temperature is None else request.temperature
    if wanted > _HOTTEST:
        why = "ExecuTorch's text runner takes no more"
        told.append(Adjusted("temperature", wanted, _HOTTEST, why))
        wanted = _HOTTEST
    return Manner(wanted, request.max_tokens or most, length, backend, tuple(told))


class _Left(Exception):
    """Nobody reads any more, or a stop text came. It never reaches a caller."""


class Continuation:
    """The answers to one request. `run` blocks and belongs in a thread of its own."""

    def __init__(
        self,
        engine: ProgramEngine,
        request: ChatRequest,
        manner: Manner,
        system_prompt: str,
        work: Work,
    ) -> None:
        self.engine = engine
        self.request = request
        self.manner = manner
        self.prompt = engine.form.write(turns(request, system_prompt))
        self.work = work
        self.made = 0
        self.seconds = 0.0
        self.cut = False

    def run(self, outlet: Outlet[ChatEvent]) -> None:
        """Send every event of the answers, one answer after the other."""
        if not self.prompt:
            raise InputError("messages has nothing to read: give it a word.", field="messages")
        tokens = self.engine.count(self.prompt)
        most = self._room(tokens, outlet)
        pieces = self.engine.pieces(self.prompt)
        with self.engine.turn(outlet) as mine:
            for choice in range(self.request.n):
                if not mine or not self._answer(choice, pieces, most, outlet):
                    return
        self._end(tokens, outlet)

    def _room(self, tokens: int, outlet: Outlet[ChatEvent]) -> int:
        """Tokens that the answer may have. Raises InputError when the prompt leaves none."""
        limits = [limit for limit in (self.engine.context, self.manner.length) if limit]
        limit = min(limits, default=tokens + self.manner.most + 1)
        room = limit - tokens
        if room < 1:
            remedy = "raise max_sequence_length as far as the program takes it"
            raise too_long(tokens, limit, self.engine.model.id, remedy)
        if self.manner.most > room:
            why = f"the prompt takes {tokens} of {limit} tokens"
            outlet.send(Adjusted("max_tokens", self.manner.most, room, why))
        return min(self.manner.most or room, room)

    def _answer(self, choice: int, pieces: list[str], most: int, outlet: Outlet[ChatEvent]) -> bool:
        """One answer; False when the reader left."""
        stops, ended, made = StopTexts(self.request.stop), False, 0
        native, begun = self.engine.native, 0.0

        def each(piece: str) -> None:
            nonlocal ended, made, begun
            begun = begun or time.perf_counter()
            self.work.steps += 1
            made += 1
            if piece in self.engine.ends:
                ended = True
                raise _Left
            text = stops.feed(piece)
            if outlet.closed or (text and not outlet.send(TextDelta(text, choice))) or stops.found:
                native.stop()
                raise _Left

        try:
            native.reset()
            if not self._read(choice, pieces[:-1], outlet):
                return False
            native.generate(pieces[-1], self._config(most), each)
        except _Left:
            pass
        except RuntimeError as error:
            raise ProcessingError(
                f"ExecuTorch failed: {error}.", model=self.engine.model.id
            ) from error
        self.made += made
        self.seconds += time.perf_counter() - (begun or time.perf_counter())
        self.cut |= not ended and not stops.found
        rest = stops.rest()
        if rest and not outlet.closed:
            outlet.send(TextDelta(rest, choice))
        return not outlet.closed

    def _read(self, choice: int, pieces: list[str], outlet: Outlet[ChatEvent]) -> bool:
        """Take in all of the prompt but its last piece, and tell how far it is."""
        for done, piece in enumerate(pieces, start=1):
            if outlet.closed:
                return False
            self.engine.native.prefill(piece, self._config(1))
            self.work.steps += 1
            if not choice and not outlet.send(Progress("prompt", done, len(pieces) + 1)):
                return False
        return not outlet.closed

    def _config(self, most: int) -> Any:
        from executorch.extension.llm.runner import GenerationConfig

        return GenerationConfig(
            max_new_tokens=most,
            temperature=self.manner.temperature,
            echo=False,
            warming=True,  # else the runtime prints the answer on the terminal
        )

    def _end(self, tokens: int, outlet: Outlet[ChatEvent]) -> None:
        reason: FinishReason = "length" if self.cut else "stop"
        outlet.send(Usage(tokens, self.made))
        metadata = {
            "model_name": self.engine.model.id,
            "runtime_backend": self.manner.backend,
            "prompt_tokens": tokens,
            "tokens_generated": self.made,
            "token_count": self.made,
            "generation_speed": round(self.made / self.seconds, 1) if self.seconds else 0.0,
            "finish_reason": reason,
        }
        outlet.send(Finish(reason, metadata=metadata))
