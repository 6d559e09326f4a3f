"""A real `breeze serve` with keys, and real clients of it in environments of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from filelock import FileLock

from tests.clients.environments import HERE, environment
from tests.http.process import Room
from tests.runners.hearing import RECORDINGS
from tests.runners.llamacpp_files import models as models
from tests.runners.pictures import encoded, sign

SCRIPTS = HERE / "scripts"
SECRETIVE = ("BREEZE_", "OPENAI_", "LLM_", "LITELLM_", "LANGCHAIN_", "LANGSMITH_", "PYTHON")
"""Variables that begin so would make the clients other than a fresh installation."""


class Service(NamedTuple):
    """A server that is running. `url` ends without a slash; `use` and `operate` are its keys."""

    url: str
    use: str
    operate: str


class Client:
    """A client in its environment, and a folder with a picture and a sound for it to work in."""

    def __init__(self, name: str, service: Service, folder: Path) -> None:
        self.service = service
        self.folder = folder
        self.commands = environment(name)
        furnish(folder)

    def run(self, *arguments: str | Path, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run one of the environment's commands to its end; `text` is its standard input."""
        command, *rest = arguments
        return subprocess.run(
            [self.commands / command, *rest], cwd=self.folder, env=self.environ(), input=text,
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    def environ(self) -> dict[str, str]:
        """Variables as of somebody who has just installed the client."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(SECRETIVE)}
        return kept | {
            "HOME": str(self.folder),
            "NO_PROXY": "127.0.0.1",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # or it asks the internet for prices
            "OPENAI_BASE_URL": f"{self.service.url}/v1",
            "OPENAI_API_KEY": self.service.use,
        }


class Seen:
    """What the examples of some scripts returned, by `script.function`."""

    def __init__(self, outcomes: dict[str, Any]) -> None:
        self._outcomes = outcomes

    def __getitem__(self, name: str) -> Any:
        outcome = self._outcomes[name]
        if "failed" in outcome:
            pytest.fail(f"{name}:\n{outcome['failed']}", pytrace=False)
        return outcome["returned"]


def furnish(folder: Path) -> None:
    """Put `sign.png` and `children.opus` there."""
    (folder / "sign.png").write_bytes(encoded(sign()))
    shutil.copy(RECORDINGS / "07.opus", folder / "children.opus")


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Service]:
    """A server with keys and the runners of this machine."""
    room = Room(tmp_path_factory.mktemp("service"))
    room.breeze("settings", "set", "llamacpp", "models_dir", str(models))
    use, operate = (
        room.breeze("keys", "add", role, "--role", role).stdout.strip()
        for role in ("use", "operate")
    )
    with room.serving() as served:
        yield Service(served.place, use, operate)


@pytest.fixture(scope="session")
def examples(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Seen]:
    """`examples(client, script, …)` runs the scripts once, for all workers of the test run."""
    shared = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):
        shared = shared.parent

    def run(name: str, *scripts: str) -> Seen:
        found = shared / f"examples-{name}.json"
        with FileLock(f"{found}.lock"):
            if not found.exists():
                folder = tmp_path_factory.mktemp(name)
                client = Client(name, request.getfixturevalue("service"), folder)
                done = client.run("python", SCRIPTS / "run.py", "outcomes.json", *scripts)
                assert done.returncode == 0, done.stderr
                (folder / "outcomes.json").replace(found)
        return Seen(json.loads(found.read_text()))

    return run
