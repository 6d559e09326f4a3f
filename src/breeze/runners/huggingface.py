"""Models that Hugging Face runs: recognition, speech, pictures and embeddings."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from urllib.parse import quote

from breeze.contracts.capability import Capability, RunnerKind
from breeze.contracts.errors import NotFoundError
from breeze.contracts.events import (
    DrawEvent,
    EmbedEvent,
    Finish,
    SpeakEvent,
    TranscribeEvent,
)
from breeze.contracts.request import AUTO
from breeze.contracts.requests import DrawRequest, EmbedRequest, SpeakRequest, TranscribeRequest
from breeze.contracts.runner import ModelInfo, runner
from breeze.contracts.values import Usage
from breeze.runners._http import JSON, HttpClient
from breeze.runners._http_answer import Answer
from breeze.runners._huggingface_errors import raise_if_error, refused
from breeze.runners._huggingface_media import (
    Sound,
    picture,
    picture_body,
    seed_of,
    speech_body,
    unspoken,
)
from breeze.runners._huggingface_parameters import HuggingFaceParameters
from breeze.runners._huggingface_texts import heard, hearing_body, unheard, vectors, vectors_body
from breeze.runners._remote import RemoteRunner
from breeze.runners._whole_sound import heard_first, sound_file

HEARING = "openai/whisper-large-v3"
"""The model for recognition when none is named."""
_MOST = 30 * 1024 * 1024
"""Bytes of sound."""


@runner(
    "huggingface",
    vendor="Hugging Face",
    kind=RunnerKind.CLOUD,
    needs=("httptools",),
    extra="remote",
    concurrency=256,
    queue=1024,
    automatic=False,  # many have the token for downloads: that is no wish to send sound there
)
class HuggingFaceRunner(RemoteRunner[HuggingFaceParameters]):
    """Recognition, speech, pictures and embeddings by models on Hugging Face.

    Models are named `organisation/name`; only recognition has one by default. For chat there is
    the router, which the openai runner speaks to. A model that is still loading is E502.
    """

    async def models(self) -> tuple[ModelInfo, ...]:
        """The one that needs no name; there are too many others to list."""
        return () if self.parameters.dedicated else (ModelInfo(HEARING, (Capability.ASR,)),)

    async def reach(self) -> None:
        """Its models are listed without asking the service, so that connecting tells more."""
        async with self._connection() as http:
            await http.reach()

    async def transcribe(self, request: TranscribeRequest) -> AsyncGenerator[TranscribeEvent]:
        http, p = self._http or self._unloaded(), self.parameters_for(request)
        model = self._model(request.model, HEARING)
        asked = p.timestamps == "always" or (p.timestamps == "auto" and "whisper" in model.lower())
        times = asked and request.timestamps != "none"
        for note in unheard(request, times=times):
            yield note
        with self.work.stream() as work:
            if request.live is not None:
                yield heard_first()
            sound = await sound_file(request, _MOST)
            body, kind = hearing_body(request, sound, times=times)
            answer = await self._ask(http, self._path(model), body, kind, "audio")
            work.steps += 1
            for event in heard(answer.body(), answer.where, sound.seconds, model):
                yield event

    async def speak(self, request: SpeakRequest) -> AsyncGenerator[SpeakEvent]:
        http = self._http or self._unloaded()
        self.parameters_for(request)
        model = self._model(request.model)
        for note in unspoken(request):
            yield note
        with self.work.stream() as work:
            with await http.post(self._path(model), speech_body(request)) as answer:
                if answer.status != 200:
                    raise await refused(answer, self._secrets, "text")
                sound = Sound(request, answer.where)
                async for data in answer:
                    work.steps += 1
                    for event in sound.take(data):
                        yield event
                raise_if_error(sound.waiting, answer, self._secrets, "text")
                for event in sound.end():
                    yield event
            yield Usage(characters=len(request.text))
            yield Finish(metadata={"model_name": model} if model else None)

    async def draw(self, request: DrawRequest) -> AsyncGenerator[DrawEvent]:
        http = self._http or self._unloaded()
        self.parameters_for(request)
        model = self._model(request.model)
        wanted = [(text, n) for text in request.prompts for n in range(request.count)]
        with self.work.stream() as work:
            for index, (prompt, number) in enumerate(wanted):
                seed = seed_of(request, number)
                body = picture_body(request, prompt, seed)
                answer = await self._ask(http, self._path(model), body, JSON, "prompts")
                work.steps += 1
                for event in picture(answer.body(), request, index, seed, answer.where):
                    yield event
            yield Usage(images=len(wanted))
            yield Finish(metadata={"model_name": model} if model else None)

    async def embed(self, request: EmbedRequest) -> AsyncGenerator[EmbedEvent]:
        http = self._http or self._unloaded()
        self.parameters_for(request)
        model = self._model(request.model)
        with self.work.stream() as work:
            path = self._path(model, "/pipeline/feature-extraction")
            answer = await self._ask(http, path, vectors_body(request), JSON, "texts")
            work.steps += 1
            for event in vectors(answer.body(), request, answer.where, model):
                yield event

    async def _ask(self, http: HttpClient, path: str, body: bytes, kind: str, field: str) -> Answer:
        """The whole answer. Raises the error that came instead."""
        answer = await http.post(path, body, kind, whole=True)
        if answer.status != 200:
            raise await refused(answer, self._secrets, field)
        raise_if_error(answer.body(), answer, self._secrets, field)
        return answer

    def _model(self, asked: str, default: str = "") -> str:
        """The model to ask; an endpoint of one's own has but one. Raises NotFoundError."""
        model = "" if asked == AUTO else asked
        if model or self.parameters.dedicated:
            return model
        if default:
            return default
        raise NotFoundError(
            "Which model? Set modelId in config.json, or ask for <instance>/<organisation>/<name>; "
            "https://huggingface.co/models lists them.",
            field="model",
        )

    def _path(self, model: str, task: str = "") -> str:
        if self.parameters.dedicated:
            return "" if self.parameters.target.path else "/"
        if {"", ".", ".."} & set(model.split("/")):  # it would lead to other paths of the server
            raise NotFoundError(
                f"{model!r} is no name of a model: write <organisation>/<name>.", field="model"
            )
        return f"/models/{quote(model, safe='/')}{task}"
