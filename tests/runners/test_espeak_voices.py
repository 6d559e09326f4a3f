"""The voices of `espeak`: by name, by language, with variations."""

from __future__ import annotations

import pytest

from breeze.contracts.errors import InputError, NotFoundError
from tests.runners.speaking import (
    STORY,
    espeak,
    height,
    said,
)


async def test_voices_are_listed_with_their_languages() -> None:
    async with espeak() as runner:
        choices = {choice.key: choice for choice in await runner.voices()}
        (model,) = await runner.models()

    assert choices["de"].label == "German"
    assert "en-us" in choices["en-us"].description
    assert "+f3" in choices
    assert len(model.languages) > 100
    assert set(model.metadata["voices"]) < choices.keys()


@pytest.mark.parametrize(
    ("asked", "used"),
    [
        ("de", "de"),
        ("German", "de"),
        ("EN_US", "en-us"),
        ("gmw/en-US", "en-us"),
        ("en-us+f3", "en-us+f3"),
        ("fr+Alicia", "fr-fr+Alicia"),
        ("+female3", "en-us+f3"),
        ("", "en-us"),
    ],
)
async def test_a_voice_goes_by_language_name_identifier_and_variation(
    asked: str, used: str
) -> None:
    async with espeak() as runner:
        speech = await said(runner, "Hello", voice=asked)

    assert speech.metadata is not None
    assert speech.metadata["voice_used"] == used
    assert speech.adjustments == ()


async def test_voices_and_variations_sound_different() -> None:
    async with espeak() as runner:
        man, woman = [await said(runner, STORY[:64], voice=v) for v in ("en-us", "en-us+f3")]
        german = await said(runner, STORY[:64], voice="de")

    assert height(woman) > 1.2 * height(man)
    assert german.duration != pytest.approx(man.duration, rel=0.02)


@pytest.mark.parametrize(
    ("voice", "near"),
    [("germen", "german"), ("en-uk", "en-us"), ("en+f33", "f3"), ("zzz", "leave")],
)
async def test_an_unknown_voice_is_refused_with_near_ones(voice: str, near: str) -> None:
    async with espeak() as runner:
        with pytest.raises(NotFoundError, match=near) as caught:
            await said(runner, "Hello", voice=voice)

    assert caught.value.field == "voice"


async def test_a_language_picks_the_voice_and_the_usual_voice_where_it_can() -> None:
    async with espeak() as runner:
        used = [(await said(runner, "A", language=tag)).metadata for tag in ("fr", "en", "pt-BR")]

    assert [facts and facts["voice_used"] for facts in used] == ["fr-fr", "en-us", "pt-br"]


async def test_a_regional_language_that_nobody_speaks_is_shortened_aloud() -> None:
    async with espeak() as runner:
        speech = await said(runner, "Grüß Gott", language="de-AT")
        other = await said(runner, "Hello", voice="en-us", language="fr")

    assert [(a.field, a.asked, a.used) for a in speech.adjustments] == [("language", "de-AT", "de")]
    assert [(a.field, a.asked, a.used) for a in other.adjustments] == [("language", "fr", "en-us")]


async def test_an_unknown_language_is_refused() -> None:
    async with espeak() as runner:
        with pytest.raises(InputError, match="No voice speaks") as caught:
            await said(runner, "nuqneH", language="tlh")

    assert caught.value.field == "language"
