"""`runware`: pictures by the hundred from one account: drawn, enlarged, cut out, described."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

from breeze.contracts.capability import Capability, RunnerKind
from breeze.contracts.events import ChatEvent, DrawEvent, Finish, TextDelta
from breeze.contracts.messages import ImagePart
from breeze.contracts.request import AUTO
from breeze.contracts.requests import ChatRequest, DrawRequest
from breeze.contracts.runner import ModelInfo, runner
from breeze.contracts.values import Usage
from breeze.runners._http_json import finite
from breeze.runners._remote import RemoteRunner
from breeze.runners._runware_api import Api
from breeze.runners._runware_batch import Batch
from breeze.runners._runware_caption import picture_in, question_in, unused
from breeze.runners._runware_delivery import Course
from breeze.runners._runware_files import Shelf
from breeze.runners._runware_gate import Gate
from breeze.runners._runware_notes import Notes, Sent, Spending, account
from breeze.runners._runware_parameters import RunwareParameters
from breeze.runners._runware_shared import Delivery
from breeze.runners._runware_state import State
from breeze.runners._runware_tasks import caption, drawing
from breeze.runners._runware_wishes import MODEL, wrong_model

_MODEL = "runware:100@1"


@runner(
    "runware",
    vendor="Runware",
    kind=RunnerKind.CLOUD,
    needs=("httptools",),
    extra="remote",
    default_model=_MODEL,
    concurrency=256,
    queue=1024,
    automatic=False,  # it costs money: it draws where somebody has set it up, or asks for it
)
class RunwareRunner(RemoteRunner[RunwareParameters]):
    """Pictures by Runware: many prompts at once, upscaling, cut-outs and captions.

    Each prompt becomes a task with an id of its own; what fails is told beside what does not.
    Nothing is paid twice: what was sent is noted, and asked for before it is sent again.
    """

    vision = "only"

    def __init__(self, parameters: RunwareParameters) -> None:
        super().__init__(parameters)
        self._shared: Delivery | None = None
        self._shelf = Shelf(None)

    async def load(self, model: str) -> None:
        if self._shared is not None:
            return
        p = self.parameters
        http = self._http = self._client()
        self._shelf = Shelf(self._folder(p))
        self._shelf.sweep()
        notes = self.home / "runware" if self.home is not None else None
        name = account(p.base_url, p.key)
        self._shared = Delivery(
            Api(http, self._secrets),
            self.clock,
            Gate(self.clock),
            Sent(Notes(notes, f"sent-{name}")),
            Spending(Notes(notes, f"spent-{name}")),
            self.work,
        )

    async def unload(self) -> None:
        self._shared = None
        await super().unload()

    @classmethod
    def wrong_model(cls, model: str) -> str | None:
        return None if MODEL.fullmatch(model) else wrong_model(model)

    async def models(self) -> tuple[ModelInfo, ...]:
        p = self.parameters
        return (
            ModelInfo(_MODEL, (Capability.IMAGE, Capability.VLM), "Draws; the usual model"),
            ModelInfo(p.upscale_model, (Capability.IMAGE,), "Makes pictures larger"),
            ModelInfo(p.background_model, (Capability.IMAGE,), "Removes backgrounds"),
            ModelInfo(p.caption_model, (Capability.VLM,), "Describes pictures"),
        )

    async def reach(self) -> None:
        """Its models are listed without asking the service, so that connecting tells more."""
        async with self._connection() as http:
            await http.reach()

    async def draw(self, request: DrawRequest) -> AsyncGenerator[DrawEvent]:
        shared = self._shared or self._unloaded()
        p = self.parameters_for(request)
        model = _MODEL if request.model in (AUTO, "") else request.model
        job = drawing(request, model, p)
        for note in job.adjusted:
            yield note
        shelf = self._shelf if p.keep else Shelf(None)
        batch = Batch(shared, job, p, shelf, named=bool(request.keys))
        begun = shared.clock.now()
        with self.work.stream():
            try:
                async for event in batch.events():
                    yield event
            finally:
                await batch.close()
        yield Usage(images=batch.made, cost=batch.cost)
        yield Finish(metadata=self._facts(job.model, shared, p, shared.clock.now() - begun))

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        shared = self._shared or self._unloaded()
        p = self.parameters_for(request)
        for note in unused(request, p.caption_model, (AUTO, "", _MODEL)):
            yield note
        item = caption(question_in(request), _sent(picture_in(request)), request.id, p)
        state = State(item)
        found: list[Mapping[str, Any]] = []
        course = Course(
            shared, [state], p, named=False, field="messages",
            seen=lambda _, name, result: found.append({**result, "name": name}),
            told=lambda: None, accepted=lambda: None,
        )  # fmt: skip
        with self.work.stream():
            await course.run()
        if state.error is not None:
            raise state.error
        result = found[0]
        cost = finite(result.get("cost"))
        if cost is not None and cost >= 0:
            shared.spending.add(str(result["name"]), cost)
        yield TextDelta(str(result.get("text") or ""))
        yield Usage(images=1, cost=cost)
        yield Finish(metadata={"model_name": p.caption_model})

    def _folder(self, p: RunwareParameters) -> Path | None:
        """Where pictures are kept, if anywhere is known."""
        if p.folder is not None:
            return p.folder
        return self.home / "media" / "images" if self.home is not None else None

    def _facts(
        self, model: str, shared: Delivery, p: RunwareParameters, seconds: float
    ) -> dict[str, Any]:
        """What is told at the end; of the spending once it is worth a warning."""
        facts: dict[str, Any] = {"model_name": model, "generation_time": seconds}
        spent, limit, share = shared.spending.today, p.daily_limit, p.warn_at
        if limit and spent >= share * limit:
            facts |= {"spent_today": spent, "daily_limit": limit}
        return facts


def _sent(image: ImagePart) -> str:
    """A picture as the server takes it."""
    if image.url:
        return image.url
    return f"data:{image.mime};base64,{base64.b64encode(image.data).decode()}"
