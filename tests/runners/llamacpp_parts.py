"""Tiny GGUF files for tests: a model that sees colours, one that ranks, an adapter, a projector.

As in llamacpp_files, nothing is trained: each matrix is written so that the answer is known.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.runners.llamacpp_files import ASSISTANT, CHAT, CONTROL, END, byte_letters

RED, BLUE = " A red sky", " The blue sea"
_SEEN = ("redred", "blueblue", RED, BLUE)
_EYES = 32
"""Width of the projector's own vectors."""


def width_of(tokens: int) -> int:
    """The width of a model with so many one-hot tokens."""
    return -(-tokens // 32) * 32


def write_seer(folder: Path, name: str = "seer", *, template: str = CHAT) -> Path:
    """A chat model and its projector in `folder`: it says RED to a red picture, BLUE to a blue one.

    Each of its tokens looks at all before it alike, but only at what the projector made of
    pictures.
    """
    import numpy

    tokens = [*byte_letters().values(), *CONTROL, "th", *(_letters(piece) for piece in _SEEN)]
    red, blue, says_red, says_blue = range(len(tokens) - 4, len(tokens))
    width = width_of(len(tokens))
    writer = _begun(folder / f"{name}-q8_0.gguf", "llama", tokens)
    writer.add_chat_template(template)
    output = numpy.zeros((len(tokens), width), numpy.float16)
    output[says_red, red] = output[says_blue, blue] = 10
    output[END, says_red] = output[END, says_blue] = 100
    writer.add_tensor("output.weight", output)
    _finished(writer, tokens, seen=(red, blue))
    return _write_projector(folder / f"mmproj-{name}-f16.gguf", width, red, blue)


def _write_projector(path: Path, width: int, red: int, blue: int) -> Path:
    """A projector whose vectors say how red and how blue a patch of a picture is."""
    import gguf
    import numpy

    def zeros(*shape: int) -> Any:
        return numpy.zeros(shape, numpy.float32)

    writer = gguf.GGUFWriter(str(path), "clip")
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_string("clip.projector_type", "mlp")
    writer.add_bool("clip.use_gelu", True)
    numbers = {"image_size": 28, "patch_size": 14, "embedding_length": _EYES, "block_count": 2}
    numbers |= {"feed_forward_length": _EYES, "projection_dim": width, "attention.head_count": 1}
    for key, value in numbers.items():
        writer.add_uint32(f"clip.vision.{key}", value)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-5)
    writer.add_array("clip.vision.image_mean", [0.5] * 3)
    writer.add_array("clip.vision.image_std", [0.5] * 3)
    patch = zeros(_EYES, 3, 14, 14)
    patch[0, 0] = patch[1, 2] = 1 / 196
    tensors = {"v.patch_embd.weight": patch, "v.position_embd.weight": zeros(4, _EYES)}
    for block in ("v.blk.0", "v.blk.1"):
        for part in ("attn_q", "attn_k", "attn_v", "attn_out", "ffn_up", "ffn_down"):
            tensors[f"{block}.{part}.weight"] = zeros(_EYES, _EYES)
            tensors[f"{block}.{part}.bias"] = zeros(_EYES)
        for part in ("ln1", "ln2"):
            tensors[f"{block}.{part}.weight"] = zeros(_EYES) + 1
            tensors[f"{block}.{part}.bias"] = zeros(_EYES)
    first, second = zeros(_EYES, _EYES), zeros(width, _EYES)
    first[0, 0] = first[1, 1] = 5
    second[red, 0] = second[blue, 1] = 1
    tensors |= {"mm.0.weight": first, "mm.0.bias": zeros(_EYES)}
    tensors |= {"mm.2.weight": second, "mm.2.bias": zeros(width)}
    _written(writer, tensors)
    return path


def write_ranker(path: Path) -> None:
    """A model that finds a text the better, the more it speaks of cats rather than dogs."""
    import gguf
    import numpy

    tokens = [*byte_letters().values(), *CONTROL, "ca", "cat", "do", "dog"]
    cat, dog = len(tokens) - 3, len(tokens) - 1
    writer = _begun(path, "qwen3", tokens, merges=["c a", "ca t", "d o", "do g"])
    writer.add_pooling_type(gguf.PoolingType.RANK)
    writer.add_sep_token_id(ASSISTANT)
    writer.add_array("qwen3.classifier.output_labels", ["yes", "no"])
    judge = numpy.zeros((2, width_of(len(tokens))), numpy.float32)
    judge[0, cat], judge[0, dog] = 1, -1
    writer.add_tensor("cls.output.weight", judge)
    _finished(writer, tokens, seen=(cat, dog), norms=("attn_q_norm", "attn_k_norm"))


def write_adapter(path: Path, tokens: int, *, follower: int, architecture: str = "llama") -> None:
    """A LoRA adapter that lets an answer begin with the token `follower`."""
    import gguf
    import numpy

    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_string("general.type", "adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 1.0)
    before = numpy.zeros((1, width_of(tokens)), numpy.float32)
    after = numpy.zeros((tokens, 1), numpy.float32)
    before[0, ASSISTANT], after[follower, 0] = 1, 30
    _written(writer, {"output.weight.lora_a": before, "output.weight.lora_b": after})


def _letters(piece: str) -> str:
    letters = byte_letters()
    return "".join(letters[byte] for byte in piece.encode())


def _begun(path: Path, kind: str, tokens: list[str], merges: list[str] | None = None) -> Any:
    import gguf

    width = width_of(len(tokens))
    writer = gguf.GGUFWriter(str(path), kind)
    writer.add_name(path.stem)
    writer.add_license("apache-2.0")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_context_length(512)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(width // 32)
    writer.add_head_count_kv(width // 32)
    writer.add_key_length(32)
    writer.add_value_length(32)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(32)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    kinds = [gguf.TokenType.NORMAL] * len(tokens)
    kinds[256 : 256 + len(CONTROL)] = [gguf.TokenType.CONTROL] * len(CONTROL)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges or ["t h"])
    writer.add_eos_token_id(END)
    writer.add_add_bos_token(False)
    return writer


def _finished(
    writer: Any, tokens: list[str], *, seen: tuple[int, ...], norms: tuple[str, ...] = ()
) -> None:
    """Write the rest: one layer in which every token adds the mean of the `seen` before it."""
    import numpy

    width = width_of(len(tokens))
    value = numpy.zeros((width, width), numpy.float16)
    for token in seen:
        value[token, token] = 1
    tensors = {
        "token_embd.weight": numpy.eye(len(tokens), width, dtype=numpy.float16),
        "output_norm.weight": numpy.ones(width, numpy.float32),
        "blk.0.attn_v.weight": value,
        "blk.0.attn_output.weight": numpy.eye(width, dtype=numpy.float16),
    }
    shapes = {"attn_q": (width, width), "attn_k": (width, width)}
    shapes |= {"ffn_gate": (32, width), "ffn_up": (32, width), "ffn_down": (width, 32)}
    for name, shape in shapes.items():
        tensors[f"blk.0.{name}.weight"] = numpy.zeros(shape, numpy.float16)
    for name in ("attn_norm", "ffn_norm"):
        tensors[f"blk.0.{name}.weight"] = numpy.ones(width, numpy.float32)
    for name in norms:
        tensors[f"blk.0.{name}.weight"] = numpy.ones(32, numpy.float32)
    _written(writer, tensors)


def _written(writer: Any, tensors: dict[str, Any]) -> None:
    for name, tensor in tensors.items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
