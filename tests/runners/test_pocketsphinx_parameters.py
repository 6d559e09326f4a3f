"""What `pocketsphinx` can be told: segments, phrases, grammars, models."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from breeze.contracts.errors import InputError, NotFoundError, NotLoadedError
from breeze.runners._pocketsphinx_parameters import PocketsphinxParameters
from breeze.runners.pocketsphinx import PocketsphinxRunner
from tests.runners.hearing import (
    CHILDREN,
    SAID,
    SECOND,
    heard,
    listening,
    raw,
    spoken,
    transcripts,
)

JSGF = "#JSGF V1.0; grammar g; public <command> = (children | teachers) were <game>;"


GAMES = "<game> = playing (football | chess) in the park;"


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def runner() -> AsyncIterator[PocketsphinxRunner]:
    async with listening() as shared:
        yield shared


async def test_the_parameters_of_segments_have_their_effect(runner: PocketsphinxRunner) -> None:
    async def starts(**params: Any) -> list[float]:
        found = await transcripts(runner, raw(bytes(SECOND) + CHILDREN * 2, params=params))
        return [transcript.start for transcript in found if transcript.is_final]

    assert len(await starts(silence_ms=2_000)) == 1
    assert len(await starts(silence_ms=2_000, longest_segment=2)) == 3
    usual = await heard(runner, CHILDREN, params={"padding_ms": 300})
    bare = await heard(runner, CHILDREN, params={"padding_ms": 0})
    assert usual.segments[0].confidence != bare.segments[0].confidence
    hiss = await heard(runner, bytes(SECOND), params={"aggressiveness": 0})
    assert hiss.text == ""


async def test_phrases_leave_nothing_else_to_be_heard(runner: PocketsphinxRunner) -> None:
    choice = "Children were walking in the park | teachers were sitting in the dark"
    chosen = await heard(runner, CHILDREN, params={"phrases": choice})
    after = await heard(runner, CHILDREN)

    assert chosen.text == "children were walking in the park"
    assert after.text == SAID


async def test_phrases_that_cannot_be_heard_are_refused(runner: PocketsphinxRunner) -> None:
    for phrases, why in (
        ("yes\nblorgle", "not in the dictionary: blorgle"),
        ("yes | ???", "a phrase has no words"),
        ("yes", "two phrases or more"),
    ):
        with pytest.raises(InputError, match=why) as caught:
            await heard(runner, CHILDREN, params={"phrases": phrases})
        assert caught.value.field == "params.phrases"
    assert (await heard(runner, CHILDREN)).text == SAID


async def test_a_grammar_comes_as_text_or_file(tmp_path: Path) -> None:
    file = tmp_path / "park.gram"
    file.write_text(f"{JSGF}\n// games\n{GAMES}")
    for parameters in ({"grammar": f"{JSGF} {GAMES}"}, {"grammar_file": file}):
        async with listening(**parameters) as runner:
            assert (await heard(runner, CHILDREN)).text == SAID
            assert (await heard(runner, CHILDREN, params={"phrases": "yes|no"})).text in "yes no"
            assert (await heard(runner, spoken(6))).text.split()[:1] != ["the"]


@pytest.mark.parametrize(
    ("grammar", "why"),
    [
        ("yes | no", "begin with '#JSGF V1.0;'"),
        ("#JSGF V1.0; grammar g; public <a> = yes | blorgle {tag};", "dictionary: blorgle"),
        ("#JSGF V1.0; grammar g; public <a> = ((yes;", "Failed to parse"),
    ],
)
async def test_a_grammar_that_cannot_be_is_an_error_of_loading(grammar: str, why: str) -> None:
    with pytest.raises(NotLoadedError, match=why):
        async with listening(grammar=grammar):
            pytest.fail("it was loaded")


async def test_a_grammar_is_given_once(tmp_path: Path) -> None:
    (tmp_path / "a.gram").write_text(JSGF)
    with pytest.raises(InputError, match="give either this or grammar"):
        PocketsphinxParameters.of({"grammar": JSGF, "grammar_file": tmp_path / "a.gram"})


async def test_models_can_be_ones_own() -> None:
    from pocketsphinx import get_model_path

    files = {
        "acoustic_model": get_model_path("en-us/en-us"),
        "dictionary": get_model_path("en-us/cmudict-en-us.dict"),
        "language_model": get_model_path("en-us/en-us.lm.bin"),
    }
    async with listening(language="en-GB", **files) as runner:
        answer = await heard(runner, CHILDREN, language="en-GB")
        (model,) = await runner.models()
        with pytest.raises(NotFoundError, match="configured for the model en-gb"):
            await runner.load("en-us")

    assert (answer.text, answer.language, answer.adjustments) == (SAID, "en-GB", ())
    assert (model.id, model.languages) == ("en-gb", ("en-GB",))
    with pytest.raises(InputError, match="de needs its own acoustic_model"):
        PocketsphinxParameters.of({"language": "de"})


async def test_models_that_are_none_are_an_error_of_loading(tmp_path: Path) -> None:
    with pytest.raises(NotLoadedError, match="check acoustic_model"):
        async with listening(acoustic_model=tmp_path):
            pytest.fail("it was loaded")
