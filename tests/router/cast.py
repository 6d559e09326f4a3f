"""Runners that follow a script, one for each kind of work, and an engine that knows only them.

What the runner for text does depends on the request's last words:
`wait` waits until it is stopped, `restart` begins again elsewhere, `redact` takes back a word,
`think` shows its reasoning, `fail` fails, `many` sends a hundred pieces; the rest says Hello.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from breeze.config.model import EngineConfig
from breeze.contracts.capability import RunnerKind
from breeze.contracts.errors import BlockedError, UnavailableError
from breeze.contracts.events import (
    AudioChunk,
    Finish,
    ImageReady,
    Progress,
    ReasoningDelta,
    Redacted,
    Restarted,
    TextDelta,
    Transcript,
    Usage,
    Verdict,
)
from breeze.contracts.runner import Runner
from breeze.engine.engine import Engine
from breeze.testing.scripted import Gate, Script, Steps, scripted

HELLO: Steps = [TextDelta("Hel"), TextDelta("lo"), Usage(3, 2), Finish()]
LINES: dict[str, Steps] = {
    "restart": [TextDelta("Wrong"), Restarted("brook", "river", "it failed"), *HELLO],
    "redact": [TextDelta("Hello you"), Redacted(6, 9, "***", "rude"), Finish()],
    "think": [Progress("load", 1, 2), ReasoningDelta("Hm."), *HELLO],
    "fail": [TextDelta("Hel"), UnavailableError("The brook is dry.", retryable=False)],
    "blocked": [BlockedError("This cannot be answered here.")],
    "odd": [TextDelta("a", metadata={"tokens_generated": 1}), TextDelta("b"), Finish("length")],
    "many": [*(TextDelta(f"{i} ") for i in range(100)), Finish()],
}
SOUND = [AudioChunk(b"\1\2", 0, 16_000), AudioChunk(b"\3\4", 1, 16_000), Finish()]
HEARD = [
    Transcript("good mor", segment=0, end=0.5),
    Transcript("good morning", True, 0, 0.0, 1.0, 0.9, "en-US"),
    Transcript("to you", True, 1, 1.0, 1.5, 0.8, "en-US"),
    Finish(),
]
SEEN = [TextDelta("A white "), TextDelta("square."), Finish()]
JUDGED = [Verdict("BLOCKED", 0.9, ("violence",), "BLOCK", "*** him"), Finish()]
DRAWN = [ImageReady(b"\x89PNG", 0, "image/png", 4, 4, seed=7), Finish()]


class Cast:
    """The scripts, to see what became of a request; `gate` is where `wait` waits."""

    def __init__(self) -> None:
        self.gate = Gate()
        self.text = Script(self._line)
        self.other = Script(HELLO)
        self.scripts = {
            "ear": Script(HEARD),
            "eye": Script(SEEN),
            "voice": Script(SOUND),
            "warden": Script(JUDGED),
            "brush": Script(DRAWN),
        }

    def asked(self, who: str = "brook") -> list[Any]:
        """The requests that a runner got, in order."""
        script = self.text if who == "brook" else self.scripts[who]
        return [call.request for call in script.calls]

    def _line(self, request: Any) -> Steps:
        said = request.messages[-1].text
        return [self.gate, *HELLO] if said == "wait" else LINES.get(said, HELLO)

    @property
    def runners(self) -> list[type[Runner[Any]]]:
        made = self.scripts
        return [
            scripted("brook", self.text, default_model="brook-1", concurrency=64, queue=512),
            scripted("mock_river", self.other, kind=RunnerKind.MOCK),
            scripted("ear", made["ear"], "transcribe"),
            scripted("eye", made["eye"], vision=True, default_model="eye-1"),
            scripted("voice", made["voice"], "speak"),
            scripted("warden", made["warden"], "moderate"),
            scripted("brush", made["brush"], "draw"),
        ]


_WHO = {
    "LLM": ("brook",), "VLM": ("eye",), "ASR": ("ear",), "TTS": ("voice",), "GUARDIAN": ("warden",),
    "IMAGE": ("brush",),
}  # fmt: skip


def configuration(**settings: Any) -> EngineConfig:
    """Only the cast is chosen without being named."""
    able = {can: {"runners": {n: {"class": n} for n in who}} for can, who in _WHO.items()}
    return EngineConfig.model_validate({"capabilities": able, **settings})


@asynccontextmanager
async def playing(home: Path, cast: Cast | None = None, **how: Any) -> AsyncIterator[Engine]:
    """An engine with the cast."""
    cast = cast or Cast()
    fixed: dict[str, Any] = {"config": configuration(), "environ": {}, "ledger": False}
    async with Engine.open(home=home, runners=cast.runners, **(fixed | how)) as engine:
        yield engine
