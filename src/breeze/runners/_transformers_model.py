"""A causal language model loaded by Transformers, and prompts in its own words."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from breeze.contracts.errors import InputError
from breeze.contracts.messages import Message, TextPart
from breeze.contracts.requests import ChatRequest
from breeze.runners._transformers_files import config_of
from breeze.runners._transformers_load import Native
from breeze.runners._transformers_parameters import TransformersParameters


class Prompt(NamedTuple):
    """What a model is given, and how many tokens that are."""

    inputs: dict[str, Any]
    tokens: int


class LanguageModel(Native):
    """A loaded model that writes text."""

    def __init__(self, folder: Path, p: TransformersParameters) -> None:
        super().__init__(folder, p)
        self._open(folder)
        self.context = config_of(folder).context or 2**20
        self.vocabulary = int(self.native.config.get_text_config().vocab_size)

    def _open(self, folder: Path) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.tokenizer: Any = self.reader(AutoTokenizer)
        self.native: Any = self.weights(AutoModelForCausalLM)

    def prompt(self, request: ChatRequest, p: TransformersParameters) -> Prompt:
        """The tokens of a conversation. Raises InputError."""
        turns = [_plain(m, f"messages[{i}]") for i, m in enumerate(request.messages)]
        if p.system_prompt and not any(turn["role"] == "system" for turn in turns):
            turns.insert(0, {"role": "system", "content": p.system_prompt})
        goes_on = p.prefill and turns[-1]["role"] == "assistant"
        if self.tokenizer.chat_template is None:
            return self._checked(self._read(_transcript(turns, goes_on), special=True))
        return self._checked(self._read(templated(self.tokenizer, turns, goes_on), special=False))

    def _read(self, text: str, *, special: bool) -> Any:
        given = self.tokenizer(text, return_tensors="pt", add_special_tokens=special)
        given.pop("token_type_ids", None)  # some tokenizers give them, no such model takes them
        return given

    def _checked(self, given: Any) -> Prompt:
        """The inputs where the model computes. Raises InputError for too many tokens, or none."""
        tokens = int(given["input_ids"].shape[1])
        if tokens == 0:
            raise InputError("The messages make an empty prompt: say something.", field="messages")
        if tokens >= self.context:
            raise InputError(
                f"The prompt takes {tokens} tokens, the model's context is {self.context}: "
                "send less, or choose another model.",
                field="messages",
                data={"limit": self.context, "asked": tokens},
            )
        return Prompt(dict(given.to(self.device)), tokens)


def templated(reader: Any, turns: list[dict[str, Any]], goes_on: bool) -> str:
    """A conversation in the model's own words, by its tokenizer or processor. Raises InputError."""
    try:
        text: str = reader.apply_chat_template(
            turns,
            tokenize=False,
            add_generation_prompt=not goes_on,
            continue_final_message=goes_on,
        )
    except Exception as error:  # a template is a program of the model's maker
        raise InputError(
            f"The model's chat template refuses these messages ({error}). "
            "Mostly roles must take turns, beginning with the user's.",
            field="messages",
        ) from error
    return text


def _plain(message: Message, path: str) -> dict[str, str]:
    for i, part in enumerate(message.parts):
        if not isinstance(part, TextPart):
            raise InputError(
                f"{path}.content[{i}]: this model reads text only; choose one for this part.",
                field=f"{path}.content[{i}]",
            )
    return {"role": message.role, "content": message.text}


def _transcript(turns: list[dict[str, str]], goes_on: bool) -> str:
    """For models without a chat template: a transcript to continue."""
    lines = [f"{turn['role'].capitalize()}: {turn['content']}" for turn in turns]
    return "\n".join(lines if goes_on else [*lines, "Assistant:"])
