"""A pull in a process of its own: `python -m tests.models.process ROOT ENDPOINT REFERENCE`.

It prints a line for each event. A third number limits the size of files, as a full disk would.
"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
from pathlib import Path

from breeze.contracts.errors import RunnerError
from breeze.contracts.model_files import Installed
from breeze.models import ModelStore, StoreSettings
from tests.house.source import ROOT


def begin(root: Path, endpoint: str, reference: str, limit: int = 0) -> subprocess.Popen[str]:
    """Start one; its output is for reading."""
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    return subprocess.Popen(
        [sys.executable, "-m", "tests.models.process", root, endpoint, reference, str(limit)],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": paths}, cwd=ROOT,
    )  # fmt: skip


async def _main(root: str, endpoint: str, reference: str, limit: str) -> None:
    if int(limit):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    settings = StoreSettings(endpoint, reserve=0, private_networks=True, timeout=10.0)
    async with ModelStore(Path(root), settings=settings) as store:
        try:
            async for event in store.pull(reference):
                if isinstance(event, Installed):
                    print("installed", event.id, flush=True)
                else:
                    print(event.stage, event.done, event.total, flush=True)
        except RunnerError as error:
            print("error", error.detail, error.message, flush=True)


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
