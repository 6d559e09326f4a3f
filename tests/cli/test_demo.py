"""`breeze demo`: the whole loop, really, or a clear word on what is missing. Never a mock."""

from __future__ import annotations

import wave
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from breeze.contracts.answers import ChatAnswer
from breeze.contracts.errors import ProcessingError
from breeze.contracts.values import Word
from breeze.contracts.wav import close_wav, wav_header
from breeze.surfaces.cli.demo import plot
from breeze.surfaces.cli.demo.hop import refuse_mock
from breeze.surfaces.cli.demo.picture import SIZE, road_sign
from tests.cli.conftest import Shell

EXTRAS = ("PIL", "matplotlib", "xllamacpp", "pocketsphinx", "espeakng_loader", "rapidocr", "numpy")


@cache
def equipped() -> bool:
    return all(find_spec(name) is not None for name in EXTRAS)


needs_extras = pytest.mark.skipif(not equipped(), reason="needs breeze-engine[demo]")


@pytest.mark.slow
@needs_extras
def test_the_loop_runs_and_shows_who_did_what(breeze: Shell) -> None:
    done = breeze("demo", "--output", "shown")
    assert done.code == 0, done.text + done.err
    shown = {path.name: path for path in (breeze.folder / "shown").iterdir()}
    assert sorted(shown) == ["answer.png", "answer.wav", "picture.png"]
    with wave.open(str(shown["answer.wav"])) as sound:
        assert sound.getnframes() / sound.getframerate() > 1
    assert shown["answer.png"].read_bytes().startswith(b"\x89PNG")
    assert "heard:" in done.text
    assert done.text.index("…") < done.text.index("heard:")  # hypotheses came first
    assert "STOP" in done.text
    assert "first event" in done.text
    assert "mock" not in done.text
    ledger = done.text.partition("what the ledger wrote down")[2]
    assert ledger.count("finished") == 5
    assert "tokens out" in ledger


@needs_extras
def test_it_fails_when_a_mock_takes_part(breeze: Shell) -> None:
    breeze("settings", "select", "ASR", "mock_asr")
    done = breeze("demo", "--output", "shown")
    assert done.code == 5
    assert "“hear” was answered by mock_asr, which is a mock" in done.err


def test_a_mock_is_never_taken_for_an_answer() -> None:
    refuse_mock("think", ChatAnswer(runner="real"))
    with pytest.raises(ProcessingError, match="pretends nothing"):
        refuse_mock("think", ChatAnswer(runner="mock_llm", mock=True))


def test_it_says_what_is_missing_and_what_to_install(breeze: Shell, tmp_path: Path) -> None:
    """As without the extra: the plot's library cannot be found."""
    blind = tmp_path / "blind"
    blind.mkdir()
    (blind / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'matplotlib' else find(name, *a)\n"
    )
    breeze.knows(blind)
    done = breeze("demo", "--output", "shown")
    assert done.code == 5
    assert "matplotlib (plots the sound)" in done.err
    assert "pip install 'breeze-engine[demo]'" in done.err
    assert not (breeze.folder / "shown").exists()


@needs_extras
def test_the_picture_is_one() -> None:
    from io import BytesIO

    from PIL import Image

    image = Image.open(BytesIO(road_sign()))
    assert image.size == SIZE
    assert len(image.getcolors(100_000) or ()) > 4


@needs_extras
def test_the_plot_follows_the_sound() -> None:
    silence, tone = bytes(32_000), b"\x00\x40" * 16_000
    sound = close_wav(wav_header(16_000) + silence + tone)
    times, low, high = plot.envelope(sound)
    assert times[-1] == pytest.approx(2.0)
    assert (high[0], low[0]) == (0, 0)
    assert high[-1] == pytest.approx(0.5)
    drawn = plot.plot_speech(sound, [Word("costs", 1.0, 1.4), Word("$5_$", 1.4, 2.0)], "a $title_")
    assert drawn.startswith(b"\x89PNG")
