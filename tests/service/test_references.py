"""What a request from the network may refer to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.errors import InputError, NotFoundError, TooLargeError
from breeze.contracts.messages import AudioPart, FilePart, ImagePart, Message, TextPart
from breeze.contracts.requests import (
    ChatRequest,
    ModerateRequest,
    SpeakRequest,
    TranscribeRequest,
)
from breeze.service import references
from breeze.service.references import resolve_uploads
from breeze.service.uploads import UploadLimits, Uploads

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "uploads", UploadLimits(spare=0))


async def upload(uploads: Uploads, data: bytes = PNG) -> str:
    async def pieces() -> AsyncIterator[bytes]:
        yield data

    return (await uploads.receive(pieces(), "anna")).id


def chat(*parts: Any) -> ChatRequest:
    return ChatRequest((Message("system", "Be brief"), Message("user", (TextPart("See"), *parts))))


async def test_a_picture_and_a_document_are_put_in_their_place(uploads: Uploads) -> None:
    id = await upload(uploads)
    asked = chat(ImagePart(url=f"upload:{id}", detail="low"), FilePart(file_id=id, name="a.png"))
    found = await resolve_uploads(asked, uploads, "anna")
    _, image, file = found.messages[1].parts
    assert image == ImagePart(PNG, "image/png", detail="low")
    assert file == FilePart(PNG, "image/png", "a.png")
    assert (found.id, found.messages[0]) == (asked.id, asked.messages[0])


async def test_sound_stays_on_disk(uploads: Uploads) -> None:
    id = await upload(uploads, b"RIFF....WAVEfmt ")
    found = await resolve_uploads(TranscribeRequest(file=f"upload:{id}"), uploads, "anna")
    assert uploads.holds(found.file)
    assert Path(found.file).read_bytes() == b"RIFF....WAVEfmt "


async def test_messages_to_judge_are_looked_through_too(uploads: Uploads) -> None:
    id = await upload(uploads)
    asked = ModerateRequest(messages=chat(ImagePart(url=f"upload:{id}")).messages)
    found = await resolve_uploads(asked, uploads, "anna")
    assert found.messages[1].images[0].data == PNG


@pytest.mark.parametrize(
    "request_",
    [
        ChatRequest.of("upload:none"),
        chat(ImagePart(PNG), AudioPart(b"x")),
        chat(ImagePart(url="https://example.com/a.png")),
        SpeakRequest("upload:none"),
        TranscribeRequest(audio=b"x"),
    ],
)
async def test_what_refers_to_nothing_here_is_left_alone(uploads: Uploads, request_: Any) -> None:
    assert await resolve_uploads(request_, uploads, "anna") == request_


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd", "../../secrets.json", "file:///etc/passwd", "http://127.0.0.1/a.wav",
        "C:\\\\secrets", "~/x", "\\\\\\\\host\\\\share", "pipe:0", "concat:/etc/passwd", "-",
        "Upload:x", " upload:x", "data:audio/wav;base64,AAAA",
    ],
)  # fmt: skip
async def test_no_path_and_no_address_is_read_for_others(uploads: Uploads, path: str) -> None:
    with pytest.raises(InputError) as caught:
        await resolve_uploads(TranscribeRequest(file=path), uploads, "anna")
    assert caught.value.field == "file"


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "/etc/passwd", "ftp://x/y", "HTTP://x", "javascript:1", "x"]
)
async def test_a_picture_is_on_the_web_or_uploaded(uploads: Uploads, url: str) -> None:
    with pytest.raises(InputError) as caught:
        await resolve_uploads(chat(ImagePart(url=url)), uploads, "anna")
    assert caught.value.field == "messages[1].content[1].url"


async def test_another_callers_file_is_not_there(uploads: Uploads) -> None:
    id = await upload(uploads)
    for asked, field in [
        (TranscribeRequest(file=f"upload:{id}"), "file"),
        (chat(ImagePart(url=f"upload:{id}")), "messages[1].content[1].url"),
        (chat(FilePart(file_id=id)), "messages[1].content[1].file_id"),
    ]:
        with pytest.raises(NotFoundError) as caught:
            await resolve_uploads(asked, uploads, "berta")
        assert caught.value.field == field


async def test_both_bytes_and_a_reference_are_one_too_many(uploads: Uploads) -> None:
    id = await upload(uploads)
    for part in (ImagePart(PNG, url=f"upload:{id}"), FilePart(PNG, file_id=id)):
        with pytest.raises(InputError):
            await resolve_uploads(chat(part), uploads, "anna")


async def test_a_huge_picture_is_not_read_into_the_memory(uploads: Uploads) -> None:
    id = await upload(uploads)
    with (uploads.folder / id / "about.json").open("r+") as about:
        text = about.read().replace(f'"size":{len(PNG)}', f'"size":{references.LARGEST + 1}')
        about.seek(0)
        about.write(text)
    with pytest.raises(TooLargeError):
        await resolve_uploads(chat(ImagePart(url=f"upload:{id}")), uploads, "anna")
