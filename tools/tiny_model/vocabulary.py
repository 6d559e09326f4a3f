"""The byte-level vocabulary and the chat form: dialogues to token ids and what is learned."""
# ruff: noqa: TID253 - a tool that is run by itself; nothing imports it with the engine

from __future__ import annotations

import json
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from tiny_model.corpus import SEED, corpus
from tiny_model.dialogue import Dialogue

PAD, END = "<|pad|>", "<|end|>"
ROLES = {role: f"<|{role}|>" for role in ("system", "user", "assistant", "tool")}
SPECIAL = [PAD, END, *ROLES.values()]
SIZE = 1536
SAMPLES = 20_000
# Every role but the assistant starts with a space: a word has the same tokens wherever it stands.
CHAT_TEMPLATE = (
    "{%- for m in messages -%}{%- if m['content'] -%}"
    "{%- set gap = '' if m['role'] == 'assistant' else ' ' -%}"
    "{{- '<|' + m['role'] + '|>' + gap + m['content'] | trim + '<|end|>' -}}"
    "{%- endif -%}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"
)


def said(role: str, text: str) -> str:
    """`text` as the chat template writes it after the mark of `role`."""
    return text.strip() if role == "assistant" else " " + text.strip()


def cut(tokenizer: Tokenizer) -> None:
    """Sets how text is cut into bytes before the merges, and put together again."""
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(  # llama.cpp calls this pair "smollm"
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()


def learn() -> Tokenizer:
    """A new vocabulary from the corpus; digits stay single, which helps sums and copied codes."""
    tokenizer = Tokenizer(models.BPE())
    cut(tokenizer)
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = (said(role, text) for turns in corpus(SAMPLES, SEED) for role, text in turns)
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def encode(tokenizer: Tokenizer, turns: Dialogue) -> tuple[list[int], list[bool]]:
    """Token ids of `turns`, and for each id whether the model learns to write it."""
    ids: list[int] = []
    learned: list[bool] = []
    end = tokenizer.token_to_id(END)
    for role, text in turns:
        part = [*tokenizer.encode(said(role, text)).ids, end]
        ids += [tokenizer.token_to_id(ROLES[role]), *part]
        learned += [False, *([role == "assistant"] * len(part))]
    return ids, learned


def save(tokenizer: Tokenizer, folder: Path) -> None:
    """Writes the tokenizer files that other runtimes read."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": 1024,
        "eos_token": END,
        "pad_token": PAD,
        "clean_up_tokenization_spaces": False,
        "chat_template": CHAT_TEMPLATE,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1))
