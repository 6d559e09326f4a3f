"""POST /v1/audio/transcriptions and /v1/audio/translations."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec

from breeze.contracts.answers import Adjustment, Transcription
from breeze.contracts.dialects import openai_transcript as dialect
from breeze.contracts.dialects.openai_answer import ours_json
from breeze.contracts.dialects.openai_form import (
    TranslationForm,
    transcription_form,
    translation_form,
)
from breeze.contracts.dialects.openai_reading import in_their_words
from breeze.contracts.errors import CapabilityError, InputError, RunnerError
from breeze.contracts.events import AnyEvent, Finish, Restarted, Transcript
from breeze.contracts.requests import TranscribeRequest
from breeze.contracts.results import cut
from breeze.engine.stream import EventStream
from breeze.service.references import PREFIX
from breeze.surfaces.http.call import Call
from breeze.surfaces.http.form import MIB, Form
from breeze.surfaces.http.multipart import read_form
from breeze.surfaces.http.openai._audio import (
    Opening,
    facts_of,
    named,
    opened,
    withdrawn,
)
from breeze.surfaces.http.openai._sse import event as sse
from breeze.surfaces.http.openai._sse import failed
from breeze.surfaces.http.reply import Answer, Facts, Reply, Stream
from breeze.surfaces.http.routes import Role, Route

FILE_LIMIT = 25 * MIB
"""Bytes of sound at most, as the official service has it."""
_TEXT = b"text/plain; charset=utf-8"
_NAMES = {"audio": "file"}
_REFERENCE = 256
"""Bytes of a `file` that may be the name of one sent to /v2/uploads before."""


async def transcribe(call: Call) -> Answer:
    """What is said in the file, in the language it is said in."""
    sent = await read_form(call, FILE_LIMIT)
    try:
        form = transcription_form(sent.fields)
        request = await _request(call, form, sent)
        if form.stream and form.response_format == "json":
            return await _streamed(call, request, dialect.unheard(form), sent)
        with sent:
            answer, facts = await _heard(call, request)
            return _reply(answer, facts, form, dialect.unheard(form))
    except BaseException:  # also when the client left: no file may stay
        sent.close()
        raise


async def translate(call: Call) -> Answer:
    """What is said in the file, in English. No runner translates, so it must be English."""
    with await read_form(call, FILE_LIMIT) as sent:
        form = translation_form(sent.fields)
        answer, facts = await _heard(call, await _request(call, form, sent))
    language = answer.language.lower()
    if language and language.partition("-")[0] != "en":
        raise CapabilityError(
            f"No runner here translates, and this is {language}: ask /v1/audio/transcriptions "
            "for the text, and a chat model for its translation.",
            field="file",
        )
    heard = "was heard as English" if language else "was taken for English"
    why = f"no runner here translates; the sound {heard}, so this is its transcription"
    answer = msgspec.structs.replace(answer, language="en")
    return _reply(answer, facts, form, (Adjustment("task", "translate", "transcribe", why),))


async def _request(call: Call, form: TranslationForm, sent: Form) -> TranscribeRequest:
    if form.response_format == "diarized_json":
        field = "response_format"
        raise InputError(f"{field}: no runner here tells speakers apart.", field=field)
    file = sent.file
    if file is None or not file.size:
        what = "is missing" if file is None else "is empty"
        raise InputError(f"file {what}: send the sound in a form field of that name.", field="file")
    if file.size <= _REFERENCE and file.data.startswith(PREFIX.encode()):
        name = file.data.decode("utf-8", "replace").strip()
        return await call.resolved(dialect.request_of(form, file=name))
    sound: dict[str, Any] = {"file": file.path} if file.path else {"audio": file.data}
    return dialect.request_of(form, **sound)


async def _heard(call: Call, request: TranscribeRequest) -> tuple[Transcription, Facts]:
    with named(_NAMES):
        answer, facts = await call.run(request)
    assert isinstance(answer, Transcription)
    return answer, facts


def _reply(
    answer: Transcription, facts: Facts, form: TranslationForm, aside: tuple[Adjustment, ...]
) -> Reply:
    adjustments = in_their_words((*aside, *answer.adjustments), _NAMES)
    answer = msgspec.structs.replace(answer, adjustments=adjustments)
    headers = facts_of(facts, adjustments).headers()
    match form.response_format:
        case "text":
            return Reply(f"{answer.text}\n".encode(), _TEXT, headers=headers)
        case "srt":
            return Reply(dialect.srt(answer).encode(), _TEXT, headers=headers)
        case "vtt":
            return Reply(dialect.vtt(answer).encode(), _TEXT, headers=headers)
        case "verbose_json":
            return Reply.json(dialect.verbose_json(answer, form), headers=headers)
    return Reply.json(dialect.answer_json(answer), headers=headers)


async def _streamed(
    call: Call, request: TranscribeRequest, aside: tuple[Adjustment, ...], sent: Form
) -> Stream:
    with named(_NAMES):
        events = call.stream(request)
    opening = await opened(events, Transcript, aside, _NAMES)
    facts = facts_of(Facts.of(events), in_their_words(tuple(opening.adjustments), _NAMES))
    return Stream(_pieces(events, opening, sent), headers=facts.headers())


async def _pieces(events: EventStream[Any], opening: Opening, sent: Form) -> AsyncGenerator[bytes]:
    """The text as it becomes final, then all of it; or an error event and nothing after it."""
    text = ""
    with sent:
        async with aclosing(events):
            try:
                event: AnyEvent = opening.first
                while not isinstance(event, Finish):
                    if isinstance(event, Transcript) and event.is_final and event.text:
                        delta = f" {event.text}" if text else event.text
                        text += delta
                        yield sse({"type": "transcript.text.delta", "delta": delta})
                    elif isinstance(event, Restarted) and text:
                        yield failed(withdrawn(event))
                        return
                    opening.note(event)
                    event = await events.__anext__()
                yield sse(_done(event, text, opening))
            except StopAsyncIteration:
                yield failed(cut(events.route.delivered))
            except RunnerError as error:
                yield failed(error)


def _done(finish: Finish, text: str, opening: Opening) -> dict[str, Any]:
    seconds = finish.result.duration if isinstance(finish.result, Transcription) else 0.0
    return {
        "type": "transcript.text.done",
        "text": text,
        "usage": dialect.usage_json(opening.usage, seconds),
        **ours_json(in_their_words(tuple(opening.adjustments), _NAMES)),
    }


ROUTES = (
    Route(
        "POST",
        "/v1/audio/transcriptions",
        Role.USE,
        transcribe,
        "Write down what is said",
        FILE_LIMIT + MIB,
    ),
    Route(
        "POST",
        "/v1/audio/translations",
        Role.USE,
        translate,
        "Write down in English what is said",
        FILE_LIMIT + MIB,
    ),
)
