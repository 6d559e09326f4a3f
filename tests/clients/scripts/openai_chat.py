"""Chat with the official client.

OPENAI_BASE_URL and OPENAI_API_KEY say where the server is and which key opens it.
"""

import base64
import json
import os
import time
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from pydantic import BaseModel

client = OpenAI()
CAPITAL: list[ChatCompletionMessageParam] = [
    {"role": "user", "content": "What is the capital of Norway?"}
]
WEATHER: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Weather?"}]
TOOLS: list[ChatCompletionToolParam] = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "The weather of a city",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
]


class Sure(BaseModel):
    """What a structured answer looks like."""

    sure: bool


def whole() -> Any:
    answer = client.chat.completions.create(model="llamacpp", messages=CAPITAL, temperature=0)
    return answer.model_dump() | {"request_id": answer._request_id}


def chosen_by_the_engine() -> Any:
    answer = client.chat.completions.create(model="auto", messages=CAPITAL, temperature=0)
    return answer.choices[0].message.content


def streamed() -> Any:
    stream = client.chat.completions.create(
        model="llamacpp",
        messages=CAPITAL,
        temperature=0,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    return {
        "text": "".join(c.choices[0].delta.content or "" for c in chunks if c.choices),
        "ends": [c.choices[0].finish_reason for c in chunks if c.choices][-1],
        "usage": [c.usage.total_tokens for c in chunks if c.usage],
        "chunks": len(chunks),
    }


def helper_for_streams() -> Any:
    with client.chat.completions.stream(
        model="llamacpp", messages=CAPITAL, temperature=0
    ) as stream:
        kinds = [event.type for event in stream]
        return {"kinds": kinds, "text": stream.get_final_completion().choices[0].message.content}


def headers() -> Any:
    raw = client.chat.completions.with_raw_response.create(model="llamacpp", messages=CAPITAL)
    names = ("x-request-id", "x-breeze-runner", "x-breeze-model", "content-type")
    return {name: raw.headers[name] for name in names} | {"id": raw.parse().id}


def headers_of_a_stream() -> Any:
    with client.chat.completions.with_streaming_response.create(
        model="llamacpp", messages=CAPITAL, stream=True
    ) as raw:
        lines = [line for line in raw.iter_lines() if line]
        return {"runner": raw.headers["x-breeze-runner"], "last": lines[-1]}


def options() -> Any:
    answer = client.chat.completions.create(
        model="llamacpp",
        messages=[{"role": "system", "content": "You are brief."}, *CAPITAL],
        n=2,
        max_completion_tokens=4,
        seed=7,
        stop=["\n"],
        logprobs=True,
        top_logprobs=2,
        presence_penalty=0.1,
    )
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.content is not None
    return {
        "choices": [[choice.index, choice.finish_reason] for choice in answer.choices],
        "logprobs": [[len(one.top_logprobs), one.logprob <= 0] for one in logprobs.content],
    }


def structured() -> Any:
    answer = client.chat.completions.parse(
        model="llamacpp", messages=WEATHER, response_format=Sure, max_tokens=60
    )
    return type(answer.choices[0].message.parsed).__name__


def structured_stream() -> Any:
    with client.chat.completions.stream(
        model="llamacpp", messages=WEATHER, response_format=Sure, max_tokens=60
    ) as stream:
        answer = stream.get_final_completion()
        return type(answer.choices[0].message.parsed).__name__


def any_object() -> Any:
    answer = client.chat.completions.create(
        model="llamacpp",
        messages=[{"role": "user", "content": "Write a small JSON object."}],
        response_format={"type": "json_object"},
        temperature=0,
    )
    return json.loads(answer.choices[0].message.content or "")


def tools_loop() -> Any:
    """The model calls and we answer, until it has something to say."""
    messages = [*WEATHER]
    calls: list[Any] = []
    while True:
        answer = client.chat.completions.create(
            model="llamacpp/caller", messages=messages, tools=TOOLS
        )
        said = answer.choices[0].message
        if not said.tool_calls:
            return {"calls": calls, "ends": answer.choices[0].finish_reason, "text": said.content}
        messages.append(said)  # type: ignore[arg-type]  # the client takes its own answers too
        for call in said.tool_calls:
            assert call.type == "function"
            arguments = json.loads(call.function.arguments)
            calls.append([call.function.name, arguments, answer.choices[0].finish_reason])
            messages.append({"role": "tool", "tool_call_id": call.id, "content": "Sun"})


def tools_streamed() -> Any:
    with client.chat.completions.stream(
        model="llamacpp/caller", messages=WEATHER, tools=TOOLS, tool_choice="required"
    ) as stream:
        (call,) = stream.get_final_completion().choices[0].message.tool_calls or []
        return [call.function.name, json.loads(call.function.arguments)]


def vision() -> Any:
    picture = base64.b64encode(Path("sign.png").read_bytes()).decode()
    messages: list[ChatCompletionMessageParam] = [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What does the sign say?"},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}},
            ],
        }
    ]
    answer = client.chat.completions.create(model="system_vision", messages=messages)
    stream = client.chat.completions.create(model="auto", messages=messages, stream=True)
    pieces = [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]
    return {"whole": answer.choices[0].message.content, "streamed": "".join(pieces)}


def cancelled_by_closing() -> Any:
    """Whether the answer was still being made before and after its stream is closed."""
    stream = client.chat.completions.create(model="llamacpp/endless", messages=WEATHER, stream=True)
    running = next(iter(stream)).id.removeprefix("chatcmpl-")
    before = running in _running()
    stream.close()
    closed = time.monotonic()
    while running in _running() and time.monotonic() < closed + 10:
        time.sleep(0.01)  # the server is another process
    return {"before": before, "after": running in _running(), "seconds": time.monotonic() - closed}


def _running() -> list[str]:
    """The requests that this key has running, by Breeze's own interface."""
    url = os.environ["OPENAI_BASE_URL"].removesuffix("/v1") + "/v2/requests"
    with urlopen(Request(url, headers={"authorization": f"Bearer {client.api_key}"})) as answer:
        return [one["id"] for one in json.load(answer)["requests"]]
