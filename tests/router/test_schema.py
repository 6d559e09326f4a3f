"""The published documents: true to the types, and as committed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from breeze.contracts.router_frames import Method
from breeze.service.router_schema import asyncapi, schema
from tests.router.golden import CASES

DOCS = Path(__file__).parents[2] / "docs" / "router"
DOCUMENTS: dict[str, dict[str, Any]] = {
    "schema": json.loads(json.dumps(schema())),
    "asyncapi": json.loads(json.dumps(asyncapi())),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_committed_file_is_the_generated_one(name: str) -> None:
    committed = json.loads((DOCS / f"{name}.json").read_text(encoding="utf-8"))
    assert committed == DOCUMENTS[name], "run: python tools/router_docs.py"


def references(value: Any) -> Iterator[str]:
    """Every `$ref` of a document."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_reference_leads_somewhere(name: str) -> None:
    found = set(references(DOCUMENTS[name]))
    assert len(found) > 20
    for reference in found:
        place: Any = DOCUMENTS[name]
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


def test_every_method_is_an_operation() -> None:
    document = asyncapi()
    assert document["asyncapi"] == "3.0.0"
    assert set(document["operations"]) == {*Method, "onResponse"}
    assert document["operations"]["onResponse"]["action"] == "send"
    for method in Method:
        operation = document["operations"][method]
        assert operation["action"] == "receive"
        assert len(operation["reply"]["messages"]) == 2


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.stem}")
def test_what_golden_clients_send_obeys_it(case: Path) -> None:
    client = {"$defs": schema()["$defs"], "$ref": "#/$defs/ClientFrame"}
    steps = json.loads(case.read_text(encoding="utf-8"))["steps"]
    for step in steps:
        frame = step.get("send")
        refused = case.stem in ("resume_refused",) or "TENSORFLOW" in json.dumps(frame)
        if frame is not None and not refused:
            jsonschema.validate(frame, client)


@pytest.mark.parametrize(
    "frame",
    [
        {"id": 1},
        {"id": 1, "method": "sing"},
        {"id": 1, "method": "sendMessage"},
        {"id": 1, "method": "sendMessage", "params": {"id": "r"}},
        {"id": 1.5, "method": "getApiVersion"},
        {"id": 1, "method": "hasCapability", "params": {"capabilityName": 1}},
        {"id": 1, "method": "registerListener", "params": {"resumeSeconds": 301}},
    ],
)
def test_what_is_no_call_does_not(frame: dict[str, Any]) -> None:
    client = {"$defs": schema()["$defs"], "$ref": "#/$defs/ClientFrame"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(frame, client)
