"""`transformers`: chat by PyTorch, with a tiny random Llama that the tests make."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.answers import ChatAnswer
from breeze.contracts.errors import InputError, NotLoadedError
from breeze.contracts.events import Adjusted, Finish, TextDelta
from breeze.contracts.messages import ImagePart, Message, TextPart, Tool
from breeze.contracts.requests import ChatRequest
from breeze.contracts.values import Usage
from breeze.runners.transformers import TransformersParameters, TransformersRunner
from breeze.testing.media import png
from tests.runners.tiny_models import tiny_llama
from tests.runners.vendor import ready
from tests.runners.whole import whole


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp("models") / "llama")


def transformers(model: Path, **parameters: Any) -> TransformersRunner:
    given = {"model_path": model, "temperature": 0, **parameters}
    return TransformersRunner(TransformersParameters.of(given))


def ask(text: str = "hello there", **fields: Any) -> ChatRequest:
    return ChatRequest.of(text, **{"max_tokens": 24, **fields})


def direct(folder: Path, prompt: str, tokens: int) -> str:
    """What the library itself answers."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    words = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    model = AutoModelForCausalLM.from_pretrained(str(folder), local_files_only=True)
    ids = words(prompt, return_tensors="pt", add_special_tokens=False)["input_ids"]
    made = model.generate(ids, max_new_tokens=tokens, do_sample=False, pad_token_id=1)
    return str(words.decode(made[0, ids.shape[1] :], skip_special_tokens=True))


async def test_the_text_is_that_of_the_library_and_comes_token_by_token(llama: Path) -> None:
    async with ready(transformers(llama)) as runner:
        events = [e async for e in runner.stream(ask())]

    pieces = [e.text for e in events if isinstance(e, TextDelta)]
    assert "".join(pieces) == direct(llama, "<|user|>hello there<|assistant|>", 24)
    assert len(pieces) >= 3  # 24 tokens, of which at most 8 come together
    usage, finish = events[-2:]
    assert isinstance(usage, Usage)
    assert usage.completion_tokens == 24
    assert isinstance(finish, Finish)
    assert finish.reason == "length"
    assert finish.metadata is not None
    assert finish.metadata["runtime_backend"] == "CPU"


async def test_closing_stops_the_generation(llama: Path) -> None:
    async with ready(transformers(llama)) as runner:
        events = runner.stream(ask(max_tokens=200))
        await anext(events)
        await events.aclose()
        steps = runner.work.steps

        assert runner.work.active == 0
        assert steps < 150
        assert (await whole(runner, ask(), ChatAnswer)).text


async def test_a_stop_text_ends_the_answer_and_is_not_part_of_it(llama: Path) -> None:
    async with ready(transformers(llama)) as runner:
        full = (await whole(runner, ask(), ChatAnswer)).text
        stop = full[6:9]
        cut = await whole(runner, ask(stop=(stop,)), ChatAnswer)
        events = [e async for e in runner.stream(ask(stop=(stop,)))]

    assert cut.text == full[: full.index(stop)]
    assert isinstance(events[-1], Finish)
    assert events[-1].reason == "stop"


async def test_the_same_seed_gives_the_same_text(llama: Path) -> None:
    async with ready(transformers(llama)) as runner:
        one = [(await whole(runner, ask(temperature=1.5, seed=5), ChatAnswer)).text for _ in "ab"]
        other = (await whole(runner, ask(temperature=1.5, seed=6), ChatAnswer)).text
        both = [e async for e in runner.stream(ask(temperature=1.5, seed=5, n=2))]

    assert one[0] == one[1] != other
    texts = [
        "".join(e.text for e in both if isinstance(e, TextDelta) and e.choice == i) for i in (0, 1)
    ]
    assert texts == [one[0], other]


async def test_a_bias_rules_what_is_said(llama: Path) -> None:
    async with ready(transformers(llama)) as runner:
        banned = json.loads((llama / "tokenizer.json").read_text())["model"]["vocab"]["h"]
        answer = await whole(runner, ask(logit_bias={str(banned): 100.0}, max_tokens=5), ChatAnswer)
        assert answer.text == "hhhhh"
        with pytest.raises(InputError, match=r"logit_bias\.99999"):
            await whole(runner, ask(logit_bias={"99999": 1.0}), ChatAnswer)


async def test_an_assistant_turn_at_the_end_is_continued(llama: Path) -> None:
    turns = (Message("user", "hello"), Message("assistant", "my friend"))
    request = ChatRequest(turns, max_tokens=8)
    async with ready(transformers(llama)) as runner:
        continued = (await whole(runner, request, ChatAnswer)).text
    assert continued == direct(llama, "<|user|>hello\n<|assistant|>my friend", 8)


async def test_the_system_prompt_is_put_before_the_conversation(llama: Path) -> None:
    async with ready(transformers(llama, system_prompt="how are you")) as runner:
        answer = (await whole(runner, ask(max_tokens=8), ChatAnswer)).text
    prompt = "<|system|>how are you\n<|user|>hello there<|assistant|>"
    assert answer == direct(llama, prompt, 8)


async def test_too_long_a_prompt_is_refused_with_both_figures(llama: Path) -> None:
    async with ready(transformers(llama)) as runner:
        with pytest.raises(InputError, match="context is 256") as caught:
            await whole(runner, ask("hello " * 500), ChatAnswer)
        assert caught.value.data["limit"] == 256
        events = [e async for e in runner.stream(ask(max_tokens=1000, stop=("h",)))]
    notes = [e for e in events if isinstance(e, Adjusted)]
    assert [(n.field, n.asked) for n in notes] == [("max_tokens", 1000)]


async def test_tools_and_pictures_are_refused_and_the_rest_is_told(llama: Path) -> None:
    parts = (TextPart("What is this?"), ImagePart(png(8, 8)))
    async with ready(transformers(llama)) as runner:
        with pytest.raises(InputError, match="cannot call tools"):
            await whole(runner, ask(tools=(Tool("weather"),)), ChatAnswer)
        with pytest.raises(InputError, match="reads text only"):
            async for _ in runner.chat(ChatRequest((Message("user", parts),))):
                pass
        request = ask(presence_penalty=0.5, logprobs=True, max_tokens=2)
        events = [e async for e in runner.stream(request)]
    told = {e.field for e in events if isinstance(e, Adjusted)}
    assert told == {"presence_penalty", "logprobs"}


async def test_a_model_without_a_template_continues_a_transcript(tmp_path: Path) -> None:
    folder = tiny_llama(tmp_path / "plain", template=None)
    async with ready(transformers(folder)) as runner:
        answer = (await whole(runner, ask(max_tokens=8), ChatAnswer)).text
    assert answer == direct(folder, "User: hello there\nAssistant:", 8)


async def test_a_template_that_refuses_is_told(tmp_path: Path) -> None:
    refusing = "{{ raise_exception('only users may speak') }}"
    folder = tiny_llama(tmp_path / "strict", template=refusing)
    async with ready(transformers(folder)) as runner:
        with pytest.raises(InputError, match="only users may speak"):
            await whole(runner, ask(), ChatAnswer)


async def test_only_safetensors_are_models_and_no_code_is_run(tmp_path: Path, llama: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    (old / "config.json").write_text((llama / "config.json").read_text())
    (old / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    assert "no model of its kind" in (transformers(old).check() or "")

    own = tiny_llama(tmp_path / "own")
    config = json.loads((own / "config.json").read_text())
    config |= {
        "model_type": "own",
        "auto_map": {"AutoConfig": "own.Own", "AutoModelForCausalLM": "own.Own"},
    }
    (own / "config.json").write_text(json.dumps(config))
    (own / "own.py").write_text("import pathlib; pathlib.Path('ran').touch()")
    with pytest.raises(NotLoadedError, match="cannot be loaded"):
        await transformers(own).load("")
    assert not Path("ran").exists()


async def test_without_a_model_it_says_what_to_pull(tmp_path: Path) -> None:
    runner = TransformersRunner(TransformersParameters())
    runner.home = tmp_path
    assert "breeze pull" in (runner.check() or "")
    assert await runner.models() == ()
