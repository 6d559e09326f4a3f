"""One chat request at work in llama.cpp: chunks in, events out, stopped as soon as nobody reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from breeze.contracts.answers import FinishReason
from breeze.contracts.dialects.openai import ChunkReader, UpstreamError
from breeze.contracts.errors import ProcessingError
from breeze.contracts.events import Adjusted, ChatEvent, Finish, Progress
from breeze.contracts.requests import ChatRequest
from breeze.contracts.runner import Work
from breeze.contracts.threads import Outlet
from breeze.contracts.values import Usage
from breeze.runners._llamacpp_body import SEEDS
from breeze.runners._llamacpp_errors import refused, reported
from breeze.runners._llamacpp_server import LlamaServer


class _PromptProgress(msgspec.Struct):
    """Prompt tokens: all, those already known from before, those done (known ones included)."""

    total: int
    cache: int
    processed: int


class _Timings(msgspec.Struct):
    """Time spent on the answer so far."""

    predicted_ms: float = 0.0


class _Extras(msgspec.Struct):
    """What llama.cpp adds to OpenAI's chunks."""

    prompt_progress: _PromptProgress | None = None
    timings: _Timings | None = None


_extras = msgspec.json.Decoder(_Extras).decode


class Generation:
    """The answers to one request. `run` blocks and belongs in a thread of its own."""

    def __init__(
        self, server: LlamaServer, request: ChatRequest, body: dict[str, Any], work: Work
    ) -> None:
        self.server = server
        self.request = request
        self.body = body
        self.work = work
        self.readers: list[ChunkReader] = []
        self.milliseconds: list[float] = []

    def run(self, outlet: Outlet[ChatEvent]) -> None:
        """Send every event of the answers, one answer after the other."""
        talk = [msgspec.json.encode(message) for message in self.body["messages"]]
        with self.server.slots.take(outlet, self.request.session_id, talk) as slot:
            if slot is None:
                return
            self.body["id_slot"] = slot
            if all(self._answer(i, outlet) for i in range(self.request.n)):
                self._end(outlet)

    def _answer(self, index: int, outlet: Outlet[ChatEvent]) -> bool:
        """One answer; False when the reader left. Raises what llama.cpp reports."""
        reader = ChunkReader(choice=index, top=self.request.top_logprobs)
        self.readers.append(reader)
        self.milliseconds.append(0.0)
        body = self.body
        if index and "seed" in body:
            body = {**body, "seed": (body["seed"] + index) % SEEDS}
        failed: list[Exception] = []
        try:
            self.server.chat(body, self._each(reader, outlet, failed))
        except (ValueError, RuntimeError) as error:
            raise refused(error, self.server.model.id) from error
        if failed and isinstance(failed[0], UpstreamError):
            raise reported(failed[0], self.server.model.id, "messages") from failed[0]
        if failed:
            raise failed[0]
        if not outlet.closed and reader.reason is None:
            raise ProcessingError("llama.cpp stopped without an end.", detail="cut")
        return not outlet.closed

    def _each(
        self, reader: ChunkReader, outlet: Outlet[ChatEvent], failed: list[Exception]
    ) -> Callable[[bytes], bool]:
        def each(chunk: bytes) -> bool:
            try:
                return outlet.closed or self._take(chunk, reader, outlet)
            except Exception as error:  # must not reach the C++ caller; raised after it returned
                failed.append(error)
                return True

        return each

    def _take(self, chunk: bytes, reader: ChunkReader, outlet: Outlet[ChatEvent]) -> bool:
        """Send on what a chunk holds; True to stop."""
        self.work.steps += 1
        if b'"prompt_progress"' in chunk or b'"timings"' in chunk:
            found = _extras(chunk)
            if found.timings is not None:
                self.milliseconds[-1] = found.timings.predicted_ms
            prompt = found.prompt_progress
            if prompt is not None and not self._prompt(prompt, outlet):
                return True
        return not all(outlet.send(event) for event in reader.read(chunk))

    def _prompt(self, progress: _PromptProgress, outlet: Outlet[ChatEvent]) -> bool:
        """Say how far a long prompt is, and first how many tokens are left for the answer."""
        if progress.processed > progress.cache:
            if progress.processed == progress.total:
                return True
            return outlet.send(Progress("prompt", progress.processed, progress.total))
        room = self.server.context - progress.total
        asked = self.body.get("max_tokens")
        if len(self.readers) > 1 or not asked or asked <= room:
            return True
        why = f"the prompt takes {progress.total} of {self.server.context} tokens"
        return outlet.send(Adjusted("max_tokens", asked, room, why))

    def _end(self, outlet: Outlet[ChatEvent]) -> None:
        used = [reader.usage or Usage() for reader in self.readers]
        made = sum(usage.completion_tokens for usage in used)
        reasons = (reader.reason for reader in self.readers)
        reason: FinishReason = next((why for why in reasons if why and why != "stop"), "stop")
        if self.body.get("tool_choice") == "required" and reason == "stop":
            raise ProcessingError(
                f"{self.server.model.id} answered without the tool call that was required. "
                "Choose a model that is made for tools.",
                detail="malformed",
                retryable=False,
            )
        outlet.send(Usage(used[0].prompt_tokens, made, cached_tokens=used[0].cached_tokens))
        seconds = sum(self.milliseconds) / 1000
        metadata = {
            "model_name": self.server.model.id,
            "runtime_backend": self.server.backend,
            "prompt_tokens": used[0].prompt_tokens,
            "tokens_generated": made,
            "token_count": made,
            "generation_speed": round(made / seconds, 1) if seconds else 0.0,
            "finish_reason": reason,
        }
        outlet.send(Finish(reason, metadata=metadata))
