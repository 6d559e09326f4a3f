"""Tiny models that the tests make: real architectures with random weights, nothing fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

ROLES = ("<|system|>", "<|user|>", "<|assistant|>")
TEMPLATE = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}"
    "{% if not loop.last %}{{ '\\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def tiny_llama(folder: Path, *, template: str | None = TEMPLATE, context: int = 256) -> Path:
    """A Llama of 30,000 weights that babbles the same at each greedy try."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    words = tokenizer()
    words.chat_template = template
    torch.manual_seed(7)
    sizes: dict[str, Any] = {
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 2,
    }  # fmt: skip
    config = LlamaConfig(
        vocab_size=len(words), max_position_embeddings=context, bos_token_id=0, eos_token_id=1,
        **sizes,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(str(folder))
    words.save_pretrained(str(folder))
    return folder


def tokenizer() -> Any:
    """Bytes and some merged words, with the roles as special tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=320, special_tokens=["<s>", "</s>", *ROLES], initial_alphabet=alphabet
    )
    words.train_from_iterator(["hello there my friend how are you today grüße 你好"], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=words, bos_token="<s>", eos_token="</s>")
