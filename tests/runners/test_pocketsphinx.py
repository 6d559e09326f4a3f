"""`pocketsphinx`: speech to text in this process, by the real decoder on recordings of a voice."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from breeze.contracts.answers import Transcription
from breeze.contracts.errors import InputError, NotFoundError, NotLoadedError, TooLargeError
from breeze.contracts.events import Adjusted, Finish, Transcript
from breeze.contracts.requests import TranscribeRequest
from breeze.contracts.results import collect
from breeze.contracts.values import Usage
from breeze.contracts.wav import close_wav, wav_header
from breeze.runners._audio import Resampler, decode
from breeze.runners._audio_encode import encoder
from breeze.runners._pocketsphinx_parameters import PocketsphinxParameters
from breeze.runners.pocketsphinx import PocketsphinxRunner

pytestmark = pytest.mark.asyncio(loop_scope="module")

RECORDINGS = Path(__file__).parents[1] / "audio"
SENTENCES = (RECORDINGS / "sentences.txt").read_text().splitlines()
RATE = 16_000
SECOND = 2 * RATE
JSGF = "#JSGF V1.0; grammar g; public <command> = (children | teachers) were <game>;"
GAMES = "<game> = playing (football | chess) in the park;"


def spoken(number: int) -> bytes:
    """PCM of a recording, from 1."""
    return b"".join(decode(RECORDINGS / f"{number:02}.opus", RATE, 60))


CHILDREN = spoken(7)
"""'children were playing football in the park', 2.6 seconds."""
SAID = SENTENCES[6]


@asynccontextmanager
async def listening(**parameters: Any) -> AsyncIterator[PocketsphinxRunner]:
    runner = PocketsphinxRunner(PocketsphinxParameters.of(parameters))
    await runner.load("")
    try:
        yield runner
    finally:
        await runner.unload()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def runner() -> AsyncIterator[PocketsphinxRunner]:
    async with listening() as shared:
        yield shared


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


async def test_at_most_three_words_in_twenty_are_wrong(runner: PocketsphinxRunner) -> None:
    wrong = 0
    for number, sentence in enumerate(SENTENCES, 1):
        file = str(RECORDINGS / f"{number:02}.opus")
        wrong += errors(sentence, (await heard(runner, file=file)).text)

    assert wrong / len(" ".join(SENTENCES).split()) <= 0.15


async def test_words_are_heard_while_the_speaker_still_speaks(runner: PocketsphinxRunner) -> None:
    go_on = asyncio.Event()

    async def speaker() -> AsyncIterator[bytes]:
        yield CHILDREN[:SECOND]
        await go_on.wait()  # nothing more comes until a transcript has come out
        yield CHILDREN[SECOND:]

    found = []
    async with asyncio.timeout(30):
        async for event in runner.stream(TranscribeRequest(live=speaker(), sample_rate=RATE)):
            found.append(event)
            go_on.set()

    first, last = found[0], found[-3]
    assert isinstance(first, Transcript)
    assert not first.is_final
    assert first.text
    assert first.end <= 1.0
    assert isinstance(last, Transcript)
    assert (last.text, last.is_final) == (SAID, True)


async def test_a_stream_ends_with_usage_and_finish(runner: PocketsphinxRunner) -> None:
    *_, usage, finish = [event async for event in runner.stream(raw(CHILDREN))]

    assert isinstance(usage, Usage)
    assert usage.audio_seconds == pytest.approx(len(CHILDREN) / SECOND, abs=0.001)
    assert isinstance(finish, Finish)
    assert finish.result is None
    assert finish.metadata is not None
    assert finish.metadata["model_name"] == "en-us"
    assert finish.metadata["words_recognized"] == 7


async def test_each_hypothesis_replaces_the_one_before(runner: PocketsphinxRunner) -> None:
    *partials, final = await transcripts(runner, raw(CHILDREN))

    assert len(partials) > 5
    assert len({partial.text for partial in partials}) == len(partials)
    assert all(partial.confidence is None for partial in partials)
    assert final.text == SAID
    assert final.confidence is not None
    assert 0.3 < final.confidence <= 1


async def test_words_have_times_of_the_whole_sound_and_confidence(
    runner: PocketsphinxRunner,
) -> None:
    early = await heard(runner, CHILDREN)
    late = await heard(runner, bytes(2 * SECOND) + CHILDREN)

    assert [word.text for word in early.words] == SAID.split()
    for word, again in zip(early.words, late.words, strict=True):
        assert 0 <= word.start < word.end <= len(CHILDREN) / SECOND
        assert again.start == pytest.approx(word.start + 2, abs=0.15)
        assert word.confidence is not None
        assert 0 <= word.confidence <= 1
    assert early.segments[0].start == early.words[0].start
    assert early.segments[0].end == early.words[-1].end


async def test_a_silence_closes_a_segment(runner: PocketsphinxRunner) -> None:
    pause = bytes(SECOND)
    answer = await heard(runner, CHILDREN + pause + spoken(6))
    joined = await heard(runner, CHILDREN + pause + spoken(6), params={"silence_ms": 2_000})

    assert [segment.text for segment in answer.segments] == [SAID, SENTENCES[5]]
    assert answer.segments[1].start > len(CHILDREN) / SECOND
    assert len(joined.segments) == 1


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


@pytest.mark.parametrize("sound", [bytes(2), bytes(3 * SECOND), b"\x01\x00" * 500])
async def test_silence_is_an_empty_text_and_a_proper_end(
    runner: PocketsphinxRunner, sound: bytes
) -> None:
    answer = await heard(runner, sound)

    assert answer.text == ""
    assert answer.segments == ()
    assert answer.finish_reason == "stop"
    assert answer.usage == Usage(audio_seconds=round(len(sound) / SECOND, 3))


async def test_a_click_is_no_word(runner: PocketsphinxRunner) -> None:
    click = bytes(SECOND) + b"\xff\x7f" * 40 + bytes(SECOND)

    assert (await heard(runner, click)).text == ""


async def test_telephone_sound_is_understood(runner: PocketsphinxRunner) -> None:
    narrow = Resampler(RATE, 8_000)
    sound = close_wav(wav_header(8_000) + narrow.feed(CHILDREN) + narrow.finish())

    assert errors(SAID, (await heard(runner, audio=sound, sample_rate=None)).text) <= 2


@pytest.mark.parametrize("form", ["wav", "mp3", "opus", "aac", "flac"])
async def test_any_encoding_is_understood(runner: PocketsphinxRunner, form: str) -> None:
    packed = encoder(form, RATE, None, 64)
    sound = packed.feed(CHILDREN) + packed.finish()

    assert errors(SAID, (await heard(runner, audio=sound, sample_rate=None)).text) <= 1


async def test_samples_are_taken_at_the_rate_given(
    runner: PocketsphinxRunner, tmp_path: Path
) -> None:
    wide = Resampler(RATE, 44_100)
    samples = wide.feed(CHILDREN) + wide.finish()
    (tmp_path / "sound.raw").write_bytes(samples)

    told = await heard(runner, samples, sample_rate=44_100)
    filed = await heard(runner, file=str(tmp_path / "sound.raw"), sample_rate=44_100)

    assert told.text == filed.text == SAID
    assert told.usage is not None
    assert told.usage.audio_seconds == pytest.approx(len(CHILDREN) / SECOND, abs=0.01)


async def test_a_missing_file_names_the_field(runner: PocketsphinxRunner, tmp_path: Path) -> None:
    for rate in (None, RATE):
        with pytest.raises(InputError, match="There is no file") as caught:
            await heard(runner, file=str(tmp_path / "none.wav"), sample_rate=rate)
        assert caught.value.field == "file"


async def test_broken_sound_is_refused_with_what_libav_said(runner: PocketsphinxRunner) -> None:
    with pytest.raises(InputError, match="libav: Invalid data") as caught:
        await heard(runner, audio=b"not a sound at all" * 50, sample_rate=None)

    assert caught.value.field == "audio"
    assert (await heard(runner, CHILDREN)).text == SAID


async def test_sound_beyond_the_limit_is_refused_wherever_it_comes_from() -> None:
    async def speaker() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield bytes(SECOND)

    silence = encoder("flac", RATE, None, 64)
    bomb = silence.feed(bytes(SECOND)) + b"".join(silence.feed(bytes(SECOND)) for _ in range(9))
    encoded = {"sample_rate": None}
    async with listening(max_seconds=5) as runner:
        for field, fields in (
            ("audio", {"audio": close_wav(wav_header(RATE) + bytes(6 * SECOND)), **encoded}),
            ("audio", {"audio": bomb + silence.finish(), **encoded}),
            ("audio", {"audio": bytes(6 * SECOND), "sample_rate": RATE}),
            ("live", {"live": speaker(), "sample_rate": RATE}),
        ):
            with pytest.raises(TooLargeError, match="longer than 5 seconds") as caught:
                await heard(runner, **fields)
            assert caught.value.field == field
        assert (await heard(runner, CHILDREN)).text == SAID


async def test_other_english_is_heard_as_the_models_are_and_said_so(
    runner: PocketsphinxRunner,
) -> None:
    for asked, used in (("en-GB", "en-US"), ("auto", "en-US")):
        answer = await heard(runner, CHILDREN[:SECOND], language=asked)
        assert [(a.field, a.asked, a.used) for a in answer.adjustments] == [
            ("language", asked, used)
        ]
        assert answer.language == "en-US"
    for fine in ("en-US", "EN-us", "en", ""):
        assert (await heard(runner, bytes(SECOND), language=fine)).adjustments == ()


async def test_another_language_is_refused(runner: PocketsphinxRunner) -> None:
    with pytest.raises(InputError, match="hears en-US, not de-DE") as caught:
        await heard(runner, CHILDREN, language="de-DE")

    assert caught.value.field == "language"


async def test_prompt_and_temperature_are_not_dropped_silently(runner: PocketsphinxRunner) -> None:
    first, second, *_ = [
        event async for event in runner.stream(raw(CHILDREN, prompt="Names", temperature=0.0))
    ]

    assert isinstance(first, Adjusted)
    assert isinstance(second, Adjusted)
    assert [first.field, second.field] == ["prompt", "temperature"]


async def test_timestamps_are_given_as_asked(runner: PocketsphinxRunner) -> None:
    words = await heard(runner, CHILDREN, timestamps="word")
    segments = await heard(runner, CHILDREN, timestamps="segment")
    none = await heard(runner, CHILDREN, timestamps="none")

    assert len(words.words) == 7
    assert segments.words == none.words == ()
    assert (segments.segments[0].start, segments.segments[0].end) == (
        words.segments[0].start,
        words.segments[0].end,
    )
    assert (none.segments[0].start, none.segments[0].end) == (0, 0)
    assert words.text == segments.text == none.text


async def test_metadata_says_how_far_it_is(runner: PocketsphinxRunner) -> None:
    found = await transcripts(runner, raw(CHILDREN + bytes(SECOND) + CHILDREN))

    facts = [transcript.metadata or {} for transcript in found]
    assert [fact["is_final"] for fact in facts] == [t.is_final for t in found]
    assert [fact["segment_index"] for fact in facts] == [t.segment for t in found]
    done = [fact["audio_duration_processed_ms"] for fact in facts]
    assert done == sorted(done)
    assert facts[-1]["words_recognized"] == 14
    assert 0 < facts[-1]["overall_confidence"] <= 1


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


async def test_streams_at_once_hear_what_each_would_alone(runner: PocketsphinxRunner) -> None:
    sounds = [CHILDREN, spoken(6)[: 2 * SECOND], CHILDREN[: 2 * SECOND]]
    alone = [await heard(runner, sound) for sound in sounds]
    together = await asyncio.gather(*(heard(runner, sound) for sound in sounds))

    assert together == alone


async def test_a_stream_waits_for_a_free_decoder() -> None:
    async with listening(concurrency=1) as runner:
        assert runner.info.concurrency == 1
        first = runner.stream(raw(CHILDREN))
        await anext(first)
        second = asyncio.create_task(heard(runner, CHILDREN))
        rest = [event async for event in first]

        assert isinstance(rest[-1], Finish)
        assert (await second).text == SAID


async def closing_time(stream: AsyncGenerator[Any]) -> float:
    start = time.perf_counter()
    await stream.aclose()
    return time.perf_counter() - start


async def test_closing_stops_at_once_and_leaves_the_decoder_fit(
    runner: PocketsphinxRunner,
) -> None:
    times = []
    for events in (1, 4, 8):
        stream = runner.stream(raw(CHILDREN * 20))
        for _ in range(events):
            await anext(stream)
        assert runner.work.active == 1
        times.append(await closing_time(stream))
        assert runner.work.active == 0

    assert min(times) < 0.1
    assert (await heard(runner, CHILDREN)).text == SAID


async def test_a_cancel_stops_the_work_in_every_phase(runner: PocketsphinxRunner) -> None:
    times = []
    for turns in (0, 1, 3, 10, 100):
        reading = asyncio.create_task(heard(runner, CHILDREN * 20))
        for _ in range(turns):
            await asyncio.sleep(0)
        start = time.perf_counter()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        times.append(time.perf_counter() - start)
        assert runner.work.active == 0

    assert sorted(times)[2] < 0.1
    assert (await heard(runner, CHILDREN)).text == SAID


async def test_a_cancel_while_a_live_source_is_silent_closes_the_source(
    runner: PocketsphinxRunner,
) -> None:
    quiet, closed = asyncio.Event(), asyncio.Event()

    async def speaker() -> AsyncIterator[bytes]:
        try:
            yield CHILDREN[:SECOND]
            quiet.set()
            await asyncio.Event().wait()
        finally:
            closed.set()

    request = TranscribeRequest(live=speaker(), sample_rate=RATE)
    reading = asyncio.create_task(transcripts(runner, request))
    await quiet.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading

    assert closed.is_set()
    assert runner.work.active == 0


async def test_a_live_source_comes_in_any_pieces_and_at_any_rate(
    runner: PocketsphinxRunner,
) -> None:
    async def speaker(sound: bytes, size: int) -> AsyncIterator[bytes]:
        for at in range(0, len(sound), size):
            yield sound[at : at + size]
        yield b""

    wide = Resampler(RATE, 48_000)
    sound = wide.feed(CHILDREN) + wide.finish()
    for size in (961, len(sound)):
        answer = await heard(runner, live=speaker(sound, size), sample_rate=48_000)
        assert answer.text == SAID


async def test_a_live_source_that_fails_is_an_error_of_the_input(
    runner: PocketsphinxRunner,
) -> None:
    async def unplugged() -> AsyncIterator[bytes]:
        yield CHILDREN[:SECOND]
        raise ConnectionResetError("the microphone is gone")

    async def texting() -> AsyncIterator[Any]:
        yield "hello"

    for source, why in ((unplugged(), "the microphone is gone"), (texting(), "must give bytes")):
        with pytest.raises(InputError, match=why) as caught:
            await heard(runner, live=source, sample_rate=RATE)
        assert caught.value.field == "live"


async def test_it_must_be_loaded_and_loads_again() -> None:
    runner = PocketsphinxRunner(PocketsphinxParameters())
    with pytest.raises(NotLoadedError, match="call load first"):
        await heard(runner, CHILDREN)
    for _ in range(2):
        await runner.load("en-us")
        await runner.load("")
        assert (await heard(runner, CHILDREN)).text == SAID
        await runner.unload()
        await runner.unload()
    with pytest.raises(NotFoundError, match="not 'large'") as caught:
        await runner.load("large")
    assert caught.value.field == "model"
    assert runner.check() is None


@pytest.mark.slow
async def test_twenty_loads_leave_memory_as_it_was() -> None:
    sizes = []
    for _ in range(20):
        async with listening() as runner:
            await heard(runner, CHILDREN[:SECOND])
        del runner
        gc.collect()
        sizes.append(int(Path("/proc/self/statm").read_text().split()[1]) * 4_096)

    assert min(sizes[-5:]) - min(sizes[:5]) < 5_000_000
