"""A tiny Whisper that the tests make: the real architecture with random weights, converted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FEATURES = {
    "feature_size": 80, "sampling_rate": 16000, "hop_length": 160, "chunk_length": 30,
    "n_fft": 400, "nb_max_frames": 3000, "n_samples": 480000,
}  # fmt: skip
_TASKS = ("translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps")


def tiny_whisper(folder: Path) -> Path:
    """A model folder for CTranslate2. It hears English words and numbers in any sound."""
    import torch
    from ctranslate2.converters import TransformersConverter
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    languages = _languages()
    words = _tokenizer(languages)
    number = words.convert_tokens_to_ids
    end, start = number("<|endoftext|>"), number("<|startoftranscript|>")
    torch.manual_seed(3)
    config = WhisperConfig(
        vocab_size=len(words), num_mel_bins=80, encoder_layers=1, decoder_layers=1,
        encoder_attention_heads=2, decoder_attention_heads=2, d_model=32, encoder_ffn_dim=32,
        decoder_ffn_dim=32, decoder_start_token_id=start, eos_token_id=end, bos_token_id=end,
        pad_token_id=end,
    )  # fmt: skip
    model = WhisperForConditionalGeneration(config)
    _talkative(model, number("<|endoftext|>"))
    told = model.generation_config
    told.alignment_heads = [[0, 0], [0, 1]]
    told.suppress_tokens = told.begin_suppress_tokens = []
    told.lang_to_id = {f"<|{code}|>": number(f"<|{code}|>") for code in languages}
    told.no_timestamps_token_id = number("<|notimestamps|>")
    stored = folder.with_name(f"{folder.name}-stored")
    model.save_pretrained(str(stored))
    words.save_pretrained(str(stored))
    (stored / "preprocessor_config.json").write_text(json.dumps(_FEATURES))
    extras = ["tokenizer.json", "preprocessor_config.json"]
    TransformersConverter(str(stored), copy_files=extras).convert(str(folder))
    return folder


def _talkative(model: Any, words: int) -> None:
    """Let the first `words` tokens, which are text, be likelier than marks and times."""
    import torch

    with torch.no_grad():
        leaning = torch.ones(32) * 0.5
        model.model.decoder.layer_norm.bias.copy_(leaning)
        model.model.decoder.embed_tokens.weight[:words] += leaning


def _languages() -> list[str]:
    from faster_whisper.tokenizer import _LANGUAGE_CODES

    return list(_LANGUAGE_CODES)


def _tokenizer(languages: list[str]) -> Any:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet)
    words.train_from_iterator(["hello there my friend how are you"], trainer)
    named = ("endoftext", "startoftranscript", *languages, *_TASKS)
    words.add_special_tokens([AddedToken(f"<|{name}|>", special=True) for name in named])
    words.add_tokens([AddedToken(f"<|{i * 0.02:.2f}|>", special=False) for i in range(1501)])
    end = "<|endoftext|>"
    return PreTrainedTokenizerFast(
        tokenizer_object=words, eos_token=end, bos_token=end, pad_token=end, unk_token=end
    )
