"""The golden frames: what clients of each version send, and what they must get, for ever.

A case is a list of steps. `send` is a frame (`raw`: text as it is; `hex`: bytes as they are);
`expect` is the next answer or the next push that must have come. What cannot be the same twice is
replaced before comparing (`VARIES`), texts for persons too. Metadata may gain keys, never lose
one; everything else must be equal.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.router.wires import Wire

FOLDER = Path(__file__).parent / "golden"
CASES = sorted(FOLDER.glob("v*/*.json"))
VARIES = {
    "processing_time_ms", "decision", "engine_request_id", "token", "message", "error", "why",
    "fields", "seconds",
}  # fmt: skip
"""Keys whose values are times, random ids, or texts for persons."""
JSON_INSIDE = {"adjustments", "attempts", "segments"}
"""Metadata that hold JSON, which is compared as such."""


def normalised(value: Any) -> Any:
    """A frame as it is compared: what varies becomes `…`, JSON inside is opened."""
    if isinstance(value, list):
        return [normalised(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {key: _normalised(key, inner) for key, inner in value.items()}


def _normalised(key: str, value: Any) -> Any:
    if key in JSON_INSIDE and isinstance(value, str):
        return normalised(json.loads(value))
    if key in VARIES and isinstance(value, str | float):
        return "…"
    return normalised(value)


def fits(expected: Any, got: Any) -> bool:
    """Whether a frame is as expected; its metadata may have more keys."""
    if isinstance(expected, dict) and isinstance(got, dict):
        extra = got.keys() - expected.keys()
        return (
            not expected.keys() - got.keys()
            and (not extra or _is_metadata(expected))
            and all(fits(inner, got[key]) for key, inner in expected.items())
        )
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(map(fits, expected, got))
    return type(expected) is type(got) and bool(expected == got)


def _is_metadata(value: dict[str, Any]) -> bool:
    return bool({"engine_request_id", "error_code"} & value.keys())


async def replay(steps: list[dict[str, Any]], wire: Wire) -> None:
    """Drive a socket through a case. Raises AssertionError at the first difference."""
    binary = wire.binary
    for number, step in enumerate(steps):
        if "expect" in step:
            is_push = step["expect"].get("method") == "onResponse"
            got = normalised(await (wire.push() if is_push else wire.reply()))
            assert fits(step["expect"], got), (
                f"step {number}: {json.dumps(got, ensure_ascii=False)}"
            )
        elif "raw" in step or "hex" in step:
            await wire.send(step["raw"] if "raw" in step else bytes.fromhex(step["hex"]))
        else:
            wire.binary = binary
            await wire.send(step["send"])
    assert wire.frames.empty()
    assert not wire.pushes + wire.replies
