"""Runs what `scripts` tells a vendor's official client to do, in that client's environment."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from tests.clients.environments import HERE, environment

SCRIPTS = HERE / "scripts"
LIMIT = 300.0
"""Seconds that a script may take."""
_KEPT = ("PATH", "LANG", "TMPDIR", "SYSTEMROOT")
"""The rest of the environment may hold keys and addresses of real vendors."""


class Ran(NamedTuple):
    """How a script ended: its exit status, and what it said on standard error."""

    status: int
    said: str


async def run(client: str, script: str, folder: Path, *arguments: str, **variables: str) -> Ran:
    """Run a script with the client of `requirements-<client>.txt`, in `folder` as its home."""
    commands = await asyncio.to_thread(environment, client)
    kept = {name: value for name, value in os.environ.items() if name in _KEPT}
    process = await asyncio.create_subprocess_exec(
        commands / "python", SCRIPTS / f"{script}.py", *arguments,
        cwd=folder,
        env=kept | {"HOME": str(folder), "NO_PROXY": "127.0.0.1"} | variables,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(LIMIT):
            _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Ran(process.returncode, said.decode())


async def outcomes(client: str, script: str, folder: Path, **variables: str) -> dict[str, Any]:
    """What each example of a script returned, or how it failed, in the order of their names."""
    status, said = await run(client, "run", folder, "outcomes.json", script, **variables)
    assert status == 0, said
    found = json.loads((folder / "outcomes.json").read_text())
    return {name.partition(".")[2]: outcome for name, outcome in found.items()}
