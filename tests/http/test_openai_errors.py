"""Every failure of a runner as the official client's own kind of error."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from breeze.config.model import EngineConfig
from breeze.contracts.errors import (
    AuthenticationError,
    BlockedError,
    CapabilityError,
    DeadlineError,
    DownloadError,
    HardwareError,
    InputError,
    MemoryLimitError,
    NotFoundError,
    NotLoadedError,
    OverloadedError,
    ProcessingError,
    QuotaError,
    RateLimitError,
    RunnerError,
    TooLargeError,
    UnavailableError,
    VersionError,
)
from breeze.testing.scripted import Script, scripted
from tests.http.conftest import Serve
from tests.http.openai_wire import ask, official, post

ASKED: Any = [{"role": "user", "content": "Hello"}]
Row = tuple[RunnerError, type[openai.APIStatusError], int, str | None]
ROWS: list[Row] = [
    (InputError("x", field="messages[0]"), openai.BadRequestError, 400, None),
    (InputError("x", detail="context_length_exceeded"), openai.BadRequestError, 400,
        "context_length_exceeded"),
    (CapabilityError("x"), openai.BadRequestError, 400, "unsupported_capability"),
    (VersionError("x"), openai.BadRequestError, 400, "E406"),
    (AuthenticationError("x"), openai.AuthenticationError, 401, "invalid_api_key"),
    (AuthenticationError("x", data={"status": 403}), openai.PermissionDeniedError, 403,
        "invalid_api_key"),
    (BlockedError("x"), openai.PermissionDeniedError, 403, "content_policy_violation"),
    (QuotaError("x"), openai.APIStatusError, 402, "insufficient_quota"),
    (NotFoundError("x"), openai.NotFoundError, 404, "model_not_found"),
    (TooLargeError("x"), openai.APIStatusError, 413, "request_too_large"),
    (InputError("x", data={"status": 409}), openai.ConflictError, 409, None),
    (InputError("x", data={"status": 422}), openai.UnprocessableEntityError, 422, None),
    (RateLimitError("x", retry_after=7), openai.RateLimitError, 429, "rate_limit_exceeded"),
    (ProcessingError("x"), openai.InternalServerError, 500, "E101"),
    (DownloadError("x"), openai.InternalServerError, 502, "E500"),
    (UnavailableError("x"), openai.InternalServerError, 503, "E501"),
    (NotLoadedError("x"), openai.InternalServerError, 503, "E502"),
    (HardwareError("x"), openai.InternalServerError, 503, "E503"),
    (MemoryLimitError("x"), openai.InternalServerError, 503, "E504"),
    (OverloadedError("x"), openai.InternalServerError, 503, "server_is_overloaded"),
    (DeadlineError("x"), openai.InternalServerError, 504, "timeout"),
]  # fmt: skip
FAST: Any = {"globalSettings": {"failover": {"attempts": 1}}, "version": "2.0"}


def name_of(row: Any) -> str:
    return type(row).__name__ if isinstance(row, RunnerError) else ""


@pytest.mark.parametrize(("error", "kind", "status", "code"), ROWS, ids=name_of)
@pytest.mark.parametrize("stream", [False, True])
async def test_each_failure_has_its_class_status_and_code(
    serve: Serve,
    error: RunnerError,
    kind: type[openai.APIStatusError],
    status: int,
    code: str | None,
    stream: bool,
) -> None:
    config = EngineConfig.model_validate(FAST)
    runners = [scripted("one", Script([error]))]
    async with serve(runners=runners, config=config) as server, official(server) as client:
        with pytest.raises(kind) as raised:
            await client.chat.completions.create(
                model="one", messages=ASKED, stream=stream, extra_body={"breeze": {"strict": True}}
            )
    found = raised.value
    assert type(found) is kind
    assert (found.status_code, found.code) == (status, code)
    assert found.request_id
    assert isinstance(found.body, dict)
    assert found.body["message"] == "x"
    assert found.param == (error.field or None)
    assert found.response.json()["breeze"]["code"] == error.code


async def test_how_long_to_wait_is_a_header(serve: Serve) -> None:
    script = Script([RateLimitError("Slow down.", retry_after=90)])
    async with serve(runners=[scripted("one", script)]) as server, official(server) as client:
        with pytest.raises(openai.RateLimitError) as raised:
            await client.chat.completions.create(
                model="one", messages=ASKED, extra_body={"breeze": {"strict": True}}
            )
    assert raised.value.response.headers["retry-after"] == "90"


async def test_the_client_does_not_repeat_what_cannot_help(serve: Serve) -> None:
    script = Script([ProcessingError("Broken for good.", retryable=False)])
    async with (
        serve(runners=[scripted("one", script)]) as server,
        official(server, max_retries=3) as client,
    ):
        with pytest.raises(openai.InternalServerError):
            await client.chat.completions.create(
                model="one", messages=ASKED, extra_body={"breeze": {"strict": True}}
            )
    assert len(script.calls) == 1


async def test_a_method_that_a_route_does_not_know(serve: Serve) -> None:
    async with serve() as server:
        raw = await ask(server, "GET", "/v1/chat/completions")
    assert raw.status == 405
    assert "POST" in raw.headers["allow"].split(", ")
    assert "GET" not in raw.headers["allow"]
    assert raw.error["type"] == "invalid_request_error"
    assert raw.headers["x-request-id"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b'"a"', b"\xff", b'{"a": NaN}', b""])
async def test_a_body_that_is_no_json_object(serve: Serve, body: bytes) -> None:
    async with serve() as server:
        raw = await ask(server, "POST", "/v1/chat/completions", body)
    assert (raw.status, raw.error["type"]) == (400, "invalid_request_error")
    assert raw.error["param"] is None


async def test_an_unknown_route_is_not_found_in_the_same_dialect(serve: Serve) -> None:
    async with serve() as server, official(server) as client:
        with pytest.raises(openai.NotFoundError) as raised:
            await client.post("/chat/nothing", body={}, cast_to=object)
    assert raised.value.type == "invalid_request_error"


async def test_every_answer_has_the_id_of_its_request(serve: Serve) -> None:
    async with serve() as server, official(server) as client:
        chat = await client.chat.completions.create(model="mock_llm", messages=ASKED)
        vectors = await client.embeddings.create(model="mock_embedding", input="a")
    assert chat.id == f"chatcmpl-{chat._request_id}"
    assert vectors._request_id


async def test_a_runner_that_cannot_do_the_work_is_named_by_the_model(serve: Serve) -> None:
    async with serve() as server, official(server) as client:
        with pytest.raises(openai.BadRequestError, match="cannot do LLM") as raised:
            await client.chat.completions.create(model="hashing", messages=ASKED)
    assert (raised.value.param, raised.value.code) == ("model", "unsupported_capability")


@pytest.mark.parametrize("name", ["m" * 513, "mock_llm/" + "m" * 900_000])
async def test_a_name_without_end_is_refused_and_not_repeated(serve: Serve, name: str) -> None:
    async with serve() as server:
        raw = await post(server, "/v1/chat/completions", model=name, messages=ASKED)
        listed = await ask(server, "GET", f"/v1/models/{name[:2000]}")
    for answer in (raw, listed):
        assert (answer.status, answer.error["param"]) == (400, "model")
        assert len(answer.body) < 1000
