"""The golden frames of each version, as JSON and as msgpack."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from breeze.service.router import RouterService
from breeze.service.router_schema import schema
from tests.router.golden import CASES, fits, normalised, replay
from tests.router.wires import plugged

SCHEMA = schema()


def name_of(case: Path) -> str:
    return f"{case.parent.name}/{case.stem}"


@pytest.mark.parametrize("binary", [False, True], ids=["json", "msgpack"])
@pytest.mark.parametrize("case", CASES, ids=name_of)
async def test_what_a_client_gets(case: Path, binary: bool, service: RouterService) -> None:
    steps = json.loads(case.read_text(encoding="utf-8"))["steps"]
    async with plugged(service, binary=binary, listening=False) as wire:
        await replay(steps, wire)


def test_there_is_a_corpus_for_each_version() -> None:
    versions = [case.parent.name for case in CASES]
    assert versions.count("v1") >= 10
    assert versions.count("v2") >= 25


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_the_frames_obey_the_published_schema(case: Path) -> None:
    server = {"$defs": SCHEMA["$defs"], "$ref": "#/$defs/ServerFrame"}
    for step in json.loads(case.read_text(encoding="utf-8"))["steps"]:
        if "expect" in step:
            frame = json.loads(json.dumps(step["expect"]))
            metadata = frame.get("params", {}).get("metadata", {})
            frame.get("params", {})["metadata"] = {k: str(v) for k, v in metadata.items()}
            jsonschema.validate(frame, server)


def test_a_difference_is_found() -> None:
    expected = {"id": 1, "result": {"a": [1, 2], "metadata": {"engine_request_id": "…"}}}
    assert fits(expected, json.loads(json.dumps(expected)))
    assert fits(expected, {"id": 1, "result": {"a": [1, 2], "metadata": {"engine_request_id": "…", "new": "1"}}})  # fmt: skip # noqa: E501
    for got in (
        {"id": 2, "result": {"a": [1, 2], "metadata": {"engine_request_id": "…"}}},
        {"id": 1, "result": {"a": [1], "metadata": {"engine_request_id": "…"}}},
        {"id": 1, "result": {"a": [1, 2], "metadata": {}}},
        {"id": 1, "result": {"a": [1, 2], "metadata": {"engine_request_id": "…"}}, "more": 1},
        {"id": True, "result": {"a": [1, 2], "metadata": {"engine_request_id": "…"}}},
    ):
        assert not fits(expected, got)


def test_what_varies_is_replaced_and_json_inside_is_opened() -> None:
    frame = {"metadata": {"decision": "ab", "adjustments": '[{"field":"f","why":"because"}]'}}
    assert normalised(frame) == {
        "metadata": {"decision": "…", "adjustments": [{"field": "f", "why": "…"}]}
    }
