"""How families of models write a conversation down, and which of them a tokenizer speaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from breeze.contracts.errors import InputError
from breeze.contracts.unreadable import UNREADABLE

Turns = list[dict[str, Any]]


@dataclass(frozen=True)
class Family:
    """A way of writing turns. `mark`: the one token by which a tokenizer shows that it knows it.

    `turn` takes a role and what was said; `roles` renames roles; `merges`: it has no system turn,
    so that its text goes before what the user says first.
    """

    mark: str
    turn: str
    answer: str
    ends: tuple[str, ...]
    begin: str = ""
    roles: dict[str, str] = field(default_factory=dict)
    merges: bool = False

    def write(self, turns: Turns) -> str:
        """The conversation, up to where the answer begins."""
        said = [(self.roles.get(t["role"], t["role"]), t["content"].strip()) for t in turns]
        if self.merges and said and said[0][0] == "system":
            rest = said[1:] or [(self.roles.get("user", "user"), "")]
            said = [(rest[0][0], f"{said[0][1]}\n\n{rest[0][1]}".strip()), *rest[1:]]
        written = (self.turn.format(role=role, text=text) for role, text in said)
        return self.begin + "".join(written) + self.answer


FAMILIES = {
    "llama3": Family(
        "<|start_header_id|>",
        "<|start_header_id|>{role}<|end_header_id|>\n\n{text}<|eot_id|>",
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
        ("<|eot_id|>", "<|eom_id|>", "<|end_of_text|>"),
        begin="<|begin_of_text|>",
        roles={"tool": "ipython"},
    ),
    "chatml": Family(
        "<|im_start|>",
        "<|im_start|>{role}\n{text}<|im_end|>\n",
        "<|im_start|>assistant\n",
        ("<|im_end|>", "<|endoftext|>"),
        roles={"tool": "user"},
    ),
    "gemma": Family(
        "<start_of_turn>",
        "<start_of_turn>{role}\n{text}<end_of_turn>\n",
        "<start_of_turn>model\n",
        ("<end_of_turn>", "<eos>"),
        begin="<bos>",
        roles={"assistant": "model", "tool": "user"},
        merges=True,
    ),
    "phi": Family(
        "<|assistant|>",
        "<|{role}|>\n{text}<|end|>\n",
        "<|assistant|>\n",
        ("<|end|>", "<|endoftext|>"),
        roles={"tool": "user"},
    ),
    "plain": Family("", "{role}: {text}\n", "assistant:", ("</s>", "<|endoftext|>")),
}
"""By the names that `prompt_format` takes; `plain` is for models that were never taught one."""


@dataclass(frozen=True)
class Form:
    """How the loaded model is spoken to. `ends`: tokens that end an answer."""

    name: str
    write: Callable[[Turns], str]
    ends: tuple[str, ...]


def choose(wanted: str, folder: Path, knows: Callable[[str], bool]) -> Form:
    """The form that was configured, or with `auto` the one that the model's files tell.

    `knows` tells whether a text is one token. Raises InputError for a template that is no good.
    """
    if wanted in ("auto", "template"):
        template = _template(folder)
        if template:
            ends = [end for family in FAMILIES.values() for end in family.ends]
            return Form("template", _rendering(template, folder), tuple(dict.fromkeys(ends)))
        if wanted == "template":
            raise InputError(
                f"{folder.name} has no chat template: put tokenizer_config.json or "
                "chat_template.jinja beside the tokenizer, or set prompt_format to its family.",
                field="prompt_format",
            )
        known = (name for name, family in FAMILIES.items() if family.mark and knows(family.mark))
        wanted = next(known, "plain")
    return Form(wanted, FAMILIES[wanted].write, FAMILIES[wanted].ends)


def _template(folder: Path) -> str:
    own, config = folder / "chat_template.jinja", folder / "tokenizer_config.json"
    try:
        if own.is_file():
            return own.read_text(encoding="utf-8")
        found = msgspec.json.decode(config.read_bytes()) if config.is_file() else {}
    except (OSError, *UNREADABLE) as error:
        raise InputError(f"{config.name} cannot be read: {error}.", field="model") from error
    template = found.get("chat_template") if isinstance(found, dict) else ""
    return template if isinstance(template, str) else ""


def _rendering(template: str, folder: Path) -> Callable[[Turns], str]:
    """Writes turns by a template, which comes with the model and so is kept in a sandbox."""
    from jinja2 import TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    try:
        made = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True).from_string(
            template
        )
    except TemplateError as error:
        raise InputError(
            f"The chat template of {folder.name} is no good: {error}.", field="model"
        ) from error

    def write(turns: Turns) -> str:
        try:
            return str(made.render(messages=turns, add_generation_prompt=True))
        except (TemplateError, TypeError, ValueError) as error:
            raise InputError(
                f"{folder.name} cannot take these messages: {error}.", field="messages"
            ) from error

    return write
