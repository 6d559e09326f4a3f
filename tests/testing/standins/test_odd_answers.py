"""What is odd about the answers of Anthropic's and Google's stand-ins, as it leaves the machine."""

from __future__ import annotations

from typing import Any

import pytest

from breeze.contracts.errors import ProcessingError
from breeze.engine.registry import Registry
from breeze.testing.standins import standin
from breeze.testing.standins.anthropic import AnthropicStandin
from breeze.testing.standins.google import GoogleStandin
from breeze.testing.standins.llama_stack import LlamaStackStandin
from tests.testing.standins.wire import answered, asking

MESSAGE = {
    "model": "parrot-1", "max_tokens": 9, "stream": True,
    "messages": [{"role": "user", "content": "add"}],
    "tools": [{"name": "add", "input_schema": {"type": "object"}}],
}  # fmt: skip
CONTENTS = {
    "contents": [{"role": "user", "parts": [{"text": "add"}]}],
    "tools": [{"functionDeclarations": [{"name": "add"}]}],
}
STREAM = "/v1beta/models/parrot-1:streamGenerateContent?alt=sse"


async def sent(kind: Any, value: Any, path: str, fault: str, **headers: str) -> bytes:
    async with kind.serving() as vendor:
        vendor.fault(fault)
        return (await answered(vendor, asking(value, path, **headers)))[2]


@pytest.mark.parametrize(
    ("fault", "there", "absent"),
    [
        ("odd-pings", b'"type":"message_stop"}\n\nevent: ping', b"none of it"),
        ("odd-empty-deltas", b'"partial_json":""', b"none of it"),
        ("odd-no-nulls", b"message_start", b":null"),
        ("odd-broken-arguments", b"input_json_delta", b'"partial_json":"}"'),
    ],
)
async def test_odd_messages(fault: str, there: bytes, absent: bytes) -> None:
    found = await sent(
        AnthropicStandin, MESSAGE, "/v1/messages", fault, anthropic_version="2023-06-01"
    )
    assert (there in found, absent in found) == (True, False)


@pytest.mark.parametrize(
    ("fault", "there", "absent"),
    [
        ("odd-no-role", b"functionCall", b'"role"'),
        ("odd-no-index", b"functionCall", b'"index"'),
        ("odd-bare-calls", b"functionCall", b'"id"'),
        ("odd-empty-pieces", b'"candidates":[{"index":0}]', b"none of it"),
    ],
)
async def test_odd_contents(fault: str, there: bytes, absent: bytes) -> None:
    found = await sent(GoogleStandin, CONTENTS, STREAM, fault, x_goog_api_key="test-key")
    assert (there in found, absent in found) == (True, False)


def test_each_plays_every_row_that_its_column_demands() -> None:
    """Rows 25 (odd pieces) and 32 (paging) have a mark in the columns of these."""
    rows = {kind: {f.number for f in kind.all_faults()} for kind in
            (AnthropicStandin, GoogleStandin, LlamaStackStandin)}  # fmt: skip
    assert {25, 32} <= rows[AnthropicStandin] & rows[GoogleStandin]
    assert 25 in rows[LlamaStackStandin]


@pytest.mark.parametrize(("name", "address"), [("anthropic", "base_url"), ("google", "base_url")])
async def test_pages_of_models_without_end_are_not_read_for_ever(name: str, address: str) -> None:
    async with standin(name).serving() as vendor:
        vendor.fault("endless-pages", times=None, on="GET")
        kind = Registry().load(name)
        runner = kind(kind.parameters_type.of({address: vendor.url, "api_key": vendor.key}))
        with pytest.raises(ProcessingError, match="models without end"):
            await runner.models()
        assert len(vendor.calls) == 100
