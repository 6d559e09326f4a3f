"""Sound whose header lies: decoded or refused, and the process lives."""

from __future__ import annotations

from contextlib import suppress

from breeze.contracts.errors import RunnerError
from breeze.runners._audio import decode
from breeze.testing.media import wav
from tests.models.mutations import mutations

LONGEST = 2.0
"""Seconds that the decoder may give."""


def test_a_thousand_mutated_wav_headers_crash_nothing() -> None:
    refused = 0
    for data in mutations(wav(0.05), 60, 1_000, seed=11):
        size = 0
        with suppress(RunnerError):
            for pcm in decode(data, 16_000, LONGEST):
                size += len(pcm)
        refused += not size
        assert size <= LONGEST * 16_000 * 2 * 1.1
    assert 50 < refused < 1_000
