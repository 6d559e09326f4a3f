"""What the runner sends is what the servers' own clients send for the same calls."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.requests import ChatRequest, EmbedRequest
from breeze.testing.standins import Call
from breeze.testing.standins.llama_stack import LlamaStackStandin
from tests.real.environments import HERE, environment
from tests.runners.stacking import answer, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # the first run installs the clients

QUESTION, TEXT = "What is the dog called?", "The dog is called Bruno."
PROFILES = {"ogx-1.5": "ogx-1.5", "llama-stack-0.7": "0.7", "llama-stack-0.2": "0.2.14"}


@pytest.mark.parametrize("name", PROFILES)
async def test_the_runner_sends_what_the_client_sends(name: str, tmp_path: Path) -> None:
    commands = await asyncio.to_thread(environment, name)
    profile = PROFILES[name]
    theirs = await _theirs(commands, profile)
    ours = await _ours(profile, tmp_path)
    assert [_told(call) for call in ours] == [_told(call) for call in theirs]
    header = "x-ogx-client-version" if profile == "ogx-1.5" else "x-llamastack-client-version"
    versions = {call.headers.get(header) for call in theirs}
    ours_named = {call.headers.get(header) for call in ours}
    assert ours_named == ({LlamaStackStandin(profile=profile).form.version})
    major = {(v or "").rpartition(".")[0] for v in versions} - {""}
    assert major <= {v.rpartition(".")[0] for v in ours_named if v}


async def _theirs(commands: Path, profile: str) -> list[Call]:
    async with LlamaStackStandin.serving(profile=profile, strict=False) as vendor:
        old = vendor.form.old
        model = vendor.form.chat_model
        facts = {
            "model": model, "words": model.replace("parrot", "words"),
            "question": QUESTION, "text": TEXT, "newer": not old,
            "store": {"embedding_model": "words", "embedding_dimension": 8} if old else {},
        }  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            commands / "python", HERE / "calls.py", vendor.url, json.dumps(facts),
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, said = await process.communicate()
        assert process.returncode == 0, said.decode()[-3000:]
        return _relevant(vendor)


async def _ours(profile: str, folder: Path) -> list[Call]:
    (folder / "pets.txt").write_text(TEXT)
    async with LlamaStackStandin.serving(profile=profile) as vendor:
        async with running(vendor) as plain:
            for whole in (True, False):
                await answer(plain, ChatRequest.of(QUESTION, whole=whole))
            async for _ in plain.stream(EmbedRequest.of("a", "sea")):
                pass
        given = {"enable_rag": True, "rag_folder": str(folder), "rag_sources": "pets.txt"}
        async with running(vendor, **given) as runner:
            for whole in (True, False):
                await answer(runner, ChatRequest.of(QUESTION, whole=whole))
        return _relevant(vendor)


def _relevant(vendor: LlamaStackStandin) -> list[Call]:
    """What both do: we also ask a server what it is."""
    return [c for c in vendor.calls if c.method != "GET"]


def _told(call: Call) -> Any:
    """Method, path and body. A store's name is ours to choose, and its id may be its name."""
    if call.form:
        body: Any = sorted((part.name, part.filename, part.text) for part in call.form)
    else:
        body = call.json if call.body else None
    path = [p for p in call.path.split("/") if p]
    if "vector_stores" in path and path[-1] != "vector_stores":
        path[path.index("vector_stores") + 1] = "…"
    if isinstance(body, dict):
        body = {k: v for k, v in body.items() if k != "name"}
        body["tools"] = [{**t, "vector_store_ids": ["…"]} for t in body.get("tools", ())]
        body.setdefault("stream", False)
    return call.method, path, body
