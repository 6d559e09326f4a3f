"""A request for a model that is not here says what to run, or waits until it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.errors import (
    DeadlineError,
    DownloadError,
    NotFoundError,
    RunnerError,
    UnavailableError,
)
from breeze.contracts.events import Finish, Progress, TextDelta
from breeze.contracts.model_files import installed
from breeze.contracts.requests import ChatRequest
from breeze.contracts.runner import ModelInfo, Runner
from breeze.engine.engine import Engine
from breeze.testing.clock import ManualClock, settle
from breeze.testing.scripted import Script, scripted
from breeze.testing.standins.hub import HubStandin
from tests.models.held import HeldHub, supplied_by
from tests.models.hub import safetensors

NAME = "small-model"
ENTRY = (
    '{"models": [{"id": "small-model", "runner": "shelf", "source": "hf:org/name", '
    '"files": [{"fileName": "model.safetensors"}]}]}'
)
FILES = {"model.safetensors": safetensors(400_000)}


def shelf_runner(home: Path) -> type[Runner[Any]]:
    """A runner that serves what is installed below `home`, and says `Hello`."""
    plain = scripted("shelf", Script([TextDelta("Hello"), Finish()]))

    async def models(self: Any) -> tuple[ModelInfo, ...]:
        here = installed(home / "models")
        return tuple(ModelInfo(model.id, self.info.capabilities) for model in here)

    return type("ShelfRunner", (plain,), {"models": models})


@asynccontextmanager
async def opened(home: Path, hub: HubStandin, pull: str, more: str = "") -> AsyncIterator[Engine]:
    """An engine whose catalogue has `small-model`; `more` of the settings of models."""
    hub.add("org/name", FILES)
    home.mkdir()
    (home / "catalogue.json").write_text(ENTRY)
    config = home / "config.json"
    models = f'{{"pull": "{pull}"{more}}}'
    config.write_text(f'{{"version": "2.0", "globalSettings": {{"models": {models}}}}}')
    async with Engine.open(
        home=home, environ={}, runners=[shelf_runner(home)], supplier=supplied_by(hub)
    ) as engine:
        yield engine


def ask(model: str = NAME, **how: Any) -> ChatRequest:
    return ChatRequest.of("Hi", model=model, **how)


@pytest.mark.parametrize("model", [NAME, "hf:org/name"])
async def test_who_names_a_model_that_is_not_here_hears_what_to_run(
    model: str, tmp_path: Path
) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path / "home", hub, "ask") as engine:
        with pytest.raises(NotFoundError, match=f"not on this disk. Run: breeze pull {model}"):
            await engine.run(ask(model))
        assert hub.calls == []


async def test_a_name_that_nobody_knows_stays_unknown(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path / "home", hub, "auto") as engine:
        with pytest.raises(NotFoundError, match="No model is called"):
            await engine.run(ask("smal-modle-x"))
        assert hub.calls == []


@pytest.mark.parametrize("model", [NAME, f"shelf/{NAME}"])
async def test_a_model_is_got_with_progress_and_answers(model: str, tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path / "home", hub, "auto") as engine:
        async with engine.stream(ask(model)) as events:
            seen = [event async for event in events]
        steps = [event for event in seen if isinstance(event, Progress)]
        assert {step.stage for step in steps} >= {"resolve", "pull", "publish"}
        assert steps[-1].total == len(FILES["model.safetensors"])
        assert [e.text for e in seen if isinstance(e, TextDelta)] == ["Hello"]
        asked = len(hub.calls)
        assert (await engine.run(ask(model))).text == "Hello"
        assert len(hub.calls) == asked


async def test_a_whole_answer_waits_too(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path / "home", hub, "auto") as engine:
        answer = await engine.run(ask())
        assert (answer.text, answer.model) == ("Hello", NAME)


async def test_only_the_catalogue_is_got_by_a_request(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path / "home", hub, "auto") as engine:
        with pytest.raises(NotFoundError, match="breeze pull hf:org/name"):
            await engine.run(ask("hf:org/name"))
        assert hub.calls == []


@pytest.mark.parametrize(
    ("more", "kind", "why"),
    [
        (', "offline": true', UnavailableError, "globalSettings.models.offline"),
        (', "quotaGb": 0.0001', DownloadError, r"0\.40 MB are to be .* 0\.10 MB that they may"),
    ],
)
async def test_what_may_not_come_does_not_come_by_a_request(
    more: str, kind: type[RunnerError], why: str, tmp_path: Path
) -> None:
    async with HubStandin.serving() as hub, opened(tmp_path / "h", hub, "auto", more) as engine:
        with pytest.raises(kind, match=why):
            await engine.run(ask())
        assert hub.sent == []
        assert not hub.calls or "quota" in more


async def test_a_download_survives_the_request_that_asked_for_it(tmp_path: Path) -> None:
    async with HeldHub.serving() as hub, opened(tmp_path / "home", hub, "auto") as engine:
        stream = engine.stream(ask())
        assert isinstance(await anext(stream), Progress)
        await asyncio.wait_for(hub.reached.wait(), 10)
        await stream.aclose()
        hub.gate.set()
        assert (await engine.run(ask())).text == "Hello"
        assert sum("model.safetensors" in call.path for call in hub.calls) <= 2


class Slow:
    """Gets a model in four steps, each of which a test lets happen."""

    automatic = True

    def __init__(self) -> None:
        self.steps = asyncio.Semaphore(0)
        self.asked = asyncio.Event()
        self.closed = False

    def known(self, names: Iterable[str]) -> str:
        return NAME if NAME in names else ""

    def hint(self, name: str) -> str:
        return ""

    async def pull(self, name: str) -> AsyncGenerator[Progress]:
        self.asked.set()
        try:
            for done in range(4):
                await self.steps.acquire()
                yield Progress("pull", done, 4)
        finally:
            self.closed = True

    async def close(self) -> None:
        """Nothing goes on."""


@pytest.mark.parametrize("own", [None, 40.0])
async def test_getting_a_model_takes_no_time_of_a_deadline_that_nobody_gave(
    own: float | None, tmp_path: Path
) -> None:
    slow, clock = Slow(), ManualClock()
    plain = scripted("other", Script([TextDelta("Hello"), Finish()]))
    async with Engine.open(
        home=tmp_path, environ={}, runners=[plain], clock=clock, supplier=lambda _: slow
    ) as engine:
        reading = asyncio.create_task(engine.run(ask(deadline=own)))
        await asyncio.wait_for(slow.asked.wait(), 20)
        for _ in range(3):
            await settle()
            await clock.advance(20)
            slow.steps.release()
        await settle()
        await clock.advance(20)
        if own is None:
            slow.steps.release()
        with pytest.raises(DeadlineError if own else NotFoundError):
            await reading
        assert slow.closed


class Brief:
    """Gets a model in no time, but who asks for it hears of that only when a test lets them."""

    automatic = True

    def __init__(self) -> None:
        self.here = False
        self.came, self.told = asyncio.Event(), asyncio.Event()
        self.asked = 0

    def known(self, names: Iterable[str]) -> str:
        return NAME if NAME in names and not self.here else ""

    def hint(self, name: str) -> str:
        return "It is installed, but nobody can serve it now."

    async def pull(self, name: str) -> AsyncGenerator[Progress]:
        yield Progress("publish")
        self.here = True
        self.came.set()
        await self.told.wait()

    async def close(self) -> None:
        """Nothing goes on."""

    def runner(self) -> type[Runner[Any]]:
        """One that serves the model once it is here."""
        plain = scripted("shelf", Script([TextDelta("Hello"), Finish()]), concurrency=100)

        async def models(this: Any) -> tuple[ModelInfo, ...]:
            self.asked += 1
            return (ModelInfo(NAME, this.info.capabilities),) if self.here else ()

        return type("BriefRunner", (plain,), {"models": models})


async def test_all_who_wait_for_a_model_get_it_and_who_serves_it_is_asked_once(
    tmp_path: Path,
) -> None:
    brief, clock = Brief(), ManualClock()
    async with Engine.open(
        home=tmp_path, environ={}, runners=[brief.runner()], clock=clock, supplier=lambda _: brief
    ) as engine:
        reading = [asyncio.create_task(engine.run(ask())) for _ in range(20)]
        await asyncio.wait_for(brief.came.wait(), 20)
        asked = brief.asked
        reading.append(asyncio.create_task(engine.run(ask())))  # it is here, and nobody knows
        for _ in range(20):
            await settle()
        assert not reading[-1].done()
        brief.told.set()
        assert [answer.text for answer in await asyncio.gather(*reading)] == ["Hello"] * 21
        assert brief.asked == asked + 1
