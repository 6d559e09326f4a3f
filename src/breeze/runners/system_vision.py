"""`system_vision`: answers about pictures without a language model, offline.

It reads text (RapidOCR), names colours, finds faces, QR codes and barcodes (OpenCV), and says
which of these it used. It does not understand what a picture shows, and says so when asked.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import ClassVar, Literal

from breeze.contracts.capability import RunnerKind
from breeze.contracts.errors import NotFoundError, NotLoadedError
from breeze.contracts.events import ChatEvent
from breeze.contracts.requests import AUTO, ChatRequest
from breeze.contracts.runner import ModelInfo, Runner, runner
from breeze.contracts.threads import Outlet, from_thread
from breeze.runners._memory import loaded
from breeze.runners._vision_look import Tools
from breeze.runners._vision_marks import FaceFinder
from breeze.runners._vision_parameters import SystemVisionParameters as SystemVisionParameters
from breeze.runners._vision_question import understand
from breeze.runners._vision_request import adjustments, asked, fetched, shown, until
from breeze.runners._vision_stop import Stop, Stopped
from breeze.runners._vision_text import LANGUAGES, TextReader
from breeze.runners._vision_viewing import MODEL, Viewing


@runner(
    "system_vision",
    vendor="Breeze",
    kind=RunnerKind.LOCAL,
    default_model=MODEL,
    needs=("rapidocr", "onnxruntime", "cv2", "PIL", "numpy"),
    extra="vision",
    concurrency=2,
    queue=16,
    ram_gb=0.6,
)
class SystemVisionRunner(Runner[SystemVisionParameters]):
    """Answers about pictures from their text, colours, faces and codes, offline.

    There is no language model behind it: to all else it says that it can't tell.
    """

    vision: ClassVar[bool | Literal["only"]] = "only"

    def __init__(self, parameters: SystemVisionParameters) -> None:
        super().__init__(parameters)
        self._tools: Tools | None = None

    async def load(self, model: str) -> None:
        self._known(model)
        if self._tools is None:
            self._tools = await loaded(lambda: _tools(self.parameters.threads))

    async def unload(self) -> None:
        if self._tools is not None:
            self._tools = None
            await asyncio.to_thread(_give_back)

    async def models(self) -> tuple[ModelInfo, ...]:
        about = "Reads text, names colours, counts faces, decodes QR codes and barcodes"
        model = self.info.default_model
        return (ModelInfo(model, self.info.capabilities, about, languages=LANGUAGES),)

    def _known(self, model: str) -> None:
        if model not in ("", AUTO, self.info.default_model):
            raise NotFoundError(
                f"system_vision has no model {model!r}: ask for {self.info.default_model} or auto.",
                field="model",
                runner=self.info.name,
            )

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        """Progress of each step, sentences as soon as their step is done."""
        self._known(request.model)
        p = self.parameters_for(request)
        pictures = await fetched(shown(request, p.max_images), p)
        tools = self._tools
        if tools is None:
            raise NotLoadedError(
                "system_vision is not loaded: call load() before a request.", runner=self.info.name
            )
        for note in adjustments(request):
            yield note

        def produce(outlet: Outlet[ChatEvent]) -> None:
            stop = Stop(lambda: outlet.closed)
            viewing = Viewing(tools, p, stop, understand(asked(request)), self.work)
            try:
                for event in until(viewing.events(pictures), request.stop):
                    if not outlet.send(event):
                        return
            except Stopped:
                return

        with self.work.stream():
            async with aclosing(from_thread(produce)) as events:
                async for event in events:
                    yield event


def _give_back() -> None:
    """Freed memory goes back to the system: the allocator of glibc keeps it otherwise."""
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def _tools(threads: int) -> Tools:
    import cv2

    cv2.setNumThreads(threads)
    return Tools(TextReader(threads), FaceFinder())
