"""`curl` and Breeze's own interface: events, stopping, reading on, uploads, settings."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest

from tests.clients.curl import Answer, Curl
from tests.clients.curl import curl as curl

CAPITAL = [{"role": "user", "content": "What is the capital of Norway?"}]
TICK = [{"role": "user", "content": "Tick"}]
ENDLESS: dict[str, Any] = {"model": "llamacpp/endless", "messages": TICK}
NDJSON = ("--header", "Accept: application/x-ndjson")
REQUESTS: dict[str, tuple[dict[str, Any], str]] = {
    "llm": ({"runner": "llamacpp", "messages": CAPITAL}, "text"),
    "vlm": (
        {
            "runner": "system_vision",
            "messages": [{"role": "user", "content": [{"type": "image", "data": "sign.png"}]}],
        },
        "text",
    ),
    "asr": ({"runner": "pocketsphinx", "audio": "children.opus"}, "transcript"),
    "tts": ({"runner": "espeak", "text": "Good morning."}, "audio"),
    "guardian": ({"runner": "rules", "text": "I will kill you"}, "verdict"),
    "image": ({"runner": "mock_image", "prompts": ["a sea"], "size": "64x64"}, "image"),
    "embedding": ({"runner": "hashing", "texts": ["a lighthouse"]}, "embedding"),
}
"""A request for each capability, and the type of the event that its answer consists of."""


def with_files(curl: Curl, value: Any) -> Any:
    """`value` with the bytes of files instead of their names."""
    if isinstance(value, dict):
        return {key: with_files(curl, item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_files(curl, item) for item in value]
    if value in ("sign.png", "children.opus"):
        return base64.b64encode((curl.folder / value).read_bytes()).decode()
    return value


@pytest.mark.parametrize("capability", REQUESTS)
def test_the_events_of_every_capability(curl: Curl, capability: str) -> None:
    request, kind = REQUESTS[capability]
    asked = with_files(curl, request)
    lines = curl.ask(f"/v2/stream/{capability}", "-N", *NDJSON, body=asked).lines
    assert kind in {event["type"] for event in lines}
    assert lines[-1]["type"] == "finish"
    if capability != "asr":  # it takes its time
        events = curl.ask(f"/v2/stream/{capability}", "-N", body=asked).events
        load = {"progress"}  # told of the first time
        assert {e["type"] for e in events} | load == {e["type"] for e in lines} | load


def test_who_would_answer(curl: Curl) -> None:
    asked = {"type": "chat", "messages": CAPITAL}
    answer = curl.ask("/v2/explain", body=asked).json
    assert answer["order"][0]["name"] == "llamacpp"


def test_settings(curl: Curl) -> None:
    change = ("--request", "PATCH")
    for seed in (7, None):
        body = {"runner_parameters": {"mock_llm": {"seed": seed}}}
        answer = curl.ask("/v2/settings", *change, key=curl.service.operate, body=body)
        assert answer.status == 200
        shown = answer.json["instances"]["mock_llm"]["parameters"]
        (found,) = (one for one in shown if one["name"] == "seed")
        assert (found["value"] == 7) is (seed == 7)


def test_uploads(curl: Curl) -> None:
    sent = ("--header", "Content-Type: audio/ogg", "--data-binary", "@children.opus")
    raw = curl.ask("/v2/uploads", *sent)
    assert (raw.status, raw.json["size"]) == (201, (curl.folder / "children.opus").stat().st_size)
    form = curl.ask("/v2/uploads", "--form", "file=@sign.png")
    url = f"upload:{form.json['id']}"
    parts = [
        {"type": "text", "text": "What does the sign say?"},
        {"type": "image_url", "image_url": {"url": url}},
    ]
    body = {"model": "system_vision", "messages": [{"role": "user", "content": parts}]}
    seen = curl.ask("/v1/chat/completions", body=body)
    assert "“STOP”" in seen.json["choices"][0]["message"]["content"]
    heard = curl.ask("/v2/stream/asr", *NDJSON, body={"file": f"upload:{raw.json['id']}"})
    assert heard.lines[-1]["type"] == "finish"
    for made in (raw, form):
        where = f"/v2/uploads/{made.json['id']}"
        assert curl.ask(where, "--request", "DELETE").status in (200, 204)
        assert curl.ask(where, "--request", "DELETE").status == 404


def test_models_that_nobody_has(curl: Curl) -> None:
    as_operator = {"key": curl.service.operate}
    for errand in ("pause", "resume", "cancel"):
        answer = curl.ask(f"/v2/models/{errand}", body={"id": "nobody/has-it"}, **as_operator)
        assert (errand, answer.status) == (errand, 404)
    asked = curl.ask("/v2/models/pull", body={"model": "nobody-has-it"}, **as_operator)
    assert (asked.status, asked.json["code"]) == (404, "E404")
    gone = curl.ask("/v2/models/nobody/has-it", "--request", "DELETE", **as_operator)
    assert gone.status == 404


def running(curl: Curl) -> list[str]:
    """The requests that the key has at work."""
    return [one["id"] for one in curl.ask("/v2/requests").json["requests"]]


def test_an_answer_arrives_while_it_is_made_and_leaving_stops_it(curl: Curl) -> None:
    with curl.reading("/v1/chat/completions", body=ENDLESS | {"stream": True}) as answer:
        first = json.loads(answer.readline().removeprefix(b"data: "))
        request = first["id"].removeprefix("chatcmpl-")
        assert request in running(curl)
    until = time.monotonic() + 10
    while request in running(curl):
        assert time.monotonic() < until, "it goes on although nobody listens"


def test_a_request_is_stopped_by_its_id(curl: Curl) -> None:
    body = {"id": "to-be-stopped", "runner": "llamacpp", **ENDLESS}
    with curl.reading("/v2/stream/llm", *NDJSON, body=body) as answer:
        answer.readline()
        stopped = curl.ask("/v2/requests/to-be-stopped", "--request", "DELETE")
        assert stopped.json == {"id": "to-be-stopped", "cancelled": True}
        *_, last = (json.loads(line) for line in answer)
    assert (last["type"], last["code"]) == ("error", "E302")
    again = curl.ask("/v2/requests/to-be-stopped", "--request", "DELETE")
    assert again.status == 404


def test_an_answer_is_read_on_after_its_connection_broke_off(curl: Curl) -> None:
    body = {"id": "to-be-resumed", **ENDLESS, "max_tokens": 400}
    resumable = ("--header", "x-breeze-resume: 30")
    with curl.reading("/v2/stream/llm", *NDJSON, *resumable, body=body) as answer:
        first = json.loads(answer.readline())
    rest: Answer = curl.ask("/v2/requests/to-be-resumed/events?after=1", "-N", *NDJSON)
    assert rest.status == 200, rest.body
    text = "".join(event["text"] for event in [first, *rest.lines] if event["type"] == "text")
    assert text == "tick tock" * 200
    assert rest.lines[-1]["type"] == "finish"
