"""litellm as a client of a server that speaks OpenAI's interface."""

import base64
import os
from pathlib import Path
from typing import Any

import litellm
import openai

WHERE = {"api_base": os.environ["OPENAI_BASE_URL"], "api_key": os.environ["OPENAI_API_KEY"]}
CAPITAL = [{"role": "user", "content": "What is the capital of Norway?"}]
WEATHER = [{"role": "user", "content": "Weather?"}]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
]


def completion() -> Any:
    answer = litellm.completion("openai/llamacpp", CAPITAL, temperature=0, **WHERE)
    return {
        "text": answer.choices[0].message.content,
        "ends": answer.choices[0].finish_reason,
        "tokens": answer.usage.total_tokens,
        "runner": answer._response_headers["x-breeze-runner"],
    }


def completion_streamed() -> Any:
    stream = litellm.completion(
        "openai/llamacpp",
        CAPITAL,
        temperature=0,
        stream=True,
        stream_options={"include_usage": True},
        **WHERE,
    )
    chunks = list(stream)
    return {
        "text": "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices),
        "usage": [chunk.usage.total_tokens for chunk in chunks if getattr(chunk, "usage", None)],
    }


async def acompletion() -> Any:
    whole = await litellm.acompletion("openai/llamacpp", CAPITAL, temperature=0, **WHERE)
    stream = await litellm.acompletion(
        "openai/llamacpp", CAPITAL, temperature=0, stream=True, **WHERE
    )
    pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
    return [whole.choices[0].message.content, "".join(pieces)]


def model_with_a_slash() -> Any:
    answer = litellm.completion("openai/llamacpp/breeze-tiny", CAPITAL, temperature=0, **WHERE)
    return answer.choices[0].message.content


def tools() -> Any:
    answer = litellm.completion("openai/llamacpp/caller", WEATHER, tools=TOOLS, **WHERE)
    (call,) = answer.choices[0].message.tool_calls
    last = litellm.completion(
        "openai/llamacpp/caller",
        [
            *WEATHER,
            answer.choices[0].message,
            {"role": "tool", "tool_call_id": call.id, "content": "Sun"},
        ],
        tools=TOOLS,
        **WHERE,
    )
    return {
        "call": [call.function.name, call.function.arguments],
        "last": last.choices[0].message.content,
    }


def structured() -> Any:
    schema = {
        "type": "object",
        "properties": {"sure": {"type": "boolean"}},
        "required": ["sure"],
        "additionalProperties": False,
    }
    answer = litellm.completion(
        "openai/llamacpp",
        WEATHER,
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "sure", "schema": schema, "strict": True},
        },
        **WHERE,
    )
    return answer.choices[0].message.content


def vision() -> Any:
    picture = base64.b64encode(Path("sign.png").read_bytes()).decode()
    parts = [
        {"type": "text", "text": "What does the sign say?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}},
    ]
    answer = litellm.completion(
        "openai/system_vision", [{"role": "user", "content": parts}], **WHERE
    )
    return answer.choices[0].message.content


def text_completion() -> Any:
    answer = litellm.text_completion(
        model="text-completion-openai/llamacpp",
        prompt=CAPITAL[0]["content"],
        temperature=0,
        **WHERE,
    )
    return answer.choices[0].text


def embedding() -> Any:
    answer = litellm.embedding("openai/hashing", input=["a lighthouse", "butter"], **WHERE)
    return [len(entry["embedding"]) for entry in answer.data]


async def aembedding() -> Any:
    answer = await litellm.aembedding("openai/hashing", input="a lighthouse", **WHERE)
    return len(answer.data[0]["embedding"])


def transcription() -> Any:
    found = []
    for form in ("json", "srt", "verbose_json"):
        with open("children.opus", "rb") as file:
            answer = litellm.transcription(
                "openai/pocketsphinx", file=file, response_format=form, **WHERE
            )
        found.append(answer.text.strip())
    return found


def speech() -> Any:
    answer = litellm.speech("openai/espeak", input="Good morning.", voice="alloy", **WHERE)
    return [answer.response.headers["content-type"], answer.content[:3].hex()]


def image_generation() -> Any:
    answer = litellm.image_generation("a lighthouse", "openai/mock_image", size="64x64", **WHERE)
    return base64.b64decode(answer.data[0].b64_json)[:8].hex()


def moderation() -> Any:
    answer = litellm.moderation("I will kill you", model="rules", **WHERE)
    return answer.results[0].flagged


def errors() -> Any:
    seen = []
    for how in (
        {"model": "openai/gpt-9", **WHERE},
        {"model": "openai/llamacpp", **WHERE, "api_key": "brz_wrong"},
        {"model": "openai/llamacpp", **WHERE, "temperature": 9},
    ):
        try:
            litellm.completion(messages=CAPITAL, num_retries=0, **how)
        except openai.APIStatusError as error:
            seen.append([type(error).__name__, error.status_code])
    return seen
