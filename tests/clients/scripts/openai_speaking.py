"""Speaking with the official client."""

import base64
import json
import wave
from pathlib import Path
from typing import Any

from openai import OpenAI

client = OpenAI()
TEXT = "The train to the city leaves at seven in the morning."


def said_as_mp3() -> Any:
    """It is mp3 unless asked otherwise."""
    answer = client.audio.speech.create(model="espeak", voice="alloy", input=TEXT)
    return [answer.response.headers["content-type"], answer.content[:3].hex()]


def said_as_wav() -> Any:
    answer = client.audio.speech.create(
        model="espeak", voice="en-us", input=TEXT, response_format="wav"
    )
    answer.write_to_file("train.wav")
    with wave.open("train.wav") as sound:
        form = [sound.getnchannels(), sound.getsampwidth()]
        rate = sound.getframerate()
    return [*form, (Path("train.wav").stat().st_size - 44) / 2 / rate]


def said_as_samples() -> Any:
    answer = client.audio.speech.create(
        model="espeak", voice="en-us", input=TEXT, response_format="pcm"
    )
    return len(answer.read()) / 48_000


def said_piece_by_piece() -> Any:
    with client.audio.speech.with_streaming_response.create(
        model="espeak", voice="en-us", input=TEXT, response_format="pcm"
    ) as answer:
        seconds = sum(map(len, answer.iter_bytes())) / 48_000
        return {"runner": answer.headers["x-breeze-runner"], "seconds": seconds}


def said_in_events() -> Any:
    with client.audio.speech.with_streaming_response.create(
        model="espeak", voice="en-us", input=TEXT, response_format="pcm", stream_format="sse"
    ) as answer:
        lines = [line for line in answer.iter_lines() if line]
    *sound, done = (json.loads(line.removeprefix("data: ")) for line in lines)
    size = sum(len(base64.b64decode(event["audio"])) for event in sound)
    return {"seconds": size / 48_000, "done": done["type"], "usage": sorted(done["usage"])}
