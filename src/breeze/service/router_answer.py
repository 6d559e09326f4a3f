"""From the engine's events to the responses of the contract."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from breeze.contracts.answers import ChatAnswer, Moderation, Pictures, Result, Speech, Transcription
from breeze.contracts.errors import RunnerError
from breeze.contracts.events import (
    AudioChunk,
    Finish,
    ImageFailed,
    ImageReady,
    Progress,
    ReasoningDelta,
    Redacted,
    Restarted,
    TextDelta,
    ToolCallDelta,
    Transcript,
    Verdict,
)
from breeze.contracts.router import API_VERSION, AIResponse, BinaryData, MetadataKey, ResponseState
from breeze.service.router_metadata import failure, text_of, texts, whole

_SOUNDS = {"mp3": "audio/mp3", "opus": "audio/ogg"}
Said = tuple[str, dict[str, str], tuple[BinaryData, ...]]
"""Text, metadata, attachments."""


class Answer:
    """Makes the responses to one request. Clients of version 1 get no attachments."""

    def __init__(self, request_id: str, version: int, engine_request_id: str) -> None:
        self.request_id = request_id
        self.version = version
        self.engine_request_id = engine_request_id
        self._spoke = False
        self._heard = False
        self._started = time.perf_counter()

    def accepted(self) -> AIResponse:
        """The first response: the request is being worked on."""
        return self._say(
            ResponseState.PROCESSING, "", {"engine_request_id": self.engine_request_id}
        )

    def event(self, event: Any) -> AIResponse | None:
        """What an event says to a client that wants to follow; None when that is nothing."""
        if type(event) is TextDelta and not event.metadata:
            self._spoke = True
            return AIResponse(
                request_id=self.request_id,
                text=event.text,
                is_complete=False,
                state=ResponseState.STREAMING,
                api_version=self.version,
            )
        if (tell := _TELL.get(type(event))) is None:
            return None
        text, metadata, attachments = tell(self, event)
        metadata = texts(event.metadata) | metadata
        working = type(event) is Progress and not self._spoke
        self._spoke = self._spoke or not working
        state = ResponseState.PROCESSING if working else ResponseState.STREAMING
        return self._say(state, text, metadata, attachments)

    def completed(self, finish: Finish, more: Mapping[str, Any]) -> AIResponse:
        """The last response: the whole answer."""
        assert finish.result is not None
        result = finish.result
        metadata = whole(result) | texts({"engine_request_id": self.engine_request_id, **more})
        return self._say(ResponseState.COMPLETED, _text(result), metadata, _attachments(result))

    def failed(self, error: RunnerError, more: Mapping[str, Any]) -> AIResponse:
        """The last response of a request that failed or was stopped."""
        metadata = failure(error) | texts({"engine_request_id": self.engine_request_id, **more})
        spent = round((time.perf_counter() - self._started) * 1000, 3)
        metadata[MetadataKey.PROCESSING_TIME_MS] = text_of(spent)
        return self._say(ResponseState.ERROR, "", metadata, error=error.message)

    def _say(
        self,
        state: ResponseState,
        text: str,
        metadata: dict[str, str],
        attachments: tuple[BinaryData, ...] = (),
        error: str | None = None,
    ) -> AIResponse:
        return AIResponse(
            request_id=self.request_id,
            text=text,
            is_complete=state in (ResponseState.COMPLETED, ResponseState.ERROR),
            state=state,
            api_version=self.version,
            binary_attachments=attachments if self.version >= API_VERSION else (),
            metadata=metadata,
            error=error,
        )

    # one event each -----------------------------------------------------------------------

    def _text(self, event: TextDelta) -> Said:
        return event.text, {}, ()

    def _reasoning(self, event: ReasoningDelta) -> Said:
        return "", {"reasoning": event.text}, ()

    def _tool_call(self, event: ToolCallDelta) -> Said:
        call = {"index": event.index, "id": event.id, "name": event.name}
        return "", texts({"tool_call": call | {"arguments": event.arguments}}), ()

    def _transcript(self, event: Transcript) -> Said:
        """Only a closed segment is text to add; what may still change is a hypothesis."""
        place = texts({"segment_index": event.segment, "is_final": event.is_final})
        if not event.is_final:
            return "", place | {"hypothesis": event.text}, ()
        space = " " if self._heard and event.text else ""
        self._heard = self._heard or bool(event.text)
        return space + event.text, place, ()

    def _sound(self, event: AudioChunk) -> Said:
        facts = {"chunk_index": event.index, "sample_rate": event.sample_rate}
        metadata = texts(facts | {"channels": event.channels})
        return "", {}, (BinaryData(sound(event.format), event.data, metadata),)

    def _picture(self, event: ImageReady) -> Said:
        return "", {}, (_image(event),)

    def _no_picture(self, event: ImageFailed) -> Said:
        place = {"image_failed": event.error.message, "error_code": event.error.code}
        return "", texts(place | {"number": event.number}), ()

    def _verdict(self, event: Verdict) -> Said:
        return "", texts({"safety_status": event.status, "risk_score": event.risk}), ()

    def _progress(self, event: Progress) -> Said:
        share = round(100 * event.done / event.total, 1) if event.total else None
        return "", texts({"stage": event.stage, "progress_percent": share}), ()

    def _restarted(self, event: Restarted) -> Said:
        self._heard = False
        return "", texts({"restarted": True, "from": event.from_runner, "to": event.to_runner}), ()

    def _redacted(self, event: Redacted) -> Said:
        place = texts({"redacted": True, "start": event.start, "end": event.end})
        return "", place | {"replacement": event.replacement}, ()


_TELL: Mapping[type, Callable[[Answer, Any], Said]] = {
    TextDelta: Answer._text,
    ReasoningDelta: Answer._reasoning,
    ToolCallDelta: Answer._tool_call,
    Transcript: Answer._transcript,
    AudioChunk: Answer._sound,
    ImageReady: Answer._picture,
    ImageFailed: Answer._no_picture,
    Verdict: Answer._verdict,
    Progress: Answer._progress,
    Restarted: Answer._restarted,
    Redacted: Answer._redacted,
}
"""Usage and adjustments are told with the whole answer."""


def sound(encoding: str) -> str:
    """The content type of an encoding."""
    return _SOUNDS.get(encoding, f"audio/{encoding}")


def _text(result: Result) -> str:
    if isinstance(result, ChatAnswer | Transcription):
        return result.text
    return result.status if isinstance(result, Moderation) else ""


def _attachments(result: Result) -> tuple[BinaryData, ...]:
    if isinstance(result, Speech):
        facts = {"sample_rate": result.sample_rate, "channels": result.channels}
        metadata = texts(facts | {"duration": result.duration})
        return (BinaryData(sound(result.format), result.audio, metadata),)
    if isinstance(result, Pictures):
        return tuple(_image(picture) for picture in result.images)
    return ()


def _image(picture: Any) -> BinaryData:
    facts = {"width": picture.width, "height": picture.height, "seed": picture.seed}
    return BinaryData(picture.mime, picture.data, texts(facts))
