"""Asking a service in one process: a listener that remembers, and the last response."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from breeze.contracts.router import AIResponse, BinaryData, Configuration
from breeze.service.router import RouterService, RouterSession
from breeze.testing.clock import settle
from breeze.testing.media import png
from tests.router.serving import message

IMAGE = BinaryData("image/png", png(2, 2))


class Ear:
    """A listener that remembers; `ended` is set by the last response of a request."""

    def __init__(self) -> None:
        self.heard: list[AIResponse] = []
        self.ended = asyncio.Event()
        self.began = asyncio.Event()

    async def __call__(self, response: AIResponse) -> None:
        self.heard.append(response)
        self.began.set()
        if response.is_complete:
            self.ended.set()

    @property
    def last(self) -> AIResponse:
        return self.heard[-1]


async def listening(service: RouterService, **who: Any) -> tuple[RouterSession, Ear]:
    session, ear = service.open(**who), Ear()
    await session.register_listener(ear)
    return session, ear


def wishes(**fields: Any) -> Configuration:
    return Configuration(api_version=2, **fields)


async def answered(
    service: RouterService,
    configuration: Configuration | None = None,
    *,
    session: RouterSession | None = None,
    **fields: Any,
) -> AIResponse:
    """The last response of a message under a configuration."""
    if session is None:
        session = service.open()
    ear = (await listening(service))[1]
    await session.register_listener(ear)
    if configuration is not None:
        await session.initialize(configuration)
    await session.send_message(message(**fields))
    await ear.ended.wait()
    await settle()
    return ear.last


def adjusted(response: AIResponse) -> dict[str, Any]:
    """The fields that were not used as asked, with what was used."""
    notes = json.loads(response.metadata.get("adjustments", "[]"))
    assert all(note["why"] for note in notes)
    return {note["field"]: note["used"] for note in notes}
