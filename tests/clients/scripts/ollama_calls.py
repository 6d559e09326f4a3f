"""One call each by the official client. The tests make the same calls by our runner."""

import base64
import os
from typing import Any

import ollama

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)
PLACE = {
    "type": "object",
    "properties": {"place": {"type": "string", "description": "A town"}},
    "required": ["place"],
}
WEATHER = {
    "type": "function",
    "function": {"name": "weather", "description": "Tells the weather.", "parameters": PLACE},
}
USER = {"role": "user", "content": "Hi you"}


def _client(**headers: str) -> ollama.Client:
    return ollama.Client(os.environ["STANDIN_URL"], headers=headers)


def _text(found: Any) -> str:
    return "".join(chunk.message.content or "" for chunk in found)


def chat_images() -> str:
    asked = {"role": "user", "content": "What is it?", "images": [PNG]}
    return _text([_client().chat("parrot", [asked])])


def chat_json() -> str:
    return _text([_client().chat("parrot", [USER], format="json")])


def chat_options() -> str:
    options = {
        "temperature": 0.1, "top_p": 0.2, "top_k": 3, "seed": 4, "num_predict": 5,
        "stop": ["x", "y"], "presence_penalty": 0.6, "frequency_penalty": 0.7,
        "repeat_penalty": 1.1, "num_ctx": 2048,
    }  # fmt: skip
    return _text([_client().chat("parrot", [USER], options=options, keep_alive="5m")])


def chat_plain() -> str:
    return _text([_client().chat("parrot", [{"role": "system", "content": "Be brief."}, USER])])


def chat_probabilities() -> str:
    return _text([_client().chat("parrot", [USER], logprobs=True, top_logprobs=2)])


def chat_schema() -> str:
    return _text([_client().chat("parrot", [USER], format=PLACE)])


def chat_streamed() -> str:
    return _text(_client().chat("parrot", [USER], stream=True))


def chat_thinking() -> list[str]:
    found = list(_client().chat("parrot", [USER], stream=True, think="low"))
    return ["".join(chunk.message.thinking or "" for chunk in found), _text(found)]


def chat_tool_result() -> str:
    call = {"function": {"name": "weather", "arguments": {"place": "Oslo"}}}
    talk = [
        USER,
        {"role": "assistant", "content": "", "thinking": "hm", "tool_calls": [call]},
        {"role": "tool", "content": "Sun", "tool_name": "weather"},
    ]
    return _text([_client().chat("parrot", talk, tools=[WEATHER])])


def chat_tools() -> list[Any]:
    asked = {"role": "user", "content": "Use weather"}
    found = _client().chat("parrot", [asked], tools=[WEATHER], stream=True)
    calls = [call for chunk in found for call in chunk.message.tool_calls or ()]
    return [[call.function.name, dict(call.function.arguments)] for call in calls]


def embed_several() -> list[int]:
    found = _client().embed("vectors", ["one", "two"], dimensions=4, truncate=False)
    return [len(vector) for vector in found.embeddings]


def list_models() -> list[str]:
    return [model.model or "" for model in _client().list().models]


def pull_streamed() -> list[str]:
    return [step.status or "" for step in _client().pull("owl", stream=True)]


def show_model() -> list[str]:
    return list(_client().show("parrot:latest").capabilities or ())


def with_a_key() -> str:
    return _text([_client(authorization="Bearer k-1").chat("parrot", [USER])])
