"""`curl`: every route, streaming and not. Our own interface is in `test_curl_native.py`."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from breeze.surfaces.http.table import TABLE
from tests.clients.curl import Curl
from tests.clients.curl import curl as curl

OSLO = "The capital of Norway is Oslo."
SAID = "children were playing football in the park"
CAPITAL = [{"role": "user", "content": "What is the capital of Norway?"}]
CHAT: dict[str, Any] = {"model": "llamacpp", "messages": CAPITAL, "temperature": 0}
SPEECH = {"model": "espeak", "voice": "en-us", "input": "Good morning.", "response_format": "pcm"}
RECORDING = ("--form", "file=@children.opus", "--form", "model=pocketsphinx")


GET = {
    "/health": '"ok"',
    "/healthz": '"ok"',
    "/livez": '"ok"',
    "/ready": '"ready"',
    "/readyz": '"ready"',
    "/metrics": "breeze_requests_total",
    "/openapi.json": '"/v1/chat/completions"',
    "/v1/models": '"llamacpp/breeze-tiny"',
    "/v1/models/{id:path}": '"llamacpp/breeze-tiny"',
    "/v2/requests": '"requests"',
    "/v2/runners": '"llamacpp"',
    "/v2/models": '"breeze-tiny"',
    "/v2/models/store": '"breeze-tiny"',
    "/v2/settings": '"models_dir"',
    "/v2/router/schema.json": "$defs",
    "/v2/router/asyncapi.json": '"asyncapi"',
}
"""What is simply fetched, and something that stands in it."""
OTHERS = {
    "POST /v1/chat/completions",
    "POST /v1/completions",
    "POST /v1/embeddings",
    "POST /v1/rerank",
    "POST /v1/images/generations",
    "POST /v1/moderations",
    "POST /v1/audio/speech",
    "POST /v1/audio/transcriptions",
    "POST /v1/audio/translations",
    "POST /v2/stream/{capability}",
    "DELETE /v2/requests/{id}",
    "GET /v2/requests/{id}/events",
    "POST /v2/explain",
    "PATCH /v2/settings",
    "POST /v2/uploads",
    "DELETE /v2/uploads/{id}",
    "POST /v2/models/pull",
    "POST /v2/models/pause",
    "POST /v2/models/resume",
    "POST /v2/models/cancel",
    "DELETE /v2/models/{id:path}",
}
"""What has a test of its own, here or there."""


def place(path: str) -> str:
    return path.replace("{id:path}", "llamacpp/breeze-tiny")


def test_no_route_is_left_out() -> None:
    fetched = {f"GET {path}" for path in GET}
    assert fetched | OTHERS == {f"{route.method} {route.path}" for route in TABLE.routes}


@pytest.mark.parametrize(("path", "holds"), GET.items(), ids=GET)
def test_what_is_fetched(curl: Curl, path: str, holds: str) -> None:
    answer = curl.ask(place(path), key=curl.service.operate)
    assert answer.status == 200
    assert holds in answer.body.decode()
    assert answer.headers["x-request-id"]
    head = curl.ask(place(path), "--head", key=curl.service.operate)
    assert (head.status, head.body[:4]) == (200, b"HTTP")  # curl shows the head as the body
    assert head.headers["content-type"] == answer.headers["content-type"]


def test_every_path_says_what_it_takes(curl: Curl) -> None:
    for path in {route.path for route in TABLE.routes}:
        answer = curl.ask(place(path).replace("{id}", "x"), "--request", "OPTIONS", key="")
        assert (answer.status, answer.body) == (200, b"")
        methods = {route.method for route in TABLE.routes if route.path == path}
        assert methods | {"OPTIONS"} <= {*answer.headers["allow"].split(", ")}


def test_what_is_not_there_is_told_in_the_words_of_its_interface(curl: Curl) -> None:
    ours, theirs = curl.ask("/v2/nothing"), curl.ask("/v1/nothing")
    assert (ours.status, ours.json["code"]) == (404, "E404")
    assert (theirs.status, theirs.json["error"]["code"]) == (404, "unknown_route")
    wrong = curl.ask("/v1/chat/completions")
    assert (wrong.status, wrong.headers["allow"]) == (405, "POST, OPTIONS")


def test_keys(curl: Curl) -> None:
    for path, key, status in (
        ("/v1/models", "", 401),
        ("/v1/models", "brz_wrong", 401),
        ("/v2/settings", curl.service.use, 403),
        ("/metrics", curl.service.use, 403),
        ("/health", "", 200),
    ):
        assert curl.ask(path, key=key).status == status
    named = curl.ask("/v1/models", "--header", f"x-api-key: {curl.service.use}", key="")
    assert named.status == 200


def test_chat(curl: Curl) -> None:
    whole = curl.ask("/v1/chat/completions", body=CHAT)
    assert whole.json["choices"][0]["message"]["content"] == OSLO
    assert whole.headers["x-breeze-runner"] == "llamacpp"
    options = {"stream": True, "stream_options": {"include_usage": True}}
    streamed = curl.ask("/v1/chat/completions", "--no-buffer", body=CHAT | options)
    assert streamed.body.endswith(b"data: [DONE]\n\n")
    *chunks, last = streamed.events
    text = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
    assert text == OSLO
    assert last["usage"]["total_tokens"] == whole.json["usage"]["total_tokens"]


def test_completions(curl: Curl) -> None:
    asked = {"model": "llamacpp", "prompt": CAPITAL[0]["content"], "temperature": 0}
    assert curl.ask("/v1/completions", body=asked).json["choices"][0]["text"] == OSLO
    chunks = curl.ask("/v1/completions", "--no-buffer", body=asked | {"stream": True}).events
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks) == OSLO


def test_embeddings(curl: Curl) -> None:
    asked = {"model": "hashing", "input": "a lighthouse"}
    numbers = curl.ask("/v1/embeddings", body=asked).json["data"][0]["embedding"]
    packed = curl.ask("/v1/embeddings", body=asked | {"encoding_format": "base64"}).json["data"][0]
    assert len(numbers) == 256
    assert len(base64.b64decode(packed["embedding"])) == 4 * 256


def test_documents_by_their_rank(curl: Curl) -> None:
    asked = {"model": "hashing", "query": "a lighthouse", "documents": ["a sea", "the lighthouse"]}
    best, other = curl.ask("/v1/rerank", body=asked).json["results"]
    assert (best["index"], other["index"]) == (1, 0)
    assert best["relevance_score"] > other["relevance_score"]


def test_moderations(curl: Curl) -> None:
    (result,) = curl.ask("/v1/moderations", body={"input": "I will kill you"}).json["results"]
    assert result["flagged"] is True
    assert result["categories"]["violence"] is True


def test_pictures(curl: Curl) -> None:
    asked = {"model": "mock_image", "prompt": "a sea", "size": "64x64"}
    whole = curl.ask("/v1/images/generations", body=asked)
    assert whole.headers["x-breeze-mock"] == "true"
    assert base64.b64decode(whole.json["data"][0]["b64_json"]).startswith(b"\x89PNG")
    (made,) = curl.ask("/v1/images/generations", "-N", body=asked | {"stream": True}).events
    assert made["type"] == "image_generation.completed"


def test_speech(curl: Curl) -> None:
    sound = curl.ask("/v1/audio/speech", "--no-buffer", body=SPEECH)
    assert (sound.status, sound.headers["content-type"]) == (200, "audio/pcm")
    told = curl.ask("/v1/audio/speech", "-N", body=SPEECH | {"stream_format": "sse"}).events
    *pieces, done = told
    size = sum(len(base64.b64decode(piece["audio"])) for piece in pieces)
    assert size == pytest.approx(len(sound.body), rel=0.05)  # no two sayings are quite the same
    assert done["type"] == "speech.audio.done"


def test_hearing(curl: Curl) -> None:
    assert curl.ask("/v1/audio/transcriptions", *RECORDING).json["text"] == SAID
    text = curl.ask("/v1/audio/translations", *RECORDING, "--form", "response_format=text")
    assert text.body.decode() == f"{SAID}\n"
    told = curl.ask("/v1/audio/transcriptions", "--no-buffer", *RECORDING, "--form", "stream=true")
    assert told.events[-1]["text"] == SAID
