"""Requests whose traces the tests look for, and how they read them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from breeze.config.home import Home
from breeze.config.server import ApiKey
from breeze.contracts.capability import RunnerKind
from breeze.contracts.errors import ProcessingError
from breeze.contracts.events import ChatEvent, Finish, TextDelta, Usage
from breeze.contracts.parameters import Parameters
from breeze.contracts.requests import ChatRequest
from breeze.contracts.runner import Runner, runner
from breeze.service.authentication import Authentication
from breeze.service.keys import KeyFile

Numbers = dict[tuple[str, frozenset[tuple[str, str]]], float]
KEY = "canary-key-0123456789"


def chat(text: str = "Hello", **fields: Any) -> dict[str, Any]:
    return {"model": "mock_llm", "messages": [{"role": "user", "content": text}], **fields}


@runner("halting", vendor="Tests", kind=RunnerKind.LOCAL)
class HaltingRunner(Runner[Parameters]):
    """Uses some tokens and breaks."""

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        yield TextDelta("Half")
        yield Usage(7, 3)
        if request.messages[-1].text == "break":
            raise ProcessingError("The wire broke.", retryable=False)
        yield Finish()


def keys(home: Path) -> Authentication:
    ada = ApiKey(name="ada", key=SecretStr(KEY), role="operate")
    return Authentication(KeyFile(Home(home)), [ada])


async def metrics_of(http: aiohttp.ClientSession, **headers: str) -> Numbers:
    async with http.get("/metrics", headers=headers) as got:
        assert got.status == 200
        assert got.content_type == "text/plain"
        return numbers_in(await got.text())


def numbers_in(text: str) -> Numbers:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def number(found: Numbers, name: str, **labels: str) -> float:
    return found[f"breeze_{name}", frozenset(labels.items())]
