"""The anthropic runner sends what Anthropic's own client sends for the same call."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from breeze.contracts.messages import (
    FilePart,
    ImagePart,
    Message,
    ResponseFormat,
    TextPart,
    ToolCall,
)
from breeze.runners.anthropic import AnthropicRunner
from breeze.testing.standins import Call
from breeze.testing.standins._anthropic_rules import sign
from breeze.testing.standins.anthropic import AnthropicStandin
from tests.clients.wire import SAID, SCHEMA, Ours, Recorded, asking, recorded, talking, unlike
from tests.runners.vendor import WEATHER

pytestmark = pytest.mark.timeout(900)  # the first run installs the client
ADAPTIVE = {"thinking": "adaptive"}
THOUGHT = "Let me think. "
SEEN = (
    TextPart("What is it?"),
    ImagePart(b"\x89PNG\r\n\x1a\nsmall"),
    ImagePart(url="https://pictures.example/a.png"),
    FilePart(b"%PDF-1.7 small", "application/pdf", "paper.pdf"),
)
EARLIER = Message(
    "assistant",
    "I look.",
    (ToolCall("t1", "weather", '{"place":"Oslo"}'),),
    reasoning=THOUGHT,
    reasoning_signature=f'anthropic:[[{len(THOUGHT)},"{sign(THOUGHT)}"]]',
)
CASES = {
    "whole": Ours(asking(system="Be brief.", max_tokens=5, stop=("zzz",))),
    "streamed": Ours(asking(whole=False)),
    "vision": Ours(talking(Message("user", SEEN))),
    "tools": Ours(
        asking("How is it?", tools=(WEATHER,), tool_choice="required", parallel_tool_calls=False)
    ),
    "tool_results": Ours(
        talking(
            Message("user", "How is it?"),
            EARLIER,
            Message("tool", "Snow.", tool_call_id="t1"),
            tools=(WEATHER,),
        ),
        ADAPTIVE,
    ),
    "schema": Ours(
        asking(response_format=ResponseFormat("json_schema", SCHEMA), reasoning_effort="low")
    ),
    "cached": Ours(asking(), {"cache": "1h"}),
    "budget": Ours(
        asking(),
        {"thinking": "enabled", "thinking_budget": 2000, "thinking_display": "summarized"},
    ),
    "models": Ours(None),
}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    folder = tmp_path_factory.mktemp("anthropic")
    return asyncio.run(
        recorded(AnthropicStandin, AnthropicRunner, "anthropic", "anthropic_wire", CASES, folder)
    )


def check_alike(theirs: Call, ours: Call, *headers: str) -> None:
    """Both sent the same, with the same of these headers."""
    assert (ours.method, ours.target) == (theirs.method, theirs.target)
    assert [ours.headers.get(h) for h in headers] == [theirs.headers.get(h) for h in headers]
    if theirs.body:  # a GET has no content
        assert ours.headers["content-type"] == theirs.headers["content-type"]
        assert unlike(theirs.json, ours.json) == []


@pytest.mark.parametrize("case", CASES)
def test_the_same_goes_out(both: Recorded, case: str) -> None:
    check_alike(both.theirs[case], both.ours[case], "authorization", "anthropic-version")


OLDER = {"version": "2023-06-01", "key_header": "x-api-key"}
"""How clients of the version before spoke, and some servers still want it."""
OLD_CASES = {
    name: CASES[name]._replace(parameters=OLDER)
    for name in ("whole", "streamed", "vision", "tools", "models")
}


@pytest.fixture(scope="module")
def both_before(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    folder = tmp_path_factory.mktemp("anthropic-0")
    vendor, runner = AnthropicStandin, AnthropicRunner
    return asyncio.run(recorded(vendor, runner, "anthropic-0", "anthropic_wire", OLD_CASES, folder))


@pytest.mark.parametrize("case", OLD_CASES)
def test_the_same_as_an_older_client(both_before: Recorded, case: str) -> None:
    told = ("authorization", "x-api-key", "anthropic-version")
    check_alike(both_before.theirs[case], both_before.ours[case], *told)


@pytest.mark.parametrize(
    ("example", "outcome"),
    [
        ("whole", ["You said: Good day to ", "max_tokens", 5]),
        ("streamed", [SAID, "message_start", "message_stop"]),
        ("tools", ["weather", {"place": "text"}, "tool_use"]),
        ("tool_results", "The tool said: Snow."),
        ("schema", '{"done":true}'),
        ("cached", True),
        ("budget", ["thinking", "text"]),
        ("helper_for_streams", [["thinking", "tool_use"], {"place": "text"}, "tool_use"]),
        ("models", ["parrot-1"]),
        ("counted", 5),
        (
            "errors",
            [
                ["AuthenticationError", 401, True],
                ["PermissionDeniedError", 403, True],
                ["NotFoundError", 404, True],
                ["RateLimitError", 429, True],
                ["OverloadedError", 529, True],
                ["EnforcedSpendLimitReachedError", 429, True],
            ],
        ),
    ],
)
def test_the_client_understands_the_stand_in(both: Recorded, example: str, outcome: Any) -> None:
    assert both.outcomes[example].get("returned") == outcome, both.outcomes[example]
