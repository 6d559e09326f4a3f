"""Attachments: known by their bytes, bounded, routed to who can use them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from breeze.contracts.errors import NotFoundError
from breeze.contracts.router import AIResponse, BinaryData
from breeze.engine.engine import Engine
from breeze.service.router import RouterLimits, RouterService
from breeze.service.router_attachments import sniff
from breeze.testing.media import pcm, png, wav
from tests.router.asking import adjusted, answered
from tests.router.cast import Cast
from tests.router.serving import message

PNG, WAV = png(4, 4), wav(0.1)
PICTURE = BinaryData("image/png", PNG)


@pytest.mark.parametrize(
    ("head", "mime"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"GIF87a", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"BM6\0", "image/bmp"),
        (b"II*\0", "image/tiff"),
        (b"MM\0*", "image/tiff"),
        (b"\0\0\0\x1cftypavif", "image/avif"),
        (b"\0\0\0\x18ftypheic", "image/heic"),
        (WAV, "audio/wav"),
        (b"ID3\4", "audio/mpeg"),
        (b"\xff\xfb\x90", "audio/mpeg"),
        (b"\xff\xf1\x50", "audio/aac"),
        (b"fLaC", "audio/flac"),
        (b"OggS", "audio/ogg"),
        (b"\0\0\0\x20ftypM4A ", "audio/mp4"),
        (b"\x1aE\xdf\xa3", "audio/webm"),
        (b"FORM\0\0\0\0AIFF", "audio/aiff"),
        (b"RIFF\0\0\0\0AVI ", ""),
        (b"%PDF-1.7", ""),
        (b"MZ\x90", ""),
        (b"hello", ""),
        (b"\xff", ""),
        (b"", ""),
    ],
)
def test_bytes_say_what_they_are(head: bytes, mime: str) -> None:
    assert sniff(head) == mime


def attached(*data: BinaryData, **fields: Any) -> dict[str, Any]:
    return {"binary_attachments": data, **fields}


def kind(request_type: str) -> dict[str, Any]:
    return {"options": {"request_type": request_type}}


@pytest.mark.parametrize(
    ("sent", "runner"),
    [
        (attached(BinaryData("image/png", PNG)), "eye"),
        (attached(BinaryData("application/octet-stream", PNG)), "eye"),
        (attached(BinaryData("image/png", PNG), BinaryData("audio/wav", WAV)), "eye"),
        (attached(BinaryData("audio/wav", WAV)), "ear"),
        (attached(BinaryData("audio/x-wav; codecs=1", WAV)), "ear"),
        (attached(BinaryData("audio/mp3", b"ID3\4\0\0")), "ear"),
        (attached(BinaryData("image/png", PNG), **kind("image_analysis")), "eye"),
        (attached(BinaryData("image/png", PNG), **kind("text_chat")), "eye"),
        (attached(BinaryData("audio/wav", WAV), **kind("audio_transcription")), "ear"),
        (attached(BinaryData("audio/wav", WAV), **kind("text_chat")), "brook"),
        (attached(BinaryData("audio/wav", WAV), **kind("multimodal")), "brook"),
    ],
)
async def test_who_gets_them(sent: dict[str, Any], runner: str, service: RouterService) -> None:
    response = await answered(service, **sent)
    assert (response.state, response.metadata["runner"]) == ("COMPLETED", runner)


async def test_what_the_runners_get(service: RouterService, cast: Cast) -> None:
    await answered(service, text="Look", **attached(BinaryData("image/png", PNG)))
    picture, text = cast.asked("eye")[0].messages[0].parts
    assert (picture.data, picture.mime, text.text) == (PNG, "image/png", "Look")
    await answered(service, text="", **attached(BinaryData("audio/wav", WAV)))
    heard = cast.asked("ear")[0]
    assert (heard.audio, heard.language, heard.sample_rate) == (WAV, "en", None)
    raw = BinaryData("audio/pcm", pcm(0.1), {"sample_rate": "16000"})
    await answered(service, text="", **attached(raw))
    assert cast.asked("ear")[1].sample_rate == 16_000


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        (attached(BinaryData("image/png", WAV)), "binaryAttachments[0].type"),
        (attached(PICTURE, BinaryData("audio/wav", b"MZ")), "binaryAttachments[1].type"),
        (attached(BinaryData("text/plain", PNG)), "binaryAttachments[0].type"),
        (attached(BinaryData("image/png", b"")), "binaryAttachments[0].data"),
        (attached(BinaryData("audio/pcm", b"\0\0")), "binaryAttachments[0].metadata.sample_rate"),
        (
            attached(BinaryData("audio/pcm", b"\0\0", {"sample_rate": "1"})),
            "binaryAttachments[0].metadata.sample_rate",
        ),
        (kind("image_analysis"), "binaryAttachments"),
        (kind("audio_transcription"), "binaryAttachments"),
        (attached(PICTURE, **kind("audio_transcription")), "binaryAttachments"),
        (attached(*[PICTURE] * 17), "binaryAttachments"),
    ],
)  # fmt: skip
async def test_what_is_refused(sent: dict[str, Any], field: str, service: RouterService) -> None:
    response = await answered(service, **sent)
    assert (response.state, response.metadata["error_code"]) == ("ERROR", "E400")
    assert response.metadata["field"] == field
    assert response.error


async def test_what_has_no_use_is_said(service: RouterService) -> None:
    both = attached(BinaryData("audio/wav", WAV), BinaryData("image/png", PNG))
    heard = await answered(service, text="", **both, **kind("audio_transcription"))
    assert list(adjusted(heard)) == ["binaryAttachments[1]"]
    twice = attached(*[BinaryData("audio/wav", WAV)] * 2)
    assert list(adjusted(await answered(service, text="", **twice))) == ["binaryAttachments[1]"]
    spoken = await answered(service, **both, **kind("speech_synthesis"))
    assert list(adjusted(spoken)) == ["binaryAttachments[0]", "binaryAttachments[1]"]
    named = await answered(service, text="", **attached(BinaryData("image/jpeg", PNG)))
    assert adjusted(named) == {"binaryAttachments[0].type": "image/png"}


async def test_sizes(with_limits: Callable[..., Any]) -> None:
    service = await with_limits(limits=RouterLimits(advised=len(PNG), inline=len(PNG) + 10))
    fits = await answered(service, **attached(BinaryData("image/png", PNG)))
    assert not adjusted(fits)
    more = await answered(service, **attached(BinaryData("image/png", PNG + b"\0")))
    assert list(adjusted(more)) == ["binaryAttachments[0]"]
    too_much = await answered(service, **attached(BinaryData("image/png", PNG + bytes(11))))
    assert (too_much.metadata["error_code"], too_much.state) == ("E413", "ERROR")
    assert "/v2/uploads" in (too_much.error or "")


class Kept(NamedTuple):
    """An upload, as the service sees it."""

    path: Path
    mime: str
    size: int


def kept(folder: Path, **files: bytes) -> Callable[[str, str], Kept]:
    """Uploads that belong to the owner `me`."""
    for name, data in files.items():
        (folder / name).write_bytes(data)

    def find(upload_id: str, owner: str, /) -> Kept:
        if upload_id not in files or owner != "me":
            raise NotFoundError("There is no such upload of yours.", field="id")
        return Kept(folder / upload_id, "", len(files[upload_id]))

    return find


def referring(upload_id: str, said: str = "image/png") -> dict[str, Any]:
    return attached(BinaryData(said, b"", {"upload": upload_id}))


async def asked(service: RouterService, owner: str, **fields: Any) -> AIResponse:
    return await answered(service, session=service.open(owner), **fields)


async def test_uploads(with_limits: Callable[..., Any], tmp_path: Path, cast: Cast) -> None:
    find = kept(tmp_path, picture=PNG, sound=WAV)
    service = await with_limits(uploads=find, limits=RouterLimits(memory=len(PNG)))
    assert (await asked(service, "me", **referring("picture"))).metadata["runner"] == "eye"
    assert cast.asked("eye")[0].messages[0].parts[0].data == PNG
    assert (await asked(service, "me", **referring("sound", "audio/wav"))).state == "COMPLETED"
    assert cast.asked("ear")[0].file == str(tmp_path / "sound")
    lying = await asked(service, "me", **referring("sound", "image/png"))
    assert lying.metadata["field"] == "binaryAttachments[0].type"
    for owner, upload_id in (("you", "picture"), ("me", "nothing"), ("me", "../picture")):
        gone = await asked(service, owner, **referring(upload_id))
        assert gone.metadata["error_code"] == "E404"
        assert gone.metadata["field"] == "binaryAttachments[0].metadata.upload"
        assert str(tmp_path) not in (gone.error or "")
    large = attached(BinaryData("audio/wav", b"", {"upload": "sound"}), **kind("multimodal"))
    assert (await asked(service, "me", **large)).metadata["error_code"] == "E413"


# with real runners --------------------------------------------------------------------------

AUDIO = Path(__file__).parents[1] / "audio"


async def test_a_real_picture_and_a_real_recording(tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    pytest.importorskip("pocketsphinx")
    async with Engine.open(home=tmp_path, environ={}, ledger=False) as engine:
        service = RouterService(engine)
        seen = await answered(
            service, text="How large is it?", **attached(BinaryData("image/png", png(64, 48)))
        )
        assert seen.state == "COMPLETED", seen.error
        assert seen.metadata["runner"] == "system_vision"
        assert "mock" not in seen.metadata
        recording = BinaryData("audio/ogg", (AUDIO / "07.opus").read_bytes())
        heard = await answered(service, text="", **attached(recording))
        assert heard.state == "COMPLETED", heard.error
        assert heard.metadata["runner"] == "pocketsphinx"
        assert "football" in heard.text
        assert json.loads(heard.metadata["segments"])[0]["end"] > 1
        await service.close()


async def test_speech_comes_back_as_sound(service: RouterService) -> None:
    response = await answered(service, **kind("speech_synthesis"))
    (sound,) = response.binary_attachments
    assert (sound.type, sound.data, sound.metadata["sample_rate"]) == (
        "audio/pcm", b"\1\2\3\4", "16000",
    )  # fmt: skip
    assert message().api_version == response.api_version == 2
