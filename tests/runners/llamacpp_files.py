"""Tiny GGUF files for tests: a model that says exactly what it is told to, and one that embeds.

The talker's embeddings are one-hot and its only layer adds nothing, so the output matrix alone
decides which token follows which. Nothing is trained, nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.answers import ChatAnswer
from breeze.contracts.requests import ChatRequest
from breeze.contracts.results import collect
from breeze.runners._llamacpp_parameters import LlamaCppParameters
from breeze.runners.llamacpp import LlamaCppRunner
from tests.runners.vendor import ready

CHAT = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
TOOLS = (
    "{%- if tools %}<|system|>{%- for tool in tools %}{{ tool | tojson }}{%- endfor %}"
    'Call like <tool_call>\n{"name": "x", "arguments": {}}\n</tool_call><|end|>{%- endif %}'
    "{%- for message in messages %}{%- if message.role == 'assistant' %}"
    "{{- '<|assistant|>' + (message.content or '') }}"
    "{%- for call in message.tool_calls or [] %}"
    "{%- if call.function %}{%- set call = call.function %}{%- endif %}"
    '{{- \'<tool_call>\\n{"name": "\' + call.name + \'", "arguments": \' }}'
    "{{- call.arguments | tojson }}{{- '}\\n</tool_call>' }}{%- endfor %}{{- '<|end|>' }}"
    "{%- else %}{{- '<|' + message.role + '|>' + message.content + '<|end|>' }}{%- endif %}"
    "{%- endfor %}{%- if add_generation_prompt %}{{- '<|assistant|>' }}{%- endif %}"
)
THINKING = (
    "{%- for message in messages %}{%- if message.role == 'assistant' %}{{- '<|assistant|>' }}"
    "{%- if message.reasoning_content %}"
    "{{- '<think>\\n' + message.reasoning_content + '\\n</think>\\n\\n' }}{%- endif %}"
    "{{- message.content + '<|end|>' }}"
    "{%- else %}{{- '<|' + message.role + '|>' + message.content + '<|end|>' }}{%- endif %}"
    "{%- endfor %}{%- if add_generation_prompt %}{{- '<|assistant|>' }}"
    "{%- if enable_thinking is defined and enable_thinking is false %}"
    "{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}{%- endif %}"
)
CONTROL = ("<|end|>", "<|user|>", "<|assistant|>", "<|system|>", "<|tool|>")
END, ASSISTANT, TOOL = 256, 258, 260


def byte_letters() -> dict[int, str]:
    """The printable stand-in of each byte in byte-level vocabularies."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {byte: chr(byte) for byte in plain}
    others = (byte for byte in range(256) if byte not in letters)
    return letters | {byte: chr(256 + i) for i, byte in enumerate(others)}


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one model of each sort: talker, endless, caller, thinker, embedder."""
    folder = tmp_path_factory.mktemp("gguf")
    call = ('<tool_call>\n{"name": "weather", "arguments": ', '{"city": "Oslo"}', "}\n</tool_call>")
    write_talker(folder / "talker.gguf")
    write_talker(folder / "endless.gguf", ("tick", " tock"), endless=True, context=16_384)
    write_talker(folder / "caller.gguf", call, template=TOOLS, context=2048)
    thoughts = ("<think>\n", "hm", "\n</think>\n\n", "Yes", " indeed")
    write_talker(folder / "thinker.gguf", thoughts, template=THINKING, context=2048)
    write_embedder(folder / "embedder.gguf")
    return folder


def loaded(model: str, **parameters: Any) -> AbstractAsyncContextManager[LlamaCppRunner]:
    """A llamacpp runner with `model` loaded."""
    return ready(LlamaCppRunner(LlamaCppParameters.of(parameters)), model)


async def answer(runner: LlamaCppRunner, request: ChatRequest) -> ChatAnswer:
    """The whole answer to `request`."""
    found = await collect(runner.stream(request))
    assert isinstance(found, ChatAnswer)
    return found


def write_talker(
    path: Path,
    says: Sequence[str] = ("Hello", ", world", " again"),
    *,
    context: int = 512,
    template: str = CHAT,
    endless: bool = False,
    then: Sequence[str] = (),
) -> None:
    """A chat model that answers with the pieces of `says`, over and over when `endless`.

    It answers with `then` where the template ends in `<|tool|>`. Pieces must have two bytes at
    least and differ from each other.
    """
    import numpy

    writer, tokens = _begin(path, context, (*says, *then))
    if template:
        writer.add_chat_template(template)
    last = len(tokens) - len(then)
    first = last - len(says)
    order = [ASSISTANT, *range(first, last), first if endless else END]
    after_a_tool = [TOOL, *range(last, len(tokens)), END]
    output = numpy.zeros((len(tokens), _width(tokens)), numpy.float16)
    for token, follower in (*pairwise(order), *pairwise(after_a_tool)):
        output[follower, token] = 10
    writer.add_tensor("output.weight", output)
    _finish(writer, tokens)


def write_embedder(path: Path, *, context: int = 512) -> None:
    """A model that makes vectors: the mean of its tokens' one-hot embeddings."""
    import gguf

    writer, tokens = _begin(path, context, ())
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    _finish(writer, tokens)


def _width(tokens: Sequence[str]) -> int:
    return -(-len(tokens) // 32) * 32


def _begin(path: Path, context: int, says: Sequence[str]) -> tuple[Any, list[str]]:
    import gguf

    letters = byte_letters()
    pieces = ["".join(letters[byte] for byte in piece.encode()) for piece in says]
    tokens = [*letters.values(), *CONTROL, "th", *pieces]
    kinds = [gguf.TokenType.NORMAL] * len(tokens)
    kinds[256 : 256 + len(CONTROL)] = [gguf.TokenType.CONTROL] * len(CONTROL)
    width = _width(tokens)
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name(path.stem)
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(width // 32)
    writer.add_head_count_kv(width // 32)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(32)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(["t h"])
    writer.add_eos_token_id(END)
    writer.add_add_bos_token(False)
    return writer, tokens


def _finish(writer: Any, tokens: Sequence[str]) -> None:
    import numpy

    width = _width(tokens)
    writer.add_tensor("token_embd.weight", numpy.eye(len(tokens), width, dtype=numpy.float16))
    writer.add_tensor("output_norm.weight", numpy.ones(width, numpy.float32))
    shapes = {"attn_q": (width, width), "attn_k": (width, width), "attn_v": (width, width)}
    shapes |= {"attn_output": (width, width), "ffn_gate": (32, width), "ffn_up": (32, width)}
    for name, shape in (shapes | {"ffn_down": (width, 32)}).items():
        writer.add_tensor(f"blk.0.{name}.weight", numpy.zeros(shape, numpy.float16))
    for name in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"blk.0.{name}.weight", numpy.ones(width, numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
