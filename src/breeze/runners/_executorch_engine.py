"""A loaded program: its tokenizer, its form of conversation, and the runtime's text runner."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from breeze.contracts.errors import NotLoadedError
from breeze.contracts.threads import Outlet
from breeze.runners._executorch_formats import choose
from breeze.runners._executorch_models import ProgramModel
from breeze.runners._executorch_parameters import ProgramParameters

_WAIT = 0.02
"""Seconds between two looks at whether somebody still waits for a turn."""
_CHARACTERS = 4
"""Of a token, about; pieces of a prompt are cut by it."""


class ProgramEngine:
    """A program in memory, one stream at a time. `context`: tokens of prompt and answer."""

    def __init__(self, model: ProgramModel, parameters: ProgramParameters) -> None:
        self.model = model
        self.batch = parameters.batch
        self._turn = threading.Lock()
        try:
            self._tokenizer = _tokenizer(model.tokenizer)
            self.native, facts = _open(model, parameters.threads)
        except (RuntimeError, ValueError) as error:
            raise NotLoadedError(
                f"{model.id} could not be loaded: {error}. Its files may be damaged, made for "
                "another executorch (run: pip install -U executorch), or lowered for hardware "
                "that is not here.",
                model=model.id,
                retryable=False,
            ) from error
        self.context = facts.get("get_max_context_len") or facts.get("get_max_seq_len") or 0
        self.form = choose(parameters.prompt_format, model.tokenizer.parent, self._is_token)
        ends = facts.get("get_eos_ids", [])
        texts = (self._tokenizer.decode(int(end)) for end in ends)
        self.ends = frozenset([*self.form.ends, *texts])

    @contextmanager
    def turn(self, outlet: Outlet[Any]) -> Iterator[bool]:
        """The program for oneself; False when the reader left while waiting."""
        while not self._turn.acquire(timeout=_WAIT):
            if outlet.closed:
                yield False
                return
        try:
            yield True
        finally:
            self._turn.release()

    def count(self, text: str) -> int:
        """Tokens of a prompt."""
        return len(self._tokenizer.encode(text))

    def pieces(self, prompt: str) -> list[str]:
        """The prompt in pieces of about a batch, or whole where cutting would change its tokens."""
        most, found, at = self.batch * _CHARACTERS, [], 0
        while len(prompt) - at > most:
            cut = prompt.rfind(" ", at + 1, at + most)
            if cut <= at:
                break
            found.append(prompt[at:cut])
            at = cut
        found.append(prompt[at:])
        tokens = [token for piece in found for token in self._tokenizer.encode(piece)]
        return found if tokens == self._tokenizer.encode(prompt) else [prompt]

    def _is_token(self, text: str) -> bool:
        return len(self._tokenizer.encode(text)) == 1


def _tokenizer(path: Path) -> Any:
    """The tokenizer of a file in any of the forms that the runtime reads."""
    import pytorch_tokenizers

    kinds: tuple[str, ...] = ("CppHFTokenizer",)
    if path.suffix != ".json":
        kinds = ("CppTiktoken", "CppSPTokenizer", "CppLlama2cTokenizer")
    for kind in kinds:
        tokenizer = getattr(pytorch_tokenizers, kind)()
        try:
            tokenizer.load(str(path))
        except RuntimeError:
            continue
        return tokenizer
    raise ValueError(f"{path.name} is no tokenizer that the runtime knows")


def _open(model: ProgramModel, threads: int) -> tuple[Any, dict[str, Any]]:
    """The text runner, and what the program says of itself."""
    from executorch.extension.llm.runner import TextLLMRunner
    from executorch.extension.pybindings import _C  # the public name loads the exporter too: 3 s

    _C._unsafe_reset_threadpool(threads)
    program = _C._load_program(str(model.program.path))
    known = {program.get_method_name(i) for i in range(program.num_methods())}
    facts: dict[str, Any] = {}
    for name in ("get_max_context_len", "get_max_seq_len", "get_eos_ids"):
        if name in known:
            found = program.load_method(name).call([])
            facts[name] = found if name == "get_eos_ids" else found[0]
    return TextLLMRunner(str(model.program.path), str(model.tokenizer)), facts
