"""Whatever runners do: one end, no half answer that looks whole, no two probes, nothing left."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from breeze.contracts.answers import ChatAnswer
from breeze.contracts.errors import (
    AuthenticationError,
    InputError,
    QuotaError,
    RateLimitError,
    RunnerError,
    UnavailableError,
)
from breeze.contracts.events import (
    ALIVE,
    Adjusted,
    Finish,
    Progress,
    ReasoningDelta,
    Restarted,
    TextDelta,
    Usage,
)
from breeze.contracts.fields import text
from breeze.contracts.parameters import Parameters
from breeze.contracts.request import new_id
from breeze.contracts.requests import ChatRequest
from breeze.engine.engine import Engine
from breeze.engine.stream import EventStream
from breeze.testing.clock import ManualClock, settle
from breeze.testing.scripted import Call, Gate, Script, Step, scripted

T = TypeVar("T")
TEXTS = {"a": "abcdefgh", "b": "ABCDEFGH", "c": "abcdefgh"}
"""What each of them says in the end: two the same."""
ERRORS: dict[str, BaseException] = {
    "down": UnavailableError("down"),
    "slow down": RateLimitError("slow down", retry_after=3),
    "come tomorrow": RateLimitError("come tomorrow", retry_after=86_400),
    "key": AuthenticationError("key"),
    "quota": QuotaError("quota"),
    "wrong": InputError("wrong", field="x"),
    "fault": ValueError("fault"),
}
MOODS = [
    "fine",
    "dead",
    "cut",
    "mute",
    "reasoning",
    "noisy",
    *ERRORS,
    *(f"half, {e}" for e in ERRORS),
]
MODES = ["stop", "restart", "continue"]


class Able(Parameters):
    """Goes on with an assistant's turn."""

    prefill: str = text("yes", "How it goes on with a text")


class Failover(RuleBasedStateMachine):
    """Three runners whose mood changes, requests at any time, and a clock moved by hand."""

    @initialize(mode=st.sampled_from(MODES), attempts=st.integers(1, 3), able=st.booleans())
    def begin(self, mode: str, attempts: int, able: bool) -> None:
        self.loop = asyncio.new_event_loop()
        self.clock = ManualClock()
        self.stack = AsyncExitStack()
        self.moods = dict.fromkeys(TEXTS, "fine")
        self.probes: dict[str, list[Call]] = {}
        self.scripts = {name: Script(self.line(name)) for name in TEXTS}
        self.most = 0
        self.asked: list[tuple[asyncio.Task[Any], EventStream[Any], list[Any]]] = []
        self.mode = mode
        self.run(self.open(mode, attempts, able=able))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    async def open(self, mode: str, attempts: int, *, able: bool) -> None:
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        limits = {"afterOutput": mode, "attempts": attempts, "deadlineMs": 100_000}
        config = {
            "version": "2.0",
            "globalSettings": {"failover": limits, "circuit": {"failures": 2}},
            "capabilities": {
                "LLM": {"runners": {n: {"class": n, "priority": i} for i, n in enumerate(TEXTS)}}
            },
        }
        (folder / "config.json").write_text(json.dumps(config))
        kind = Able if able else Parameters
        kinds = [scripted(n, s, parameters=kind, concurrency=99) for n, s in self.scripts.items()]
        how: dict[str, Any] = {"clock": self.clock, "environ": {}, "ledger": False}
        self.engine = await self.stack.enter_async_context(
            Engine.open(home=folder, config=folder / "config.json", runners=kinds, **how)
        )

    def line(self, name: str) -> Any:
        """What a call of `name` does, as its mood is when it is called."""

        def steps(request: ChatRequest) -> list[Step]:
            begun, rest = "", TEXTS[name]
            if request.messages[-1].role == "assistant":
                begun = request.messages[-1].text
                rest = rest[len(begun) :]
            return self.steps(name, self.moods[name], rest)

        return steps

    def steps(self, name: str, mood: str, rest: str) -> list[Step]:
        if any(s.name == name and s.circuit != "closed" for s in self.engine.runners()):
            self.note_probe(name)
        pieces: list[Step] = [TextDelta(piece) for piece in (rest[:1], rest[1:3], rest[3:])]
        if mood in ERRORS:
            return [ERRORS[mood]]
        if mood.startswith("half, "):
            return [*pieces[:2], ERRORS[mood.removeprefix("half, ")]]
        more: dict[str, list[Step]] = {
            "dead": [Gate()],
            "mute": [*pieces[:2], ALIVE, Gate()],
            "cut": pieces[:2],
            "reasoning": [ReasoningDelta("hm"), *pieces, Usage(1), Finish()],
            "noisy": [Adjusted("x", 1, 2, "y"), Progress("p"), ALIVE, *pieces, Usage(2), Finish()],
        }
        return more.get(mood, [*pieces, Usage(3), Finish()])

    def note_probe(self, name: str) -> None:
        """Count who probes `name` and has not heard of it yet."""
        calls = self.probes.setdefault(name, [])
        calls.append(self.scripts[name].calls[-1])
        waiting = [call for call in calls if not call.over.is_set() and not call.sent]
        self.most = max(self.most, len(waiting))

    # what happens -------------------------------------------------------------------------

    @rule(name=st.sampled_from(list(TEXTS)), mood=st.sampled_from(MOODS))
    def change(self, name: str, mood: str) -> None:
        self.moods[name] = mood

    @rule(
        name=st.sampled_from(list(TEXTS)),
        mood=st.sampled_from(["dead", "down", "fine", "half, down"]),
        rests=st.booleans(),
        times=st.integers(0, 3),
    )
    def wear_out(self, name: str, mood: str, rests: bool, times: int) -> None:
        """Open the circuit of one, perhaps let it cool down, change its mood, and ask."""
        self.moods[name] = "down"
        request = ChatRequest.of("Hi", runner=name, strict=True)
        for _ in range(2):
            again = msgspec.structs.replace(request, id=new_id())
            self.run(_ended(self.engine.run(again), self.clock))
        self.moods[name] = mood
        if rests:
            self.wait(30)
        self.ask(times, whole=False)

    @rule(times=st.integers(1, 3), whole=st.booleans())
    def ask(self, times: int, whole: bool) -> None:
        async def begin() -> None:
            for _ in range(times):
                stream = self.engine.stream(ChatRequest.of("Hi", whole=whole))
                came: list[Any] = []
                task = asyncio.ensure_future(self.read(stream, came, whole=whole))
                self.asked.append((task, stream, came))
            await settle()

        self.run(begin())

    async def read(self, stream: EventStream[Any], came: list[Any], *, whole: bool) -> None:
        async with stream:
            if whole:
                came.append(Finish("stop", await stream.result()))
                return
            async for event in stream:
                came.append(event)

    @rule(seconds=st.sampled_from([0.3, 1, 5, 21, 31, 40]))
    def wait(self, seconds: float) -> None:
        self.run(self.clock.advance(seconds))

    @rule(which=st.integers(0, 20), how=st.sampled_from(["task", "request"]))
    def stop(self, which: int, how: str) -> None:
        if self.asked:
            task, stream, _ = self.asked[which % len(self.asked)]
            self.run(self.stopped(task, stream, how))

    async def stopped(self, task: asyncio.Task[Any], stream: EventStream[Any], how: str) -> None:
        if how == "task":
            task.cancel()
        else:
            self.engine.cancel(stream.request_id)
        await settle()
        assert task.done()

    # what always holds --------------------------------------------------------------------

    @invariant()
    def no_two_probes_at_once(self) -> None:
        assert getattr(self, "most", 0) <= 1

    @invariant()
    def every_end_is_sound(self) -> None:
        for task, _, came in getattr(self, "asked", []):
            if task.done():
                self.check(task, came)

    def check(self, task: asyncio.Task[Any], came: list[Any]) -> None:
        ends = [event for event in came if isinstance(event, Finish)]
        if task.cancelled() or task.exception() is not None:
            assert task.cancelled() or isinstance(task.exception(), RunnerError)
            assert not ends
            return
        assert len(ends) == 1
        assert came[-1] is ends[0]
        assert isinstance(ends[0].result, ChatAnswer)
        said = ends[0].result.text
        assert ALIVE not in came
        assert len(said) == len(TEXTS["a"])
        if self.mode != "continue":
            assert said in TEXTS.values()
        if len(came) > 1:
            assert _left(came) == said
            assert sum(isinstance(e, Usage) for e in _since(came)) == 1

    def teardown(self) -> None:
        if hasattr(self, "engine"):
            self.run(self.end())
            self.loop.close()

    async def end(self) -> None:
        for _ in range(12):
            await self.clock.advance(10)
        assert all(task.done() for task, _, _ in self.asked)
        assert self.engine.live == ()
        self.every_end_is_sound()
        await self.stack.aclose()
        assert self.clock.pending == 0


async def _ended(work: Coroutine[Any, Any, Any], clock: ManualClock) -> None:
    task = asyncio.ensure_future(work)
    while not task.done():
        await clock.advance(1)
    await asyncio.gather(task, return_exceptions=True)


def _since(events: list[Any]) -> list[Any]:
    places = [place for place, event in enumerate(events) if isinstance(event, Restarted)]
    return events[places[-1] + 1 :] if places else events


def _left(events: list[Any]) -> str:
    return "".join(event.text for event in _since(events) if isinstance(event, TextDelta))


TestFailover = Failover.TestCase
TestFailover.settings = settings(
    max_examples=40,
    stateful_step_count=20,
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
