"""Requests made of our own description of the routes, whole and spoilt: all are answered well."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from breeze.surfaces.http.openapi import document
from breeze.surfaces.http.table import TABLE
from tests.http.process import Room, Served
from tests.http.schemas import ANYTHING, Components, json_of
from tests.http.test_hostile import PATIENCE, TRUTHS

DOCUMENT: dict[str, Any] = json.loads(json.dumps(document(TABLE)))
COMPONENTS = {"components": DOCUMENT["components"]}
SCHEMAS = Components(DOCUMENT["components"]["schemas"])
EXAMPLES = 40
"""Requests of each kind for each route: some 30 seconds in all."""


class Operation(NamedTuple):
    """A route to try. `schema` is that of its JSON body, if it takes one."""

    method: str
    path: str
    told: dict[str, Any]

    def __repr__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def schema(self) -> dict[str, Any] | None:
        content = self.told.get("requestBody", {}).get("content", {})
        found: dict[str, Any] | None = content.get("application/json", {}).get("schema")
        return found

    def error(self) -> Draft202012Validator:
        schema = self.told["responses"]["default"]["content"]["application/json"]["schema"]
        return Draft202012Validator({**schema, **COMPONENTS})


OPERATIONS = [
    Operation(method.upper(), path, told)
    for path, methods in DOCUMENT["paths"].items()
    for method, told in methods.items()
]
TAKING_JSON = [operation for operation in OPERATIONS if operation.schema is not None]
FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    room = Room(tmp_path_factory.mktemp("fuzz"))
    room.prefer(LLM="mock_llm")
    with room.serving() as served:
        yield served


def check(served: Served, operation: Operation, path: str, body: bytes, **headers: str) -> None:
    """Send a request; its answer must be one that our description allows."""
    connection = served.connect()
    began = time.monotonic()
    try:
        connection.request(operation.method, path, body, headers)
        answer = connection.getresponse()
        data = answer.read()
    finally:
        connection.close()
    assert time.monotonic() - began < PATIENCE
    assert answer.status < 500 or answer.status in TRUTHS, data
    assert b"Traceback" not in data
    if answer.status >= 400:
        operation.error().validate(json.loads(data))


def as_json(value: Any) -> bytes:
    """JSON as some clients write it: with NaN and lone surrogates, which are not JSON."""
    return json.dumps(value).encode("ascii")


def fits(operation: Operation) -> st.SearchStrategy[Any]:
    """Bodies that obey the schema."""
    assert operation.schema is not None
    return json_of(operation.schema, SCHEMAS)


@st.composite
def spoilt(draw: st.DrawFn, operation: Operation) -> Any:
    """Bodies that obey the schema except in one place, however deep."""
    value = draw(fits(operation))
    place: Any = value
    while isinstance(place, dict | list) and place:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        key = draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key] or draw(st.booleans()):
            if draw(st.booleans()):
                place[key] = draw(ANYTHING)
            else:
                del place[key]
            break
        place = place[key]
    return value


def concrete(draw: st.DrawFn, path: str) -> str:
    """The path with something in the place of each name."""
    names = st.text(min_size=1, max_size=40) | st.sampled_from(
        ["llm", "vlm", "asr", "tts", "guardian", "image", "embedding", "mock_llm", "auto"]
    )
    return re.sub(
        r"\{\w+\}", lambda _: quote(draw(names).encode("utf-8", "replace"), safe=""), path
    )


@pytest.mark.parametrize("operation", TAKING_JSON, ids=repr)
def test_bodies_as_described(served: Served, operation: Operation) -> None:
    @FUZZ
    @seed(1)
    @given(st.data())
    def run(data: st.DataObject) -> None:
        body = as_json(data.draw(fits(operation)))
        path = data.draw(st.composite(concrete)(operation.path))
        check(served, operation, path, body)

    run()


@pytest.mark.parametrize("operation", TAKING_JSON, ids=repr)
def test_bodies_that_are_spoilt_in_one_place(served: Served, operation: Operation) -> None:
    @FUZZ
    @seed(2)
    @given(st.data())
    def run(data: st.DataObject) -> None:
        body = as_json(data.draw(spoilt(operation)))
        path = data.draw(st.composite(concrete)(operation.path))
        check(served, operation, path, body)

    run()


@pytest.mark.parametrize("operation", OPERATIONS, ids=repr)
def test_any_bytes_and_any_parameters(served: Served, operation: Operation) -> None:
    @FUZZ
    @seed(3)
    @given(st.data())
    def run(data: st.DataObject) -> None:
        path = data.draw(st.composite(concrete)(operation.path))
        query = data.draw(st.text(max_size=30)).encode("utf-8", "replace")
        body = b"" if operation.method == "GET" else data.draw(st.binary(max_size=200))
        kinds = ["application/json", "multipart/form-data; boundary=x", "text/plain", "a/b", ""]
        kind = data.draw(st.sampled_from(kinds))
        check(served, operation, f"{path}?{quote(query)}", body, **{"content-type": kind})

    run()


def test_afterwards_the_log_is_clean(served: Served) -> None:
    """Runs last."""
    assert "Traceback" not in served.said
