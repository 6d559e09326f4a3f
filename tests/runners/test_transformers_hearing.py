"""`transformers`: speech to text by PyTorch, with tiny random models that the tests make."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.answers import Transcription
from breeze.contracts.capability import Capability
from breeze.contracts.errors import CapabilityError, InputError
from breeze.contracts.events import Adjusted, Finish, Transcript
from breeze.contracts.requests import ChatRequest, TranscribeRequest
from breeze.contracts.values import Usage
from breeze.runners.transformers import TransformersParameters, TransformersRunner
from tests.runners.hearing import CHILDREN, RATE
from tests.runners.tiny_transformers import tiny_moonshine, tiny_speller, tiny_writer
from tests.runners.vendor import ready
from tests.runners.whole import whole

TWICE = CHILDREN + bytes(2 * RATE * 2) + CHILDREN


@pytest.fixture(scope="module")
def speller(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_speller(tmp_path_factory.mktemp("models") / "speller")


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_writer(tmp_path_factory.mktemp("models") / "writer")


def transformers(model: Path, **parameters: Any) -> TransformersRunner:
    return TransformersRunner(TransformersParameters.of({"model_path": model, **parameters}))


def heard(**fields: Any) -> TranscribeRequest:
    return TranscribeRequest(**{"audio": TWICE, "sample_rate": RATE, **fields})


async def events_of(runner: TransformersRunner, request: TranscribeRequest) -> list[Any]:
    return [event async for event in runner.stream(request)]


async def test_a_model_that_writes_tells_its_text_token_by_token(writer: Path) -> None:
    async with ready(transformers(writer)) as runner:
        events = await events_of(runner, heard())

    told = [e for e in events if isinstance(e, Transcript)]
    first = [e for e in told if e.segment == 0]
    assert len(first) > 5
    assert [e.is_final for e in first] == [False] * (len(first) - 1) + [True]
    assert [e.segment for e in told if e.is_final] == [0, 1]
    assert first[-1].start < 0.5
    assert next(e for e in told if e.segment == 1).start > 3
    usage, finish = events[-2:]
    assert isinstance(usage, Usage)
    assert usage.audio_seconds > 5
    assert isinstance(finish, Finish)
    assert finish.metadata is not None
    assert finish.metadata["runtime_backend"] == "CPU"


async def test_the_text_is_that_of_the_library(writer: Path) -> None:
    import numpy
    from transformers import AutoModelForSpeechSeq2Seq, AutoProcessor

    reader = AutoProcessor.from_pretrained(str(writer))
    model = AutoModelForSpeechSeq2Seq.from_pretrained(str(writer))
    async with ready(transformers(writer)) as runner:
        part = (await events_of(runner, heard(audio=CHILDREN)))[-3]
    start, end = (round(seconds * RATE) * 2 for seconds in (part.start, part.end))
    sound = numpy.frombuffer(CHILDREN + bytes(RATE), dtype="<i2")[start // 2 : end // 2]
    given = reader(
        sound.astype(numpy.float32) / 32_768, sampling_rate=RATE, return_tensors="pt",
        return_attention_mask=True,
    )  # fmt: skip
    made = model.generate(**given, language="en", task="transcribe", do_sample=False)
    assert part.text == reader.decode(made[0], skip_special_tokens=True).strip()


async def test_closing_stops_the_writing(writer: Path) -> None:
    async with ready(transformers(writer)) as runner:
        events = runner.stream(heard())
        await anext(events)
        await events.aclose()
        steps = runner.work.steps

        assert runner.work.active == 0
        assert steps < 24
        assert (await whole(runner, heard(audio=CHILDREN), Transcription)).text


async def test_the_language_is_as_asked_or_found_out(writer: Path) -> None:
    async with ready(transformers(writer)) as runner:
        german = await events_of(runner, heard(audio=CHILDREN, language="de-AT"))
        found = await events_of(runner, heard(audio=CHILDREN, language="auto"))
        with pytest.raises(InputError, match="de, en, not fr"):
            await whole(runner, heard(language="fr"), Transcription)
    assert [(e.field, e.used) for e in german if isinstance(e, Adjusted)] == [("language", "de")]
    assert {e.language for e in german if isinstance(e, Transcript) and e.is_final} == {"de"}
    assert {e.language for e in found if isinstance(e, Transcript) and e.is_final} <= {"en", "de"}
    assert found[-1].metadata["language_detected"] in ("en", "de")


async def test_a_prompt_guides_and_is_not_part_of_the_text(writer: Path) -> None:
    async with ready(transformers(writer)) as runner:
        plain = await whole(runner, heard(audio=CHILDREN), Transcription)
        prompted = heard(audio=CHILDREN, prompt="hello there my friend")
        guided = await whole(runner, prompted, Transcription)
    assert guided.text != plain.text
    assert "hello there" not in guided.text


async def test_the_same_seed_hears_the_same(writer: Path) -> None:
    async with ready(transformers(writer)) as runner:
        texts = []
        for seed in (3, 3, 4):
            hot = heard(audio=CHILDREN, temperature=1.0, params={"seed": seed})
            texts.append((await whole(runner, hot, Transcription)).text)
    assert texts[0] == texts[1] != texts[2]


async def test_a_model_without_languages_writes_too(tmp_path: Path) -> None:
    folder = tiny_moonshine(tmp_path / "moonshine")
    async with ready(transformers(folder)) as runner:
        asked = heard(audio=CHILDREN, language="de", prompt="names")
        events = await events_of(runner, asked)
        steps = runner.work.steps
    assert [e.field for e in events if isinstance(e, Adjusted)] == ["language", "prompt"]
    assert steps > 30
    assert [e.text for e in events if isinstance(e, Transcript) and e.is_final] != [""]


async def test_a_model_that_spells_tells_words_with_their_times(speller: Path) -> None:
    async with ready(transformers(speller)) as runner:
        answer = await whole(runner, heard(), Transcription)
        untimed = await whole(runner, heard(timestamps="none"), Transcription)

    assert len(answer.segments) == 2
    for segment in answer.segments:
        assert segment.text == " ".join(word.text for word in segment.words)
        assert segment.confidence is not None
        times = [time for word in segment.words for time in (word.start, word.end)]
        assert times == sorted(times)
        assert {type(time) for time in times} == {float}  # as other processes can be told
        assert segment.start <= times[0]
        assert times[-1] <= segment.end + 0.05
    assert all(not s.words and s.end == 0 for s in untimed.segments)


async def test_a_live_source_is_heard_utterance_by_utterance(speller: Path) -> None:
    sent = 0

    async def talk() -> AsyncIterator[bytes]:
        nonlocal sent
        for at in range(0, len(TWICE), 3_200):
            sent = at
            yield TWICE[at : at + 3_200]

    async with ready(transformers(speller)) as runner:
        events = runner.stream(TranscribeRequest(live=talk(), sample_rate=RATE))
        first = await anext(events)
        assert isinstance(first, Transcript)
        assert first.is_final
        assert sent < len(TWICE) * 0.9
        await events.aclose()
        assert runner.work.active == 0


async def test_what_a_speller_cannot_do_is_told(speller: Path) -> None:
    async with ready(transformers(speller)) as runner:
        asked = heard(language="de", prompt="names", temperature=0.5)
        events = await events_of(runner, asked)
        with pytest.raises(CapabilityError, match="does ASR, not LLM"):
            await whole(runner, ChatRequest.of("hello"), Transcription)
    told = [e.field for e in events if isinstance(e, Adjusted)]
    assert told == ["language", "prompt", "temperature"]


async def test_the_configuration_alone_tells_what_a_folder_does(
    tmp_path: Path, writer: Path
) -> None:
    for name, architecture in (("whisper-llm", "LlamaForCausalLM"), ("llama", "HubertForCTC")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps({"architectures": [architecture]}))
        (folder / "model.safetensors").write_bytes(b"")
    runner = TransformersRunner(TransformersParameters.of({"models_dir": tmp_path}))
    does = {model.id: model.capabilities for model in await runner.models()}
    assert does == {"whisper-llm": (Capability.LLM,), "llama": (Capability.ASR,)}
