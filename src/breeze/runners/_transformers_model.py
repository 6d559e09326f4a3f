"""A causal language model loaded by Transformers, and prompts in its own words."""

from __future__ import annotations

import platform
import sys
import threading
from pathlib import Path
from typing import Any

from breeze.contracts.capability import Backend
from breeze.contracts.errors import InputError, NotLoadedError
from breeze.contracts.messages import Message, TextPart
from breeze.contracts.requests import ChatRequest
from breeze.runners._native_builds import has
from breeze.runners._transformers_files import config_of
from breeze.runners._transformers_parameters import TransformersParameters

BACKENDS = {"cpu": Backend.CPU, "cuda": Backend.GPU, "mps": Backend.GPU}
"""Where each device computes."""


def gpu_device() -> str:
    """The device that is a GPU in the installed build of PyTorch, "" when none is."""
    if has("torch", "lib/*torch_cuda.*", "lib/*torch_hip.*"):
        return "cuda"  # which is its name for both
    apple = sys.platform == "darwin" and platform.machine() == "arm64"
    return "mps" if apple and has("torch", "lib/*torch_cpu.*") else ""


class LanguageModel:
    """The loaded model. Generations take turns (`turn`): their chance is one for the process."""

    def __init__(self, folder: Path, p: TransformersParameters) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()
        _check_device(torch, p.device)
        torch.set_num_threads(p.threads)
        safe: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        self.tokenizer: Any = AutoTokenizer.from_pretrained(str(folder), **safe)
        self.native: Any = AutoModelForCausalLM.from_pretrained(
            str(folder), use_safetensors=True, dtype=p.dtype, **safe
        )
        self.native.to(p.device).eval()
        self.device, self.backend = p.device, BACKENDS[p.device]
        self.context = config_of(folder).max_position_embeddings or 2**20
        self.vocabulary = int(self.native.config.get_text_config().vocab_size)
        self.turn = threading.Lock()

    def prompt(self, request: ChatRequest, p: TransformersParameters) -> Any:
        """The token ids of a conversation (1 x n). Raises InputError."""
        turns = [_plain(m, f"messages[{i}]") for i, m in enumerate(request.messages)]
        if p.system_prompt and not any(turn["role"] == "system" for turn in turns):
            turns.insert(0, {"role": "system", "content": p.system_prompt})
        goes_on = p.prefill and turns[-1]["role"] == "assistant"
        if self.tokenizer.chat_template is None:
            return self._ids(_transcript(turns, goes_on))
        try:
            text = self.tokenizer.apply_chat_template(
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
        return self._ids(text, special=False)

    def _ids(self, text: str, *, special: bool = True) -> Any:
        given = self.tokenizer(text, return_tensors="pt", add_special_tokens=special)
        ids = given["input_ids"]
        if ids.shape[1] == 0:
            raise InputError("The messages make an empty prompt: say something.", field="messages")
        if ids.shape[1] >= self.context:
            raise InputError(
                f"The prompt takes {ids.shape[1]} tokens, the model's context is {self.context}: "
                "send less, or choose another model.",
                field="messages",
                data={"limit": self.context, "asked": ids.shape[1]},
            )
        return ids.to(self.device)


def _check_device(torch: Any, device: str) -> None:
    able = {
        "cpu": lambda: True,
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
    }
    if not able[device]():
        raise NotLoadedError(
            f"PyTorch has no {device} here: set device to cpu, or install PyTorch for it.",
            retryable=False,
        )


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
