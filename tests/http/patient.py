"""A runner that answers when it is told to. The tests install this file as a package."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

from breeze.contracts.capability import Priority, RunnerKind
from breeze.contracts.events import ChatEvent, Finish, TextDelta
from breeze.contracts.parameters import Parameters
from breeze.contracts.requests import ChatRequest
from breeze.contracts.runner import Runner, runner


@runner("patient", vendor="Tests", kind=RunnerKind.LOCAL, priority=Priority.HIGH, concurrency=99)
class PatientRunner(Runner[Parameters]):
    """Says `begun`, waits until the file named in the message is there, says `done`."""

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        sign = Path(request.messages[-1].text)
        sign.with_suffix(".begun").touch()
        yield TextDelta("begun ")
        while not sign.exists():  # noqa: ASYNC110  # a file has no event
            await asyncio.sleep(0.005)
        yield TextDelta("done")
        yield Finish()
