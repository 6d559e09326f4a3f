"""Writes the weights as a Hugging Face folder, and that folder as one GGUF file (q8_0).

usage: python -m tiny_model.export HF_FOLDER OUT.gguf
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiny_model import vocabulary

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from tiny_model.network import Decoder

NAME = "breeze-tiny"
DESCRIPTION = (
    "Small demo model built into Breeze Engine; knows the engine, a few facts and little else."
)
DATA_NOTE = "Trained only on text that the Breeze Engine project wrote itself (tools/tiny_model)."
TENSORS = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}  # fmt: skip
TOP = {"model.embed_tokens": "token_embd", "model.norm": "output_norm"}


def folder(model: Decoder, tokenizer: Tokenizer, out: Path, training: dict[str, int]) -> None:
    """Writes config, weights and tokenizer, as other converters expect them."""
    from safetensors.torch import save_file

    vocabulary.save(tokenizer, out)
    weights = {
        f"model.{name}": weight.detach().contiguous() for name, weight in model.named_parameters()
    }
    save_file(weights, out / "model.safetensors", metadata={"format": "pt"})
    (out / "config.json").write_text(json.dumps(model.s.config(), indent=1))
    count = sum(weight.numel() for weight in weights.values())
    (out / "training.json").write_text(json.dumps({**training, "parameters": count}))


def interleaved(rows: Any, heads: int) -> Any:
    """Rows of a query or key matrix from half-split to llama.cpp's interleaved rotary order."""
    count, width = rows.shape
    return rows.reshape(heads, 2, count // heads // 2, width).swapaxes(1, 2).reshape(count, width)


def tensor_name(name: str) -> str:
    """The GGUF name of a Hugging Face tensor."""
    stem = name.removesuffix(".weight")
    if stem in TOP:
        return f"{TOP[stem]}.weight"
    _, _, layer, rest = stem.split(".", 3)
    return f"blk.{layer}.{TENSORS[rest]}.weight"


def add_vocabulary(writer: Any, source: Path, size: int) -> None:
    """The tokens, their kinds, the merges and the chat template."""
    import gguf

    data = json.loads((source / "tokenizer.json").read_text())
    tokens = {index: token for token, index in data["model"]["vocab"].items()}
    special = {entry["id"]: entry["content"] for entry in data["added_tokens"]}
    tokens |= special
    kinds = [gguf.TokenType.CONTROL if i in special else gguf.TokenType.NORMAL for i in range(size)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list([tokens[i] for i in range(size)])
    writer.add_token_types(kinds)
    writer.add_token_merges(
        [m if isinstance(m, str) else " ".join(m) for m in data["model"]["merges"]]
    )
    ids = {content: index for index, content in special.items()}
    writer.add_eos_token_id(ids[vocabulary.END])
    writer.add_pad_token_id(ids[vocabulary.PAD])
    writer.add_add_bos_token(False)
    writer.add_chat_template(vocabulary.CHAT_TEMPLATE)


def add_header(writer: Any, config: dict[str, Any]) -> None:
    """Name, licence, origin and sizes."""
    import gguf

    writer.add_name(NAME)
    writer.add_description(DESCRIPTION)
    writer.add_license("apache-2.0")
    writer.add_author("The Breeze Engine developers")
    writer.add_languages(["en"])
    writer.add_string("general.training_data", DATA_NOTE)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_dimension_count(config["head_dim"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)


def to_gguf(source: Path, out: Path) -> None:
    """Converts the folder `source` to the file `out`; matrices become q8_0, vectors stay f32."""
    import gguf
    import numpy as np
    from safetensors.numpy import load_file

    config = json.loads((source / "config.json").read_text())
    writer = gguf.GGUFWriter(str(out), "llama")
    add_header(writer, config)
    add_vocabulary(writer, source, config["vocab_size"])
    kind = gguf.GGMLQuantizationType.Q8_0
    for name, weight in load_file(source / "model.safetensors").items():
        values = weight.astype(np.float32)
        if "q_proj" in name or "k_proj" in name:
            heads = config["num_attention_heads" if "q_proj" in name else "num_key_value_heads"]
            values = interleaved(values, heads)
        if values.ndim == 1:
            writer.add_tensor(tensor_name(name), values)
        else:
            writer.add_tensor(tensor_name(name), gguf.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    to_gguf(Path(sys.argv[1]), Path(sys.argv[2]))
