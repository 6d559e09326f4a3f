"""A loaded model that writes text, and one chat request at work in it."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from breeze.contracts.answers import FinishReason
from breeze.contracts.errors import InputError, ProcessingError
from breeze.contracts.events import Adjusted, ChatEvent, Finish, Progress, TextDelta
from breeze.contracts.requests import ChatRequest
from breeze.contracts.threads import Outlet
from breeze.contracts.values import Usage
from breeze.contracts.work import Work
from breeze.runners import _onnx_providers as providers
from breeze.runners._onnx_models import OnnxModel, unloadable
from breeze.runners._onnx_options import SEEDS, Plan
from breeze.runners._onnx_parameters import OnnxParameters
from breeze.runners._plain_chat import too_long
from breeze.runners._stop_texts import StopTexts


class OnnxWriter:
    """A model in memory. `context`: tokens of prompt and answer together."""

    def __init__(self, model: OnnxModel, parameters: OnnxParameters) -> None:
        import onnxruntime_genai as genai

        self.model = model
        self.backend = providers.kind(parameters.provider)
        self.batch = parameters.batch
        genai.disable_telemetry_events()
        try:
            self.native = genai.Model(_config(model, parameters))
            self.tokenizer = genai.Tokenizer(self.native)
        except RuntimeError as error:
            raise unloadable(model.id, error, "onnxruntime-genai") from error
        options = genai.GeneratorParams(self.native).get_search_options()
        most = model.context or int(options["max_length"])
        self.context = min(parameters.n_ctx or most, most)
        self.ends = frozenset(int(token) for token in self.tokenizer.eos_token_ids)

    def prompt(self, turns: list[dict[str, Any]]) -> list[int]:
        """The tokens of a conversation, up to where the answer begins. Raises InputError."""
        try:
            text = self.tokenizer.apply_chat_template(
                msgspec.json.encode(turns).decode(), add_generation_prompt=True
            )
        except RuntimeError as error:
            raise InputError(
                f"{self.model.id} cannot take these messages: {error}.", field="messages"
            ) from error
        return [int(token) for token in self.tokenizer.encode(text)]

    def generator(self, plan: Plan, length: int) -> Any:
        """Something that writes at most `length` tokens, the prompt included."""
        import onnxruntime_genai as genai

        try:
            params = genai.GeneratorParams(self.native)
            params.set_search_options(max_length=length, **plan.options)
            if plan.grammar:
                params.set_guidance("json_schema", plan.grammar)
            return genai.Generator(self.native, params)
        except RuntimeError as error:
            if plan.grammar and "grammar" in str(error):
                raise InputError(
                    f"{self.model.id} cannot be bound to this schema: {error}.",
                    field="response_format.schema",
                ) from error
            raise ProcessingError(f"onnxruntime-genai failed: {error}.") from error


def _config(model: OnnxModel, parameters: OnnxParameters) -> Any:
    import onnxruntime_genai as genai

    config = genai.Config(str(model.folder))
    session = {"intra_op_num_threads": parameters.threads, "inter_op_num_threads": 1}
    overlay = {"model": {"decoder": {"session_options": session}}}
    config.overlay(msgspec.json.encode(overlay).decode())
    config.clear_providers()
    if parameters.provider != "cpu":  # which the runtime has below all others
        provider = providers.known(parameters.provider)
        config.append_provider(provider.text)
        for name, value in provider.options:
            config.set_provider_option(provider.text, name, value)
    return config


class Writing:
    """The answers to one request. `run` blocks and belongs in a thread of its own."""

    def __init__(
        self,
        writer: OnnxWriter,
        request: ChatRequest,
        plan: Plan,
        turns: list[dict[str, Any]],
        work: Work,
    ) -> None:
        self.writer = writer
        self.request = request
        self.plan = plan
        self.turns = turns
        self.work = work
        self.made = 0
        self.seconds = 0.0
        self.cut = False

    def run(self, outlet: Outlet[ChatEvent]) -> None:
        """Send every event of the answers, one answer after the other."""
        tokens = self.writer.prompt(self.turns)
        room = self.writer.context - len(tokens)
        if room < 1:
            limit, model = self.writer.context, self.writer.model.id
            raise too_long(len(tokens), limit, model, "raise n_ctx up to what the model takes")
        most = self.plan.most or room
        if most > room:
            why = f"the prompt takes {len(tokens)} of {self.writer.context} tokens"
            if not outlet.send(Adjusted("max_tokens", most, room, why)):
                return
        for choice in range(self.request.n):
            if not self._answer(choice, tokens, min(most, room), outlet):
                return
        self._end(len(tokens), outlet)

    def _answer(self, choice: int, tokens: list[int], most: int, outlet: Outlet[ChatEvent]) -> bool:
        """One answer; False when the reader left."""
        plan = self.plan
        if choice and "random_seed" in plan.options:
            seed = (plan.options["random_seed"] + choice) % SEEDS
            plan = plan._replace(options={**plan.options, "random_seed": seed})
        generator = self.writer.generator(plan, len(tokens) + most)
        try:
            return self._read(generator, tokens, choice, outlet) and self._write(
                generator, choice, most, outlet
            )
        except RuntimeError as error:
            raise ProcessingError(f"onnxruntime-genai failed: {error}.") from error

    def _read(
        self, generator: Any, tokens: list[int], choice: int, outlet: Outlet[ChatEvent]
    ) -> bool:
        """Take the prompt in, a batch at a time, and tell how far a long one is."""
        total, batch = len(tokens), self.writer.batch
        for at in range(0, total, batch):
            if outlet.closed:
                return False
            generator.append_tokens(tokens[at : at + batch])
            self.work.steps += 1
            done = at + batch
            if not choice and done < total and not outlet.send(Progress("prompt", done, total)):
                return False
        return True

    def _write(self, generator: Any, choice: int, most: int, outlet: Outlet[ChatEvent]) -> bool:
        pieces, stops = self.writer.tokenizer.create_stream(), StopTexts(self.request.stop)
        begun, made, token = time.perf_counter(), 0, -1
        while not generator.is_done() and not stops.found:
            if outlet.closed:
                return False
            generator.generate_next_token()
            token = int(generator.get_next_tokens()[0])
            self.work.steps += 1
            made += 1
            text = stops.feed(pieces.decode(token))
            if text and not outlet.send(TextDelta(text, choice)):
                return False
        self.made += made
        self.seconds += time.perf_counter() - begun
        self.cut |= not stops.found and token not in self.writer.ends
        rest = stops.rest()
        return not rest or outlet.send(TextDelta(rest, choice))

    def _end(self, prompt: int, outlet: Outlet[ChatEvent]) -> None:
        reason: FinishReason = "length" if self.cut else "stop"
        outlet.send(Usage(prompt, self.made))
        metadata = {
            "model_name": self.writer.model.id,
            "runtime_backend": self.writer.backend,
            "prompt_tokens": prompt,
            "tokens_generated": self.made,
            "token_count": self.made,
            "generation_speed": round(self.made / self.seconds, 1) if self.seconds else 0.0,
            "finish_reason": reason,
        }
        outlet.send(Finish(reason, metadata=metadata))
