"""Hearing with the official client."""

from pathlib import Path
from typing import Any

from openai import OpenAI

client = OpenAI()
RECORDING = Path("children.opus")


def heard() -> Any:
    answer = client.audio.transcriptions.create(model="pocketsphinx", file=RECORDING)
    return {"text": answer.text, "request_id": bool(answer._request_id)}


def heard_as_text() -> Any:
    return client.audio.transcriptions.create(
        model="pocketsphinx", file=RECORDING, response_format="text"
    )


def heard_as_srt() -> Any:
    return client.audio.transcriptions.create(
        model="pocketsphinx", file=RECORDING, response_format="srt"
    )


def heard_as_vtt() -> Any:
    return client.audio.transcriptions.create(
        model="pocketsphinx", file=RECORDING, response_format="vtt"
    )


def heard_with_times() -> Any:
    answer = client.audio.transcriptions.create(
        model="pocketsphinx",
        file=RECORDING,
        language="en",
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    words = [word.word for word in answer.words or []]
    return {"words": words, "segments": len(answer.segments or []), "seconds": answer.duration}


def heard_as_it_is_said() -> Any:
    with open(RECORDING, "rb") as file:
        stream = client.audio.transcriptions.create(model="pocketsphinx", file=file, stream=True)
        events = list(stream)
    text = "".join(e.delta for e in events if e.type == "transcript.text.delta")
    last = events[-1]
    assert last.type == "transcript.text.done"
    return {"kinds": [event.type for event in events], "deltas": text, "text": last.text}


def translated() -> Any:
    return client.audio.translations.create(model="pocketsphinx", file=RECORDING).text
