"""litellm as a client."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.clients.conftest import Seen

pytestmark = pytest.mark.timeout(900)  # the first run installs the client
OSLO = "The capital of Norway is Oslo."
SAID = "children were playing football in the park"


@pytest.fixture(scope="module")
def seen(examples: Callable[..., Seen]) -> Seen:
    return examples("litellm", "litellm_all")


def test_chat(seen: Seen) -> None:
    found = seen["litellm_all.completion"]
    assert (found["text"], found["ends"], found["runner"]) == (OSLO, "stop", "llamacpp")
    streamed = seen["litellm_all.completion_streamed"]
    assert streamed == {"text": OSLO, "usage": [found["tokens"]]}
    assert seen["litellm_all.acompletion"] == [OSLO, OSLO]
    assert seen["litellm_all.model_with_a_slash"] == OSLO


def test_tools(seen: Seen) -> None:
    found = seen["litellm_all.tools"]
    name, arguments = found["call"]
    assert (name, json.loads(arguments)) == ("weather", {"city": "Oslo"})
    assert found["last"] == "Take a hat with you."


def test_an_answer_that_obeys_a_schema(seen: Seen) -> None:
    assert [*json.loads(seen["litellm_all.structured"])] == ["sure"]


def test_a_picture_is_looked_at(seen: Seen) -> None:
    assert "“STOP”" in seen["litellm_all.vision"]


def test_completions(seen: Seen) -> None:
    assert seen["litellm_all.text_completion"] == OSLO


def test_embeddings(seen: Seen) -> None:
    assert seen["litellm_all.embedding"] == [256, 256]
    assert seen["litellm_all.aembedding"] == 256


def test_hearing(seen: Seen) -> None:
    plain, srt, verbose = seen["litellm_all.transcription"]
    assert plain == verbose == SAID
    assert srt.startswith("1\n00:00:0")


def test_speaking(seen: Seen) -> None:
    assert seen["litellm_all.speech"][0] == "audio/mpeg"


def test_drawing_and_judging(seen: Seen) -> None:
    assert seen["litellm_all.image_generation"] == "89504e470d0a1a0a"
    assert seen["litellm_all.moderation"] is True


def test_errors(seen: Seen) -> None:
    assert seen["litellm_all.errors"] == [
        ["NotFoundError", 404], ["AuthenticationError", 401], ["BadRequestError", 400],
    ]  # fmt: skip
