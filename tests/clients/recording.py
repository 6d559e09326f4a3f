"""What a vendor's official client sends, recorded by the stand-in of that vendor."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from breeze.testing.standins import Call, Standin
from tests.clients.environments import HERE, environment

SCRIPTS = HERE / "scripts"
LIMIT = 120.0


class Recorded(NamedTuple):
    """What the examples of a script sent, one call each, and what they returned."""

    calls: dict[str, Call]
    returned: dict[str, Any]


async def recorded(client: str, script: str, vendor: Standin, folder: Path) -> Recorded:
    """Run the examples of `script` in the environment of `client` against `vendor`.

    Each example makes one call, in the order of their names. `STANDIN_URL` tells them where.
    """
    python = await asyncio.to_thread(environment, client)
    begun = len(vendor.calls)
    outcomes = folder / "outcomes.json"
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "SYSTEMROOT", "TMPDIR")}
    told = {"HOME": str(folder), "NO_PROXY": "127.0.0.1", "STANDIN_URL": vendor.url}
    process = await asyncio.create_subprocess_exec(
        python / "python", SCRIPTS / "run.py", outcomes, script,
        cwd=folder, env=kept | told, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        _, said = await asyncio.wait_for(process.communicate(), LIMIT)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, said.decode()
    found = json.loads(outcomes.read_text())
    for name, outcome in found.items():
        if "failed" in outcome:
            pytest.fail(f"{name}:\n{outcome['failed']}", pytrace=False)
    names = [name.partition(".")[2] for name in found]
    calls = vendor.calls[begun:]
    assert len(calls) == len(names), [call.target for call in calls]
    returned = {name.partition(".")[2]: outcome["returned"] for name, outcome in found.items()}
    return Recorded(dict(zip(names, calls, strict=True)), returned)
