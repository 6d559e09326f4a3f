"""Calls of the official client, each under the name of its case."""

import os
from typing import Any

from google import genai
from google.genai import errors as problems
from google.genai import types

URL = os.environ["VENDOR_URL"]
TOOL = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="weather",
            description="Tells the weather.",
            parameters_json_schema={
                "type": "object",
                "properties": {"place": {"type": "string"}},
            },
        )
    ]
)
BY_HAND = types.AutomaticFunctionCallingConfig(disable=True)
MODEL = "parrot-1"
_kept: list[Any] = []


def _client(**headers: str) -> Any:
    """A client whose requests carry these headers; the version is the newest one's usual."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    options = types.HttpOptions(base_url=URL, headers=given)
    client = genai.Client(api_key="test-key", http_options=options)
    _kept.append(client)  # one that nobody holds closes itself
    return client


def _ask(case: str, contents: Any = "Good day to you.", **config: Any) -> Any:
    return _client(x_case=case).models.generate_content(
        model=MODEL, contents=contents, config=types.GenerateContentConfig(**config)
    )


def whole() -> Any:
    found = _ask(
        "whole", system_instruction="Be brief.", temperature=0.5, top_p=0.9, top_k=5, seed=3,
        max_output_tokens=5, stop_sequences=["zzz"], presence_penalty=0.1, frequency_penalty=0.2,
    )  # fmt: skip
    used = found.usage_metadata
    return [found.text, found.candidates[0].finish_reason.value, used.candidates_token_count]


def streamed() -> Any:
    client = _client(x_case="streamed")
    found = list(client.models.generate_content_stream(model=MODEL, contents="Good day to you."))
    text = "".join(chunk.text for chunk in found)
    return [text, found[-1].candidates[0].finish_reason.value, found[-1].model_version]


def vision() -> str:
    parts = [
        types.Part(text="What is it?"),
        types.Part.from_bytes(data=b"\x89PNG\r\n\x1a\nsmall", mime_type="image/png"),
        types.Part.from_bytes(data=b"RIFFsound", mime_type="audio/wav"),
        types.Part.from_bytes(data=b"%PDF-1.7 small", mime_type="application/pdf"),
    ]
    return str(_ask("vision", [types.Content(role="user", parts=parts)]).text)


def tools() -> Any:
    chosen = types.FunctionCallingConfig(mode="ANY", allowed_function_names=["weather"])
    found = _ask("tools", "How is it?", tools=[TOOL], automatic_function_calling=BY_HAND,
                 tool_config=types.ToolConfig(function_calling_config=chosen))  # fmt: skip
    (call,) = found.function_calls
    return [call.name, call.args, found.candidates[0].content.parts[0].thought_signature.decode()]


def tool_results() -> str:
    call = types.FunctionCall(id="t1", name="weather", args={"place": "Oslo"})
    response = types.FunctionResponse(id="t1", name="weather", response={"result": "Snow."})
    turns = [
        types.Content(role="user", parts=[types.Part(text="How is it?")]),
        types.Content(
            role="model",
            parts=[
                types.Part(text="I look."),
                types.Part(function_call=call, thought_signature=b"signed"),
            ],
        ),
        types.Content(role="user", parts=[types.Part(function_response=response)]),
    ]
    return str(_ask("tool_results", turns, tools=[TOOL], automatic_function_calling=BY_HAND).text)


def schema() -> str:
    wanted = {"type": "object", "properties": {"done": {"type": "boolean"}}}
    found = _ask("schema", response_mime_type="application/json", response_json_schema=wanted)
    return str(found.text)


def thinking() -> Any:
    config = types.ThinkingConfig(include_thoughts=True, thinking_level="low")
    found = _ask("thinking", thinking_config=config)
    return [bool(part.thought) for part in found.candidates[0].content.parts]


def budget() -> str:
    return str(_ask("budget", thinking_config=types.ThinkingConfig(thinking_budget=1024)).text)


def several() -> Any:
    found = _ask("several", candidate_count=2, response_logprobs=True, logprobs=2)
    return [len(found.candidates), len(found.candidates[0].logprobs_result.chosen_candidates)]


def safety() -> str:
    harms = ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")
    settings = [
        types.SafetySetting(category=f"HARM_CATEGORY_{harm}", threshold="BLOCK_ONLY_HIGH")
        for harm in harms
    ]
    return str(_ask("safety", safety_settings=settings).text)


def embedded() -> Any:
    found = _client(x_case="embedded").models.embed_content(
        model="embedder-1",
        contents=["one sea", "two seas"],
        config=types.EmbedContentConfig(output_dimensionality=4),
    )
    return [len(vector.values) for vector in found.embeddings]


def models() -> Any:
    found = _client(x_case="models").models.list(config={"page_size": 1000})
    return [model.name for model in found]


def blocked() -> Any:
    found = _client().models.generate_content(model=MODEL, contents="The forbidden fruit.")
    return [found.prompt_feedback.block_reason.value, found.candidates]


def errors() -> Any:
    found = []
    for fault in ("key-refused", "forbidden", "model-missing", "rate-limit", "error-503"):
        try:
            _client(x_standin=fault).models.generate_content(model=MODEL, contents="Hi")
        except problems.APIError as error:
            found.append([type(error).__name__, error.code, error.status])
    return found
