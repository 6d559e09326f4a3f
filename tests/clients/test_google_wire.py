"""The google runner sends what Google's own client sends for the same call."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from breeze.contracts.messages import (
    AudioPart,
    FilePart,
    ImagePart,
    Message,
    NamedTool,
    ResponseFormat,
    TextPart,
    ToolCall,
)
from breeze.contracts.requests import EmbedRequest
from breeze.runners.google import GoogleRunner
from breeze.testing.standins._google_rules import camel
from breeze.testing.standins.google import GoogleStandin
from tests.clients.wire import SAID, SCHEMA, Ours, Recorded, asking, recorded, talking, unlike
from tests.runners.vendor import WEATHER

pytestmark = pytest.mark.timeout(900)  # the first run installs the client
SEEN = (
    TextPart("What is it?"),
    ImagePart(b"\x89PNG\r\n\x1a\nsmall"),
    AudioPart(b"RIFFsound"),
    FilePart(b"%PDF-1.7 small", "application/pdf"),
)
CALL = ToolCall("t1", "weather", '{"place":"Oslo"}', "google:c2lnbmVk")
CASES = {
    "whole": Ours(
        asking(
            system="Be brief.", temperature=0.5, top_p=0.9, top_k=5, seed=3, max_tokens=5,
            stop=("zzz",), presence_penalty=0.1, frequency_penalty=0.2,
        )
    ),
    "streamed": Ours(asking(whole=False)),
    "vision": Ours(talking(Message("user", SEEN))),
    "tools": Ours(asking("How is it?", tools=(WEATHER,), tool_choice=NamedTool("weather"))),
    "tool_results": Ours(
        talking(
            Message("user", "How is it?"),
            Message("assistant", "I look.", (CALL,)),
            Message("tool", "Snow.", tool_call_id="t1"),
            tools=(WEATHER,),
        )
    ),
    "schema": Ours(asking(response_format=ResponseFormat("json_schema", SCHEMA))),
    "thinking": Ours(asking(reasoning_effort="low"), {"thoughts": True}),
    "budget": Ours(asking(reasoning_effort="low"), {"effort_as": "budget"}),
    "several": Ours(asking(n=2, logprobs=True, top_logprobs=2)),
    "safety": Ours(asking(), {"safety": "BLOCK_ONLY_HIGH"}),
    "embedded": Ours(EmbedRequest.of("one sea", "two seas", dimensions=4, model="embedder-1")),
    "models": Ours(None),
}  # fmt: skip
EMPTY = ".generationConfig: {} / '—'"
ON_PURPOSE = {
    "whole": [".systemInstruction.role: 'user' / '—'"],  # the system is not the user
    **{name: [EMPTY] for name in ("vision", "tools", "tool_results", "safety")},  # nothing is set
}
"""Where we differ from the client, and why."""


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    folder = tmp_path_factory.mktemp("google")
    vendor, runner = GoogleStandin, GoogleRunner
    return asyncio.run(recorded(vendor, runner, "google-genai", "google_wire", CASES, folder))


@pytest.mark.parametrize("case", CASES)
def test_the_same_goes_out(both: Recorded, case: str) -> None:
    """The client spells names in two ways, even in one body, and asks v1 where we ask v1beta."""
    theirs, ours = both.theirs[case], both.ours[case]
    assert (ours.method, ours.target) == (theirs.method, theirs.target.replace("/v1/", "/v1beta/"))
    assert ours.headers["x-goog-api-key"] == theirs.headers["x-goog-api-key"]
    if theirs.body:
        assert ours.headers["content-type"] == theirs.headers["content-type"]
        assert unlike(camel(theirs.json), ours.json) == ON_PURPOSE.get(case, [])


@pytest.mark.parametrize(
    ("example", "outcome"),
    [
        ("whole", ["You said: Good day to ", "MAX_TOKENS", 5]),
        ("streamed", [SAID, "STOP", "parrot-1"]),
        ("tools", ["weather", {"place": "text"}, "signed"]),
        ("tool_results", "The tool said: Snow."),
        ("schema", '{"done":true}'),
        ("thinking", [True, False]),
        ("several", [2, 6]),
        ("safety", SAID),
        ("embedded", [4, 4]),
        ("models", ["models/parrot-1", "models/embedder-1"]),
        ("blocked", ["SAFETY", None]),
        (
            "errors",
            [
                ["ClientError", 400, "INVALID_ARGUMENT"],
                ["ClientError", 403, "PERMISSION_DENIED"],
                ["ClientError", 404, "NOT_FOUND"],
                ["ClientError", 429, "RESOURCE_EXHAUSTED"],
                ["ServerError", 503, "UNAVAILABLE"],
            ],
        ),
    ],
)
def test_the_client_understands_the_stand_in(both: Recorded, example: str, outcome: Any) -> None:
    assert both.outcomes[example].get("returned") == outcome, both.outcomes[example]
