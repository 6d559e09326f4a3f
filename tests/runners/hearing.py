"""What the tests of `pocketsphinx` share: recordings of a voice, and how to have them heard."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from breeze.contracts.answers import Transcription
from breeze.contracts.events import Transcript
from breeze.contracts.requests import TranscribeRequest
from breeze.contracts.results import collect
from breeze.runners._audio import decode
from breeze.runners._pocketsphinx_parameters import PocketsphinxParameters
from breeze.runners.pocketsphinx import PocketsphinxRunner
from tests.runners.vendor import ready

RECORDINGS = Path(__file__).parents[1] / "audio"
SENTENCES = (RECORDINGS / "sentences.txt").read_text().splitlines()
RATE = 16_000
SECOND = 2 * RATE


def spoken(number: int) -> bytes:
    """PCM of a recording, from 1."""
    return b"".join(decode(RECORDINGS / f"{number:02}.opus", RATE, 60))


CHILDREN = spoken(7)
"""'children were playing football in the park', 2.6 seconds."""
SAID = SENTENCES[6]


def listening(**parameters: Any) -> AbstractAsyncContextManager[PocketsphinxRunner]:
    return ready(PocketsphinxRunner(PocketsphinxParameters.of(parameters)))


async def heard(runner: PocketsphinxRunner, audio: bytes = b"", **fields: Any) -> Transcription:
    """What is heard in PCM, or in another request."""
    if audio:
        fields = {"audio": audio, "sample_rate": RATE, **fields}
    answer = await collect(runner.stream(TranscribeRequest(**fields)), Transcription)
    assert isinstance(answer, Transcription)
    return answer


async def transcripts(runner: PocketsphinxRunner, request: TranscribeRequest) -> list[Transcript]:
    return [e async for e in runner.stream(request) if isinstance(e, Transcript)]


def raw(pcm: bytes, **fields: Any) -> TranscribeRequest:
    return TranscribeRequest(audio=pcm, sample_rate=RATE, **fields)


def errors(reference: str, hypothesis: str) -> int:
    """Words to change, add or leave out to come from one to the other."""
    told, said = reference.split(), hypothesis.split()
    row = list(range(len(said) + 1))
    for i, word in enumerate(told, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(said, 1):
            change = diagonal + (word != other)
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, change)
    return row[-1]
