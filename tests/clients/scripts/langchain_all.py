"""langchain-openai. OPENAI_BASE_URL and OPENAI_API_KEY say where and with which key."""

import base64
from pathlib import Path
from typing import Any

import openai
import tiktoken
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI, OpenAI, OpenAIEmbeddings
from pydantic import BaseModel
from tiktoken import registry

CAPITAL = "What is the capital of Norway?"
TEXTS = ["a lighthouse at dusk", "the price of butter"]


class Sure(BaseModel):
    """What a structured answer looks like."""

    sure: bool


def weather(city: str) -> str:
    """The weather of a city."""
    return f"Sun in {city}"


def invoke() -> Any:
    answer = ChatOpenAI(model="llamacpp", temperature=0).invoke(
        [("system", "You are brief."), ("human", CAPITAL)]
    )
    assert answer.usage_metadata is not None
    return {
        "text": answer.text,
        "model": answer.response_metadata["model_name"],
        "ends": answer.response_metadata["finish_reason"],
        "tokens": answer.usage_metadata["total_tokens"],
        "id": answer.id,
    }


def stream() -> Any:
    whole = None
    pieces = 0
    for piece in ChatOpenAI(model="llamacpp", temperature=0, stream_usage=True).stream(CAPITAL):
        whole = piece if whole is None else whole + piece
        pieces += 1
    assert whole is not None
    assert whole.usage_metadata is not None
    return {"text": whole.text, "pieces": pieces, "tokens": whole.usage_metadata["total_tokens"]}


async def astream() -> Any:
    model = ChatOpenAI(model="llamacpp", temperature=0)
    whole = await model.ainvoke(CAPITAL)
    return [whole.text, "".join([piece.text async for piece in model.astream(CAPITAL)])]


def batch() -> Any:
    questions = [f"What is the capital of {country}?" for country in ("Norway", "France", "Japan")]
    return [answer.text for answer in ChatOpenAI(model="llamacpp", temperature=0).batch(questions)]


def bind_tools() -> Any:
    model = ChatOpenAI(model="llamacpp/caller").bind_tools([weather])
    question = HumanMessage("Weather?")
    call = model.invoke([question])
    (asked,) = call.tool_calls
    said = ToolMessage(weather(**asked["args"]), tool_call_id=asked["id"])
    last = model.invoke([question, call, said])
    return {"calls": [[c["name"], c["args"]] for c in call.tool_calls], "last": last.text}


def bind_tools_streamed() -> Any:
    model = ChatOpenAI(model="llamacpp/caller").bind_tools([weather], tool_choice="any")
    whole = None
    for piece in model.stream("Weather?"):
        whole = piece if whole is None else whole + piece
    return [[call["name"], call["args"]] for call in getattr(whole, "tool_calls", [])]


def with_structured_output() -> Any:
    model = ChatOpenAI(model="llamacpp", max_tokens=60)
    by_schema = model.with_structured_output(Sure).invoke("Are you sure?")
    mock = ChatOpenAI(model="mock_llm")
    by_tool = mock.with_structured_output(Sure, method="function_calling").invoke("Are you sure?")
    by_mode = model.with_structured_output(
        {"title": "Sure", "type": "object", "properties": {"sure": {"type": "boolean"}},
         "required": ["sure"], "additionalProperties": False},
        method="json_schema", strict=True,
    ).invoke("Are you sure?")  # fmt: skip
    return [type(by_schema).__name__, type(by_tool).__name__, list(by_mode)]


def vision() -> Any:
    picture = base64.b64encode(Path("sign.png").read_bytes()).decode()
    message = HumanMessage(
        [
            {"type": "text", "text": "What does the sign say?"},
            {"type": "image", "base64": picture, "mime_type": "image/png"},
        ]
    )
    return ChatOpenAI(model="system_vision").invoke([message]).text


def completion() -> Any:
    model = OpenAI(model="llamacpp", temperature=0, max_tokens=60)
    return [model.invoke(CAPITAL), "".join(model.stream(CAPITAL))]


def embeddings() -> Any:
    model = OpenAIEmbeddings(model="hashing", check_embedding_ctx_length=False)
    return {
        "documents": [len(vector) for vector in model.embed_documents(TEXTS)],
        "query": len(model.embed_query(TEXTS[0])),
    }


async def embeddings_async() -> Any:
    model = OpenAIEmbeddings(model="hashing", check_embedding_ctx_length=False, dimensions=64)
    return [len(vector) for vector in await model.aembed_documents(TEXTS)]


def embeddings_as_tokens() -> Any:
    """Unless told otherwise it sends the tokens of an OpenAI model, which no other model knows.

    tiktoken would fetch its vocabulary from the internet, so here it is one byte a token.
    """
    registry.ENCODINGS["cl100k_base"] = tiktoken.Encoding(
        "cl100k_base",
        pat_str=r".",
        mergeable_ranks={bytes([i]): i for i in range(256)},
        special_tokens={},
    )
    try:
        OpenAIEmbeddings(model="hashing").embed_documents(TEXTS)
    except openai.BadRequestError as error:
        return {"status": error.status_code, "param": error.param, "says": str(error.body)}
    return None


def errors() -> Any:
    seen = []
    for model in (ChatOpenAI(model="gpt-9"), ChatOpenAI(model="llamacpp", api_key="brz_wrong")):
        try:
            model.invoke(CAPITAL)
        except openai.APIStatusError as error:
            seen.append([type(error).__name__, error.code])
    return seen
