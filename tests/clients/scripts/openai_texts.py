"""Completions, embeddings, moderations, models and pictures with the official client."""

import base64
from typing import Any

from openai import OpenAI

client = OpenAI()
TEXTS = ["a lighthouse at dusk", "a lighthouse at night", "the price of butter"]


def completion() -> Any:
    answer = client.completions.create(
        model="llamacpp", prompt="What is the capital of Norway?", temperature=0
    )
    return answer.choices[0].text


def completion_streamed() -> Any:
    stream = client.completions.create(
        model="llamacpp",
        prompt="What is the capital of Norway?",
        temperature=0,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    return {
        "text": "".join(chunk.choices[0].text for chunk in chunks if chunk.choices),
        "usage": [chunk.usage.total_tokens for chunk in chunks if chunk.usage],
    }


def embeddings() -> Any:
    """The client asks for base64 by itself and gives numbers."""
    answer = client.embeddings.create(model="hashing", input=TEXTS)
    vectors = [entry.embedding for entry in answer.data]
    return {
        "index": [entry.index for entry in answer.data],
        "near": _alike(vectors[0], vectors[1]),
        "far": _alike(vectors[0], vectors[2]),
        "length": len(vectors[0]),
        "model": answer.model,
    }


def embeddings_as_numbers() -> Any:
    one = client.embeddings.create(model="hashing", input=TEXTS[0], encoding_format="float")
    two = client.embeddings.create(model="hashing", input=TEXTS[0])
    return max(
        abs(a - b) for a, b in zip(one.data[0].embedding, two.data[0].embedding, strict=True)
    )


def embeddings_of_a_size() -> Any:
    answer = client.embeddings.create(model="hashing", input=TEXTS[0], dimensions=64)
    return len(answer.data[0].embedding)


def moderation() -> Any:
    answer = client.moderations.create(input=["Good morning!", "I will kill you"])
    threat = answer.results[1]
    return {
        "flagged": [result.flagged for result in answer.results],
        "violence": [threat.categories.violence, threat.category_scores.violence],
        "categories": len(threat.categories.model_dump(by_alias=True)),
    }


def models() -> Any:
    page = client.models.list()
    one = client.models.retrieve("llamacpp/breeze-tiny")
    return {
        "ids": [model.id for model in page],
        "one": [one.id, one.object, one.owned_by],
        "request_ids": [bool(page._request_id), bool(one._request_id)],
    }


def pictures() -> Any:
    answer = client.images.generate(
        model="mock_image", prompt="a lighthouse", n=2, size="64x64", output_format="png"
    )
    found = [base64.b64decode(picture.b64_json or "") for picture in answer.data or []]
    return [picture[:8].hex() for picture in found]


def pictures_streamed() -> Any:
    stream = client.images.generate(
        model="mock_image", prompt="a lighthouse", size="64x64", stream=True, partial_images=1
    )
    return [[event.type, event.size, event.b64_json[:6]] for event in stream]


def _alike(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
