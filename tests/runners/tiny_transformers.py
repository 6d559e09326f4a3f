"""Tiny models that hear, speak and see, in the form of Transformers, with random weights."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from tests.runners.tiny_models import ROLES, tokenizer

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ'"
_SEEING = (
    "{% for m in messages %}<|{{ m.role }}|>{% for p in m.content %}"
    "{% if p.type == 'image' %}<image>{% else %}{{ p.text }}{% endif %}{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def tiny_speller(folder: Path) -> Path:
    """A wav2vec 2.0 that spells what it hears, at random."""
    import torch
    from transformers import (
        Wav2Vec2Config,
        Wav2Vec2CTCTokenizer,
        Wav2Vec2FeatureExtractor,
        Wav2Vec2ForCTC,
        Wav2Vec2Processor,
    )

    folder.mkdir(parents=True)
    letters = ["<pad>", "<s>", "</s>", "<unk>", "|", *LETTERS]
    names = folder / "vocab.json"
    names.write_text(json.dumps({letter: i for i, letter in enumerate(letters)}))
    words = Wav2Vec2CTCTokenizer(str(names))
    Wav2Vec2Processor(Wav2Vec2FeatureExtractor(), words).save_pretrained(str(folder))
    torch.manual_seed(5)
    sizes: dict[str, Any] = {
        "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 32, "conv_dim": (16,) * 7, "num_conv_pos_embeddings": 16,
        "num_conv_pos_embedding_groups": 2,
    }  # fmt: skip
    config = Wav2Vec2Config(vocab_size=len(letters), **sizes)
    Wav2Vec2ForCTC(config).save_pretrained(str(folder))
    return folder


def tiny_writer(folder: Path, *, longest: int = 24) -> Path:
    """A Whisper of English and German that writes `longest` tokens about anything."""
    import torch
    from transformers import (
        GenerationConfig,
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
        WhisperProcessor,
        WhisperTokenizer,
    )

    inner = json.loads(tokenizer().backend_tokenizer.to_str())["model"]
    ordered = sorted(inner["vocab"], key=inner["vocab"].get)
    words = WhisperTokenizer(
        vocab={token: i for i, token in enumerate(ordered)},
        merges=[tuple(merge) for merge in inner["merges"]],
    )
    marks = (
        "endoftext", "startoftranscript", "en", "de", "translate", "transcribe", "startoflm",
        "startofprev", "nospeech", "notimestamps",
    )  # fmt: skip
    words.add_tokens([f"<|{mark}|>" for mark in marks], special_tokens=True)
    WhisperProcessor(WhisperFeatureExtractor(), words).save_pretrained(str(folder))
    mark = {name: words.convert_tokens_to_ids(f"<|{name}|>") for name in marks}
    ends = dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id"), mark["endoftext"])
    ends["decoder_start_token_id"] = mark["startoftranscript"]
    torch.manual_seed(5)
    sizes: dict[str, Any] = {
        "d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2,
        "decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32,
    }  # fmt: skip
    model: Any = WhisperForConditionalGeneration(
        WhisperConfig(vocab_size=len(words), **sizes, **ends)
    )
    model.generation_config = GenerationConfig(
        lang_to_id={f"<|{name}|>": mark[name] for name in ("en", "de")},
        task_to_id={name: mark[name] for name in ("transcribe", "translate")},
        no_timestamps_token_id=mark["notimestamps"], prev_sot_token_id=mark["startofprev"],
        is_multilingual=True, max_length=longest, suppress_tokens=[], begin_suppress_tokens=[],
        return_timestamps=False, **ends,
    )  # fmt: skip
    model.save_pretrained(str(folder))
    return folder


def tiny_moonshine(folder: Path) -> Path:
    """A Moonshine that writes 30 tokens at least about anything, and tells no limit."""
    import torch
    from transformers import (
        MoonshineConfig,
        MoonshineForConditionalGeneration,
        Wav2Vec2FeatureExtractor,
        Wav2Vec2Processor,
    )

    words = tokenizer()
    words.pad_token = "</s>"
    features = Wav2Vec2FeatureExtractor(do_normalize=False, return_attention_mask=True)
    Wav2Vec2Processor(features, words).save_pretrained(str(folder))
    torch.manual_seed(5)
    ends = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1, "decoder_start_token_id": 0}
    sizes: dict[str, Any] = {
        f"{part}_{size}": count
        for part in ("encoder", "decoder")
        for size, count in (
            ("num_hidden_layers", 1), ("num_attention_heads", 2), ("num_key_value_heads", 2),
        )
    }  # fmt: skip
    config = MoonshineConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=32, **sizes, **ends
    )
    model: Any = MoonshineForConditionalGeneration(config)
    model.generation_config.min_new_tokens = 30
    model.save_pretrained(str(folder))
    return folder


def tiny_voice(folder: Path, *, phonemes: bool = False) -> Path:
    """A VITS of two speakers that hums."""
    import torch
    from transformers import VitsConfig, VitsModel, VitsTokenizer

    folder.mkdir(parents=True)
    letters = {letter: i for i, letter in enumerate("_abcdefghijklmnopqrstuvwxyz ',.")}
    (folder / "vocab.json").write_text(json.dumps(letters))
    VitsTokenizer(str(folder / "vocab.json"), phonemize=phonemes, is_uroman=False).save_pretrained(
        str(folder)
    )
    torch.manual_seed(5)
    sizes: dict[str, Any] = {
        "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "ffn_dim": 16,
        "flow_size": 16, "spectrogram_bins": 17, "wavenet_dilation_rate": 1,
        "posterior_encoder_num_wavenet_layers": 1, "prior_encoder_num_flows": 1,
        "prior_encoder_num_wavenet_layers": 1, "duration_predictor_num_flows": 1,
        "duration_predictor_filter_channels": 16, "depth_separable_num_layers": 1,
        "upsample_initial_channel": 32, "speaker_embedding_size": 4,
    }  # fmt: skip
    config = VitsConfig(vocab_size=len(letters), num_speakers=2, **sizes)
    VitsModel(config).save_pretrained(str(folder))
    return folder


def tiny_spectra(folder: Path, *, speakers: tuple[str, ...] = ("amy",)) -> Path:
    """A SpeechT5 with its vocoder and vectors of its speakers."""
    import numpy
    import sentencepiece
    import torch
    from transformers import (
        SpeechT5Config,
        SpeechT5FeatureExtractor,
        SpeechT5ForTextToSpeech,
        SpeechT5HifiGan,
        SpeechT5HifiGanConfig,
        SpeechT5Processor,
        SpeechT5Tokenizer,
    )

    (folder / "speakers").mkdir(parents=True)
    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["hello there my friend how are you today"] * 20),
        model_writer=made, model_type="char", vocab_size=25, hard_vocab_limit=False,
        bos_id=0, pad_id=1, eos_id=2, unk_id=3, minloglevel=2,
    )  # fmt: skip
    (folder / "spm_char.model").write_bytes(made.getvalue())
    words = SpeechT5Tokenizer(str(folder / "spm_char.model"))
    SpeechT5Processor(SpeechT5FeatureExtractor(), words).save_pretrained(str(folder))
    torch.manual_seed(5)
    sizes: dict[str, Any] = {
        "hidden_size": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2,
        "decoder_attention_heads": 2, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16,
        "speech_decoder_prenet_units": 16, "speech_decoder_postnet_units": 16,
        "speech_decoder_postnet_layers": 1, "speaker_embedding_dim": 8,
    }  # fmt: skip
    config = SpeechT5Config(vocab_size=len(words) + 4, **sizes)
    model: Any = SpeechT5ForTextToSpeech(config)
    vocoder: Any = SpeechT5HifiGan(SpeechT5HifiGanConfig(upsample_initial_channel=16))
    with torch.no_grad():
        model.speech_decoder_postnet.prob_out.bias.fill_(-9)  # it ends where it must
        for numbers in vocoder.parameters():
            numbers.normal_(std=0.3)
    model.save_pretrained(str(folder))
    vocoder.save_pretrained(str(folder / "vocoder"))
    for i, name in enumerate(speakers):
        numpy.save(folder / "speakers" / f"{name}.npy", numpy.eye(8, dtype=numpy.float32)[i])
    return folder


def tiny_eyes(folder: Path, *, template: str | None = _SEEING) -> Path:
    """A Llava that looks at 16 x 16 pixels and babbles about them."""
    import torch
    from transformers import (
        CLIPImageProcessor,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    words = tokenizer()
    words.add_special_tokens({"additional_special_tokens": [*ROLES, "<image>"]})
    words.pad_token = "</s>"
    pixels = CLIPImageProcessor(
        size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16}, do_convert_rgb=True
    )
    LlavaProcessor(
        image_processor=pixels, tokenizer=words, patch_size=8, chat_template=template,
        vision_feature_select_strategy="default", num_additional_image_tokens=1,
    ).save_pretrained(str(folder))  # fmt: skip
    sizes: dict[str, Any] = {"intermediate_size": 32, "num_attention_heads": 2}
    text = LlamaConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=1, num_key_value_heads=2,
        max_position_embeddings=256, bos_token_id=0, eos_token_id=1, **sizes,
    )  # fmt: skip
    vision = CLIPVisionConfig(
        hidden_size=16, num_hidden_layers=2, image_size=16, patch_size=8, projection_dim=16, **sizes
    )
    torch.manual_seed(5)
    config = LlavaConfig(
        vision_config=vision, text_config=text, vision_feature_layer=-1,
        image_token_id=words.convert_tokens_to_ids("<image>"),
    )  # fmt: skip
    LlavaForConditionalGeneration(config).save_pretrained(str(folder))
    return folder
