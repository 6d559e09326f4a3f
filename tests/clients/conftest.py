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

from tests.clients.environments import environment
from tests.clients.scripted import SCRIPTS
from tests.http.process import Room
from tests.runners.hearing import RECORDINGS
from tests.runners.llamacpp_files import TOOLS, write_talker
from tests.runners.pictures import encoded, sign

SECRETIVE = ("BREEZE_", "OPENAI_", "LLM_", "LITELLM_", "LANGCHAIN_", "LANGSMITH_", "PYTHON")
"""Variables that begin so would make the clients other than a fresh installation."""

EMBEDDING = {
    "runners": {name: {"class": "hashing"} for name in ("hashing", "text-embedding-3-small")}
}
"""Clients that know OpenAI's names only are served by an instance of such a name."""


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
        self.environ = environ(service, folder)
        furnish(folder)

    def run(self, *arguments: str | Path, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run one of the environment's commands to its end; `text` is its standard input."""
        command, *rest = arguments
        return subprocess.run(
            [self.commands / command, *rest], cwd=self.folder, env=self.environ, input=text,
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip


class Seen:
    """What the examples of some scripts returned, by `script.function`."""

    def __init__(self, outcomes: dict[str, Any]) -> None:
        self._outcomes = outcomes

    def __getitem__(self, name: str) -> Any:
        outcome = self._outcomes[name]
        if "failed" in outcome:
            pytest.fail(f"{name}:\n{outcome['failed']}", pytrace=False)
        return outcome["returned"]


def environ(service: Service, folder: Path) -> dict[str, str]:
    """Variables as of somebody who has just installed a client."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(SECRETIVE)}
    return kept | {
        "HOME": str(folder),
        "NO_PROXY": "127.0.0.1",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # or it asks the internet for prices
        "OPENAI_BASE_URL": f"{service.url}/v1",
        "OPENAI_API_KEY": service.use,
    }


def furnish(folder: Path) -> None:
    """Put `sign.png` and `children.opus` there."""
    (folder / "sign.png").write_bytes(encoded(sign()))
    shutil.copy(RECORDINGS / "07.opus", folder / "children.opus")


def write_models(folder: Path) -> None:
    """A model that never ends, and one that calls a tool and then talks about it."""
    write_talker(folder / "endless.gguf", ("tick", " tock"), endless=True, context=16_384)
    call = ('<tool_call>\n{"name": "weather", "arguments": ', '{"city": "Oslo"}', "}\n</tool_call>")
    turn = "'<|tool|>' if messages[-1].role == 'tool' else '<|assistant|>'"
    template = turn.join(TOOLS.rsplit("'<|assistant|>'", 1))
    then = ("Take a hat", " with you.")
    write_talker(folder / "caller.gguf", call, context=2048, template=template, then=then)


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A server with keys and the runners of this machine."""
    models = tmp_path_factory.mktemp("gguf")
    write_models(models)
    room = Room(tmp_path_factory.mktemp("service"))
    room.home.mkdir()
    (room.home / "config.json").write_text(json.dumps({"capabilities": {"EMBEDDING": EMBEDDING}}))
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
