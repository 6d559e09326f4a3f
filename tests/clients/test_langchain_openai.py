"""langchain-openai: chat models, completions and embeddings."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.clients.conftest import Seen

pytestmark = pytest.mark.timeout(900)  # the first run installs the client
OSLO = "The capital of Norway is Oslo."


@pytest.fixture(scope="module")
def seen(examples: Callable[..., Seen]) -> Seen:
    return examples("langchain-openai", "langchain_all")


def test_a_whole_answer(seen: Seen) -> None:
    found = seen["langchain_all.invoke"]
    assert (found["text"], found["model"], found["ends"]) == (OSLO, "breeze-tiny", "stop")
    assert found["tokens"] > 0


def test_streams(seen: Seen) -> None:
    found = seen["langchain_all.stream"]
    assert found["text"] == OSLO
    assert found["pieces"] > 5
    assert found["tokens"] > 0
    assert seen["langchain_all.astream"] == [OSLO, OSLO]


def test_several_at_the_same_time(seen: Seen) -> None:
    assert [text.split()[-1] for text in seen["langchain_all.batch"]] == [
        "Oslo.",
        "Paris.",
        "Tokyo.",
    ]


def test_tools(seen: Seen) -> None:
    found = seen["langchain_all.bind_tools"]
    assert found["calls"] == [["weather", {"city": "Oslo"}]]
    assert found["last"] == "Take a hat with you."
    assert seen["langchain_all.bind_tools_streamed"] == found["calls"]


def test_structured_output(seen: Seen) -> None:
    assert seen["langchain_all.with_structured_output"] == ["Sure", "Sure", ["sure"]]


def test_a_picture_is_looked_at(seen: Seen) -> None:
    assert "“STOP”" in seen["langchain_all.vision"]


def test_completions(seen: Seen) -> None:
    assert seen["langchain_all.completion"] == [OSLO, OSLO]


def test_embeddings(seen: Seen) -> None:
    assert seen["langchain_all.embeddings"] == {"documents": [256, 256], "query": 256}
    assert seen["langchain_all.embeddings_async"] == [64, 64]


def test_embeddings_of_tokens_are_refused_with_the_remedy(seen: Seen) -> None:
    found = seen["langchain_all.embeddings_as_tokens"]
    assert (found["status"], found["param"]) == (400, "input")
    assert "send text" in found["says"]


def test_errors(seen: Seen) -> None:
    (unknown, missing), (stranger, refused) = seen["langchain_all.errors"]
    assert (missing, refused) == ("model_not_found", "invalid_api_key")
    assert "NotFound" in unknown
    assert "Authentication" in stranger
