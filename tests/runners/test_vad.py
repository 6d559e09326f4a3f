"""`_vad`: where utterances begin and end in a stream of sound."""

from __future__ import annotations

from pathlib import Path

import pytest

from breeze.runners._audio import decode
from breeze.runners._vad import RATE, Stretch, Utterances

SPOKEN = b"".join(decode(Path(__file__).parents[1] / "audio" / "07.opus", RATE, 60))
SECOND = 2 * RATE


def cut(
    sound: bytes,
    block: int = 3_200,
    *,
    aggressiveness: int = 2,
    silence: float = 0.6,
    padding: float = 0.3,
    longest: float = 30,
) -> list[Stretch]:
    utterances = Utterances(aggressiveness, silence, padding, longest)
    found: list[Stretch] = []
    for at in range(0, len(sound), block):
        found += utterances.feed(sound[at : at + block])
    return [*found, *utterances.finish()]


def spans(stretches: list[Stretch]) -> list[tuple[float, float]]:
    """Begin and end of each utterance in seconds."""
    begins = [s.start for s in stretches if s.opens]
    ends = [s.start + len(s.pcm) / SECOND for s in stretches if s.closes]
    return list(zip(begins, ends, strict=True))


def test_an_utterance_is_found_with_the_padding_before_it() -> None:
    ((begin, end),) = spans(cut(bytes(2 * SECOND) + SPOKEN + bytes(2 * SECOND)))
    ((later, _),) = spans(cut(bytes(2 * SECOND) + SPOKEN + bytes(2 * SECOND), padding=0.0))

    assert 1.7 < begin < 2.3
    assert later - begin == pytest.approx(0.3, abs=0.04)
    assert end == pytest.approx(2 + len(SPOKEN) / SECOND + 0.5, abs=0.4)


def test_a_silence_parts_two_utterances_and_a_longer_limit_joins_them() -> None:
    sound = SPOKEN + bytes(SECOND) + SPOKEN

    assert len(spans(cut(sound))) == 2
    assert len(spans(cut(sound, silence=2.0))) == 1


def test_an_utterance_without_end_is_cut_at_the_longest() -> None:
    found = spans(cut(SPOKEN, longest=1.0, silence=5.0))

    assert len(found) == 3
    assert all(end - begin <= 1.05 for begin, end in found[:-1])


def test_silence_is_no_speech() -> None:
    assert cut(bytes(5 * SECOND)) == []
    assert cut(b"") == []


def test_noise_is_speech_to_the_least_aggressive_only() -> None:
    import random

    chance = random.Random(4)
    hum = b"".join(chance.randrange(-600, 600).to_bytes(2, "little", signed=True)
                   for _ in range(2 * RATE))  # fmt: skip

    found = [len(cut(hum, aggressiveness=level)) for level in (0, 3)]

    assert found[0] > found[1]


@pytest.mark.parametrize("block", [2, 958, 10_000, 200_000])
def test_the_size_of_the_blocks_does_not_matter(block: int) -> None:
    sound = bytes(SECOND) + SPOKEN + bytes(SECOND) + SPOKEN

    assert cut(sound, block) == cut(sound)


def test_a_sound_that_stops_amid_speech_is_closed_with_silence() -> None:
    *_, last = cut(SPOKEN[: len(SPOKEN) // 2])

    assert last.closes
    assert last.pcm.endswith(bytes(SECOND // 5))
    assert len(last.pcm) % 2 == 0
