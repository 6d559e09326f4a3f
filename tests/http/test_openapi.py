"""The description of the routes says what there is, and what there is says the same."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from breeze.surfaces.http.openapi import document
from breeze.surfaces.http.operations import OPERATIONS
from breeze.surfaces.http.routes import Role
from breeze.surfaces.http.table import TABLE
from tests.http.conftest import Serve
from tests.http.files import png
from tests.http.raw import ask, request

DOCUMENT = json.loads(json.dumps(document(TABLE)))


def refs(value: Any) -> set[str]:
    return set(re.findall(r'"(#/[^"]*)"', json.dumps(value)))


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": DOCUMENT["components"]})


def test_every_route_is_described_and_nothing_else() -> None:
    assert {(route.method, route.path) for route in TABLE.routes} == set(OPERATIONS)


def test_every_route_has_a_summary_an_answer_and_its_error() -> None:
    for path, methods in DOCUMENT["paths"].items():
        for told in methods.values():
            assert told["summary"]
            assert set(told["responses"]) >= {"default"}
            error = json.dumps(told["responses"]["default"])
            assert ("OpenAIError" in error) == path.startswith("/v1/")
            named = set(re.findall(r"\{(\w+)\}", path))
            assert {p["name"] for p in told["parameters"] if p["in"] == "path"} == named


def test_every_body_has_a_schema() -> None:
    for methods in DOCUMENT["paths"].values():
        for method, told in methods.items():
            assert ("requestBody" in told) == (method in ("post", "patch"))
            for content in told.get("requestBody", {}).get("content", {}).values():
                assert content["schema"]


def test_names_of_operations_are_unique() -> None:
    names = [
        told["operationId"] for methods in DOCUMENT["paths"].values() for told in methods.values()
    ]
    assert len(names) == len(set(names))


def test_what_is_referred_to_is_there_and_is_a_schema() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert {ref.rpartition("/")[2] for ref in refs(DOCUMENT)} <= set(schemas)
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)


def test_a_key_is_asked_for_wherever_a_role_is_needed() -> None:
    for route in TABLE.routes:
        told = DOCUMENT["paths"][re.sub(r":path", "", route.path)][route.method.lower()]
        assert ("security" in told) == (route.role is not Role.OPEN)


async def test_it_is_served_to_everybody(serve: Serve) -> None:
    async with serve() as server:
        answer = await ask(server.url, request("GET", "/openapi.json"))
        assert (answer.status, answer.json) == (200, DOCUMENT)


CHAT = {"type": "chat", "messages": [{"role": "user", "content": "Hello"}]}
ASKED: list[tuple[str, str, Any]] = [
    ("get", "/v2/runners", None),
    ("get", "/v2/models", None),
    ("get", "/v2/models/store", None),
    ("get", "/v2/settings", None),
    ("patch", "/v2/settings", {"selected_runners": {"LLM": "mock_llm"}}),
    ("post", "/v2/explain", CHAT),
    ("get", "/v1/models", None),
    ("get", "/v2/requests", None),
    ("post", "/v1/chat/completions", {"model": "mock_llm", "messages": CHAT["messages"]}),
    ("post", "/v2/uploads", None),
]


@pytest.mark.parametrize(("method", "path", "body"), ASKED)
async def test_answers_are_as_described(serve: Serve, method: str, path: str, body: Any) -> None:
    told = DOCUMENT["paths"][path][method]
    sent = png() if path == "/v2/uploads" else json.dumps(body).encode() if body else b""
    if body:
        validator(told["requestBody"]["content"]["application/json"]["schema"]).validate(body)
    async with serve() as server:
        answer = await ask(server.url, request(method.upper(), path, sent))
        schema = told["responses"][str(answer.status)]["content"]["application/json"]["schema"]
        validator(schema).validate(answer.json)


@pytest.mark.parametrize(
    "path", ["/v1/chat/completions", "/v2/explain", "/v1/embeddings", "/v1/audio/transcriptions"]
)
async def test_failures_are_as_described(serve: Serve, path: str) -> None:
    told = DOCUMENT["paths"][path]["post"]["responses"]["default"]
    async with serve() as server:
        answer = await ask(server.url, request("POST", path, b"{"))
        assert answer.status == 400
        validator(told["content"]["application/json"]["schema"]).validate(answer.json)
