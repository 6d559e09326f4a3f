"""The loop: hear a question, judge it, answer it, speak the answer; then read a picture."""

from __future__ import annotations

import asyncio
from importlib.resources import files
from pathlib import Path
from typing import Any

from breeze.config.files import write_atomically
from breeze.config.model import EngineConfig
from breeze.contracts.answers import ChatAnswer, Moderation, Speech, Transcription
from breeze.contracts.errors import BlockedError, ProcessingError
from breeze.contracts.messages import ImagePart, Message, TextPart
from breeze.contracts.request import Request
from breeze.contracts.requests import (
    ChatRequest,
    ModerateRequest,
    SpeakRequest,
    TranscribeRequest,
)
from breeze.engine.engine import Engine
from breeze.surfaces.cli._stop import Stop, interruptible
from breeze.surfaces.cli.demo.hop import Hop, take
from breeze.surfaces.cli.demo.missing import refuse_if_lacking
from breeze.surfaces.cli.demo.picture import SIGN, road_sign
from breeze.surfaces.cli.demo.plot import plot_speech
from breeze.surfaces.cli.demo.report import show_usage, show_who
from breeze.surfaces.cli.demo.stage import Stage

_PATIENCE = 60.0
"""Seconds for each step: a slow machine loads its models in them."""
_LOOK = "What does the sign say?"


async def play(output: Path, config: Path | None) -> None:
    """The whole demo; its files go to the folder `output`. Raises a RunnerError."""
    with interruptible() as stop:
        async with Engine.open(config=config or EngineConfig()) as engine:
            refuse_if_lacking(engine)
            demo = Demo(engine, output, stop)
            demo.stage.headline("breeze demo: every answer below is made on this machine")
            await demo.converse()
            await demo.look()
            await demo.account()


class Demo:
    """The steps of one demo and what came of them."""

    def __init__(self, engine: Engine, output: Path, stop: Stop) -> None:
        self.stage = Stage()
        self._engine = engine
        self._output = output
        self._stop = stop
        self._ids: list[str] = []
        self._hops: list[Hop] = []

    async def converse(self) -> None:
        """From the spoken question to the spoken answer."""
        question = await self._hear()
        await self._judge(question)
        answer = await self._think(question)
        await self._speak(answer)

    async def _hear(self) -> str:
        sound = files(__package__).joinpath("question.wav").read_bytes()
        request = TranscribeRequest(audio=sound, deadline=_PATIENCE)
        heard = await self._step("hear", "a spoken question, question.wav", request)
        assert isinstance(heard, Transcription)
        return _something(heard.text, "hear", "recognised")

    async def _judge(self, question: str) -> None:
        request = ModerateRequest(text=question, deadline=_PATIENCE)
        verdict = await self._step("judge", "is the question safe?", request)
        assert isinstance(verdict, Moderation)
        if verdict.status == "BLOCKED":
            raise BlockedError("The demo's step “judge” failed: the guardian blocked the question.")

    async def _think(self, question: str) -> str:
        request = ChatRequest.of(question, temperature=0.0, max_tokens=120, deadline=_PATIENCE)
        answer = await self._step("think", f"“{question}”", request)
        assert isinstance(answer, ChatAnswer)
        return _something(answer.text, "think", "answered")

    async def _speak(self, text: str) -> None:
        request = SpeakRequest(text, deadline=_PATIENCE)
        speech = await self._step("speak", "the answer", request)
        assert isinstance(speech, Speech)
        self._keep("answer.wav", speech.audio)
        title = f"spoken by {speech.runner}: “{text}”"
        plot = await asyncio.to_thread(plot_speech, speech.audio, speech.words, title)
        self._keep("answer.png", plot)

    async def look(self) -> None:
        """Draw a picture and have it read."""
        picture = await asyncio.to_thread(road_sign)
        parts = (ImagePart(picture, mime="image/png"), TextPart(_LOOK))
        request = ChatRequest((Message("user", parts),), deadline=_PATIENCE)
        answer = await self._step("see", f"picture.png: “{_LOOK}”", request)
        assert isinstance(answer, ChatAnswer)
        self._keep("picture.png", picture)
        if SIGN not in answer.text.upper():
            raise ProcessingError(f"The demo's step “see” failed: {SIGN} was not read.")

    async def account(self) -> None:
        """Who ran and why, how fast, and what the ledger says."""
        self.stage.headline("who ran and why")
        show_who(self._hops)
        self.stage.headline("what the ledger wrote down")
        kept = [await asyncio.to_thread(self._engine.ledger.rows, each) for each in self._ids]
        show_usage([row for rows in kept for row in rows])

    async def _step(self, name: str, matter: str, request: Request[Any]) -> Any:
        self.stage.step(len(self._hops) + 1, name, matter)
        hop = await take(name, self._engine, request, self.stage.show, self._stop)
        self._hops.append(hop)
        self._ids.append(request.id)
        model = f" ({hop.result.model})" if hop.result.model else ""
        times = f"first event {hop.first * 1000:.0f} ms, total {hop.total * 1000:.0f} ms"
        self.stage.aside(f"{hop.result.runner}{model}: {times}")
        return hop.result

    def _keep(self, name: str, data: bytes) -> None:
        path = self._output / name
        write_atomically(path, data)
        self.stage.line(f"→ {path}")


def _something(text: str, step: str, what: str) -> str:
    """`text`, unless it is blank. Raises ProcessingError."""
    if not text.strip():
        raise ProcessingError(f"The demo's step “{step}” failed: nothing was {what}.")
    return text
