"""Calls of the official client, each under the name of its case."""

import base64
import os
from typing import Any

import anthropic
from anthropic import Anthropic

client = Anthropic(api_key="test-key", base_url=os.environ["VENDOR_URL"], max_retries=0)
USER: Any = {"role": "user", "content": "Good day to you."}
TOOL: Any = {
    "name": "weather",
    "description": "Tells the weather.",
    "input_schema": {"type": "object", "properties": {"place": {"type": "string"}}},
}


def _send(case: str, messages: list[Any], **fields: Any) -> Any:
    given = {"max_tokens": 8192, **fields}
    return client.messages.create(
        model="parrot-1", messages=messages, extra_headers={"x-case": case}, **given
    )


def _said(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def whole() -> Any:
    found = _send("whole", [USER], max_tokens=5, system="Be brief.", stop_sequences=["zzz"])
    return [_said(found), found.stop_reason, found.usage.output_tokens]


def streamed() -> Any:
    texts, kinds = [], []
    for event in _send("streamed", [USER], stream=True):
        kinds.append(event.type)
        if event.type == "content_block_delta":
            texts.append(event.delta.text)
    return ["".join(texts), kinds[0], kinds[-1]]


def vision() -> str:
    source = {"type": "base64", "media_type": "image/png"}
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\nsmall").decode()
    paper = base64.b64encode(b"%PDF-1.7 small").decode()
    blocks = [
        {"type": "text", "text": "What is it?"},
        {"type": "image", "source": {**source, "data": picture}},
        {"type": "image", "source": {"type": "url", "url": "https://pictures.example/a.png"}},
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": paper},
            "title": "paper.pdf",
        },
    ]
    return _said(_send("vision", [{"role": "user", "content": blocks}]))


def tools() -> Any:
    found = _send("tools", [{"role": "user", "content": "How is it?"}], tools=[TOOL],
                  tool_choice={"type": "any", "disable_parallel_tool_use": True})  # fmt: skip
    (use,) = found.content
    return [use.name, use.input, found.stop_reason]


def tool_results() -> str:
    thought = client.messages.create(
        model="parrot-1", max_tokens=99, messages=[USER], thinking={"type": "adaptive"}
    ).content[0]
    use = {"type": "tool_use", "id": "t1", "name": "weather", "input": {"place": "Oslo"}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "Snow."}
    turns = [
        {"role": "user", "content": "How is it?"},
        {"role": "assistant", "content": [thought, {"type": "text", "text": "I look."}, use]},
        {"role": "user", "content": [result]},
    ]
    return _said(_send("tool_results", turns, tools=[TOOL], thinking={"type": "adaptive"}))


def schema() -> str:
    wanted = {"type": "object", "properties": {"done": {"type": "boolean"}}}
    output: Any = {"effort": "low", "format": {"type": "json_schema", "schema": wanted}}
    return _said(_send("schema", [USER], output_config=output))


def cached() -> Any:
    kept: Any = {"type": "ephemeral", "ttl": "1h"}
    return _send("cached", [USER], cache_control=kept).usage.cache_creation_input_tokens > 0


def budget() -> Any:
    thinking: Any = {"type": "enabled", "budget_tokens": 2000, "display": "summarized"}
    found = _send("budget", [USER], thinking=thinking)
    return [block.type for block in found.content]


def helper_for_streams() -> Any:
    with client.messages.stream(
        model="parrot-1", max_tokens=99, tools=[TOOL], thinking={"type": "adaptive"},
        messages=[{"role": "user", "content": "How is the weather?"}],
    ) as stream:  # fmt: skip
        final = stream.get_final_message()
    return [[block.type for block in final.content], final.content[-1].input, final.stop_reason]


def models() -> Any:
    page = client.models.list(limit=1000, extra_headers={"x-case": "models"})
    return [model.id for model in page]


def counted() -> Any:
    return client.messages.count_tokens(model="parrot-1", messages=[USER]).input_tokens


def errors() -> Any:
    found = []
    for fault in ("key-refused", "forbidden", "model-missing", "rate-limit", "error-529", "quota"):
        try:
            client.messages.create(
                model="parrot-1", max_tokens=9, messages=[USER], extra_headers={"x-standin": fault}
            )
        except anthropic.APIStatusError as error:
            found.append([type(error).__name__, error.status_code, bool(error.request_id)])
    return found
