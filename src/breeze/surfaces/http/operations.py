"""What each route takes and gives, for its description in OpenAPI. One without is a fault."""

from __future__ import annotations

from typing import Any

import msgspec

from breeze.contracts.dialects.openai_completion_json import CompletionBody
from breeze.contracts.dialects.openai_embedding_json import EmbeddingBody
from breeze.contracts.dialects.openai_form import TranscriptionForm, TranslationForm
from breeze.contracts.dialects.openai_image_json import ImageBody
from breeze.contracts.dialects.openai_json import Body
from breeze.contracts.dialects.openai_moderation_json import ModerationBody
from breeze.contracts.dialects.openai_speech import SpeechJson
from breeze.contracts.dialects.rerank_json import RerankBody
from breeze.contracts.events import AnyEvent
from breeze.contracts.requests import AnyRequest
from breeze.contracts.runner import ModelInfo
from breeze.contracts.service import Decision, LiveRequest, RunnerStatus, Upload
from breeze.contracts.shelf import ModelNamed, PullStatus, PullWanted, Shelf
from breeze.service.settings_change import SettingsPatch
from breeze.service.settings_view import SettingsView

JSON, SSE, NDJSON, TEXT = (
    "application/json",
    "text/event-stream",
    "application/x-ndjson",
    "text/plain",
)
FORM, BYTES = "multipart/form-data", "application/octet-stream"
AUDIO = ("audio/wav", "audio/mpeg", "audio/ogg", "audio/aac", "audio/flac", "audio/pcm")


class Operation(msgspec.Struct, frozen=True):
    """`takes`: content type to the type of a body, None for bytes. `gives`: the same of the answer.

    A `dict` is any JSON object; `{"name": type}` is an object with that one field. `file`: the
    form's field that holds a file. `query` and `headers`: names of parameters and what they mean.
    """

    gives: dict[str, Any]
    takes: dict[str, Any] = {}
    status: int = 200
    file: str = ""
    query: dict[str, str] = {}
    headers: dict[str, str] = {}


_EVENTS = {SSE: AnyEvent, NDJSON: AnyEvent}
_RESUME = {"x-breeze-resume": "seconds (1-300) for which the work goes on without its connection"}
ANY = Operation({JSON: dict})
"""Some JSON object."""
_SPOKEN = {JSON: dict, TEXT: None, SSE: dict}
OPERATIONS: dict[tuple[str, str], Operation] = {
    ("GET", "/health"): ANY,
    ("GET", "/healthz"): ANY,
    ("GET", "/livez"): ANY,
    ("GET", "/ready"): ANY,
    ("GET", "/readyz"): ANY,
    ("GET", "/metrics"): Operation({TEXT: None}),
    ("GET", "/openapi.json"): ANY,
    ("POST", "/v1/chat/completions"): Operation({JSON: dict, SSE: dict}, {JSON: Body}),
    ("POST", "/v1/completions"): Operation({JSON: dict, SSE: dict}, {JSON: CompletionBody}),
    ("POST", "/v1/embeddings"): Operation({JSON: dict}, {JSON: EmbeddingBody}),
    ("POST", "/v1/rerank"): Operation({JSON: dict}, {JSON: RerankBody}),
    ("POST", "/v1/images/generations"): Operation({JSON: dict, SSE: dict}, {JSON: ImageBody}),
    ("POST", "/v1/moderations"): Operation({JSON: dict}, {JSON: ModerationBody}),
    ("GET", "/v1/models"): Operation({JSON: dict}),
    ("GET", "/v1/models/{id:path}"): Operation({JSON: dict}),
    ("POST", "/v1/audio/speech"): Operation(
        {**dict.fromkeys(AUDIO), SSE: dict}, {JSON: SpeechJson}
    ),
    ("POST", "/v1/audio/transcriptions"): Operation(
        _SPOKEN, {FORM: TranscriptionForm}, file="file"
    ),
    ("POST", "/v1/audio/translations"): Operation(_SPOKEN, {FORM: TranslationForm}, file="file"),
    ("POST", "/v2/stream/{capability}"): Operation(_EVENTS, {JSON: AnyRequest}, headers=_RESUME),
    ("GET", "/v2/requests"): Operation({JSON: {"requests": list[LiveRequest]}}),
    ("DELETE", "/v2/requests/{id}"): Operation({JSON: dict}),
    ("GET", "/v2/requests/{id}/events"): Operation(
        _EVENTS, query={"after": "number of the last event that was read"}
    ),
    ("GET", "/v2/router/schema.json"): ANY,
    ("GET", "/v2/router/asyncapi.json"): ANY,
    ("GET", "/v2/runners"): Operation({JSON: {"runners": list[RunnerStatus]}}),
    ("GET", "/v2/models"): Operation({JSON: {"models": dict[str, list[ModelInfo]]}}),
    ("GET", "/v2/models/store"): Operation({JSON: Shelf}),
    ("POST", "/v2/models/pull"): Operation(_EVENTS, {JSON: PullWanted}),
    ("POST", "/v2/models/pause"): Operation({JSON: PullStatus}, {JSON: ModelNamed}),
    ("POST", "/v2/models/resume"): Operation({JSON: PullStatus}, {JSON: ModelNamed}),
    ("POST", "/v2/models/cancel"): Operation({JSON: dict}, {JSON: ModelNamed}),
    ("DELETE", "/v2/models/{id:path}"): Operation({JSON: dict}),
    ("POST", "/v2/explain"): Operation({JSON: Decision}, {JSON: AnyRequest}),
    ("GET", "/v2/settings"): Operation({JSON: SettingsView}),
    ("PATCH", "/v2/settings"): Operation({JSON: SettingsView}, {JSON: SettingsPatch}),
    ("POST", "/v2/uploads"): Operation(
        {JSON: Upload}, {BYTES: None, FORM: None}, status=201, file="file"
    ),
    ("DELETE", "/v2/uploads/{id}"): Operation({JSON: dict}),
}
"""By method and path of the route."""
