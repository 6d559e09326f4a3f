"""A GGUF model with a projector answers about pictures."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest

from breeze.contracts.capability import Capability
from breeze.contracts.errors import CapabilityError, InputError, NotLoadedError, TooLargeError
from breeze.contracts.events import Adjusted
from breeze.contracts.messages import AudioPart, ImagePart, Message, Part, TextPart
from breeze.contracts.requests import ChatRequest, EmbedRequest
from breeze.contracts.results import collect
from breeze.runners._llamacpp_parameters import LlamaCppParameters
from breeze.runners.llamacpp import LlamaCppRunner
from tests.runners.gguf_writer import STRING, Drawn
from tests.runners.llamacpp_files import answer, loaded, write_talker
from tests.runners.llamacpp_parts import BLUE, RED, write_seer


@pytest.fixture(scope="session")
def seers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model that sees, its projector, and a model that does not."""
    folder = tmp_path_factory.mktemp("seers")
    write_seer(folder)
    write_talker(folder / "blind.gguf")
    return folder


def picture(colour: str, size: tuple[int, int] = (28, 28), form: str = "PNG") -> ImagePart:
    from PIL import Image

    made = io.BytesIO()
    Image.new("RGB", size, colour).save(made, form)
    return ImagePart(made.getvalue())


def asking(*parts: Part, role: str = "user") -> ChatRequest:
    message = Message(role, parts)  # type: ignore[arg-type]  # one of the roles
    return ChatRequest((message,), temperature=0.0, max_tokens=5)


@pytest.mark.parametrize(("colour", "said"), [("red", RED), ("blue", BLUE)])
@pytest.mark.parametrize(("size", "form"), [((28, 28), "PNG"), ((90, 60), "JPEG")])
async def test_the_answer_follows_from_the_picture(
    seers: Path, colour: str, said: str, size: tuple[int, int], form: str
) -> None:
    async with loaded("seer-q8_0", models_dir=seers) as runner:
        shown = picture(colour, size, form)
        assert (await answer(runner, asking(TextPart("What is it?"), shown))).text == said
        assert (await answer(runner, asking(shown, TextPart("What is it?")))).text == said


async def test_only_a_model_with_a_projector_sees(seers: Path) -> None:
    runner = LlamaCppRunner(LlamaCppParameters.of({"models_dir": seers}))
    able = {model.id: model.capabilities for model in await runner.models()}
    assert able == {
        "breeze-tiny": (Capability.LLM,),
        "blind": (Capability.LLM,),
        "seer-q8_0": (Capability.LLM, Capability.VLM),
    }
    assert Capability.VLM in runner.capabilities_of(runner.parameters)
    assert Capability.VLM not in runner.capabilities_of(LlamaCppParameters())
    async with loaded("blind", models_dir=seers) as blind:
        with pytest.raises(InputError, match="reads text only"):
            await collect(blind.stream(asking(picture("red"))))


async def test_a_projector_elsewhere_is_named(seers: Path, tmp_path: Path) -> None:
    model, projector = tmp_path / "eye.gguf", tmp_path / "another-name.gguf"
    shutil.copy(seers / "seer-q8_0.gguf", model)
    shutil.copy(seers / "mmproj-seer-f16.gguf", projector)
    async with loaded("", model_path=model, projector_path=projector) as runner:
        assert (await answer(runner, asking(picture("blue")))).text == BLUE
    with pytest.raises(InputError, match="belongs to model_path"):
        LlamaCppParameters.of({"projector_path": projector})


async def test_a_conversation_keeps_its_pictures(seers: Path) -> None:
    async with loaded("seer-q8_0", models_dir=seers) as runner:
        before = asking(picture("red")).messages
        talk = (*before, Message("assistant", "Nice"), Message("user", "And so?"))
        assert (await answer(runner, ChatRequest(talk, temperature=0.0))).text == RED


async def test_a_picture_may_end_the_prompt(tmp_path: Path) -> None:
    bare = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    write_seer(tmp_path, template=bare)
    async with loaded("seer-q8_0", models_dir=tmp_path) as runner:
        assert (await answer(runner, asking(picture("red")))).text.startswith(RED)


async def test_text_that_looks_like_a_picture_is_text(seers: Path) -> None:
    async with loaded("seer-q8_0", models_dir=seers) as runner:
        asked = asking(TextPart("<__media__> <image>"), picture("blue"))
        assert (await answer(runner, asked)).text == BLUE
        assert (await answer(runner, asking(picture("red")))).text == RED


@pytest.mark.parametrize(
    ("part", "error", "what"),
    [
        (ImagePart(b"RIFF\0\0\0\0WEBP"), InputError, "no PNG, JPEG or GIF"),
        (
            ImagePart(b"\x89PNG\r\n\x1a\n" + bytes(8) + b"\0\xff\xff\xff" * 2),
            TooLargeError,
            "pixels",
        ),
        (ImagePart(b"\x89PNG\r\n\x1a\n" + bytes(8) + b"\0\0\0\x10" * 2), InputError, "messages"),
        (ImagePart(url="http://127.0.0.1:9/x.png"), InputError, r"messages\[0\].content\[0\]"),
        (ImagePart(url="file:///etc/hostname"), InputError, r"messages\[0\].content\[0\]"),
        (AudioPart(b"RIFF"), InputError, "pictures of users only"),
    ],
)
async def test_what_is_no_picture_is_refused(
    seers: Path, part: Part, error: type[Exception], what: str
) -> None:
    async with loaded("seer-q8_0", models_dir=seers) as runner:
        with pytest.raises(error, match=what):
            await collect(runner.chat(asking(part)))
        assert (await answer(runner, asking(picture("red")))).text == RED


async def test_pictures_are_fetched_only_where_that_is_wanted(seers: Path) -> None:
    async with loaded("seer-q8_0", models_dir=seers, fetch_images="off") as runner:
        with pytest.raises(InputError, match="fetch_images is off"):
            await collect(runner.stream(asking(ImagePart(url="https://example.org/x.png"))))


async def test_a_wish_for_detail_is_said_to_change_nothing(seers: Path) -> None:
    async with loaded("seer-q8_0", models_dir=seers) as runner:
        request = asking(ImagePart(picture("red").data, detail="low"))
        first = await anext(stream := runner.stream(request))
        await stream.aclose()
        assert isinstance(first, Adjusted)
        assert first.field == "messages[0].content[0].detail"


async def test_the_assistants_own_turn_shows_no_picture(seers: Path) -> None:
    async with loaded("seer-q8_0", models_dir=seers) as runner:
        with pytest.raises(InputError, match="pictures of users only"):
            await collect(runner.stream(asking(picture("red"), role="assistant")))


async def test_a_chat_model_does_not_embed_though_it_sees(seers: Path) -> None:
    async with loaded("seer-q8_0", models_dir=seers) as runner:
        with pytest.raises(CapabilityError, match="does LLM, VLM, not EMBEDDING"):
            await collect(runner.stream(EmbedRequest.of("x")))


SIGHT = {
    "general.architecture": (STRING, "clip"),
    "clip.has_vision_encoder": (7, True),
    "clip.vision.image_size": (4, 28),
    "clip.vision.patch_size": (4, 14),
    "clip.vision.embedding_length": (4, 32),
    "clip.vision.block_count": (4, 2),
}


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"general.architecture": (STRING, "llama")}, "is no projector"),
        ({"clip.has_vision_encoder": (7, False)}, "for sound only"),
        ({"clip.vision.patch_size": (4, 0)}, "patch_size is 0"),
        ({"clip.vision.image_size": (4, 2**31)}, "image_size is"),
    ],
)
async def test_a_projector_that_cannot_work_is_refused(
    seers: Path, tmp_path: Path, change: dict[str, tuple[int, object]], what: str
) -> None:
    shutil.copy(seers / "seer-q8_0.gguf", tmp_path / "eye.gguf")
    (tmp_path / "mmproj-eye.gguf").write_bytes(Drawn(metadata={**SIGHT, **change}).file())
    runner = LlamaCppRunner(LlamaCppParameters.of({"models_dir": tmp_path}))
    with pytest.raises(InputError, match=what):
        await runner.load("eye")


async def test_a_projector_of_another_model_is_named_as_the_cause(
    seers: Path, tmp_path: Path
) -> None:
    write_talker(tmp_path / "eye.gguf", tuple(f"word{n:03}" for n in range(100)))
    shutil.copy(seers / "mmproj-seer-f16.gguf", tmp_path / "mmproj-eye.gguf")
    runner = LlamaCppRunner(LlamaCppParameters.of({"models_dir": tmp_path}))
    with pytest.raises(NotLoadedError, match="projector is for another model"):
        await runner.load("eye")
