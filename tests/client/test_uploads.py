"""What is large goes ahead of the request, and no path of the client's reaches the server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from breeze.client.uploads import INLINE
from breeze.contracts.errors import InputError, NotFoundError
from breeze.contracts.events import Finish, TextDelta, Transcript
from breeze.contracts.messages import FilePart, ImagePart, Message, TextPart
from breeze.contracts.requests import ChatRequest, TranscribeRequest
from breeze.testing.media import png, wav
from breeze.testing.scripted import Script, scripted
from tests.client.conftest import Serve

LARGE = bytes(INLINE + 1)


class Seen:
    """A runner that looks at what it is sent while it still may."""

    def __init__(self) -> None:
        self.request: Any = None
        self.sound = b""

    def hears(self, request: Any) -> list[Any]:
        self.request = request
        self.sound = Path(request.file).read_bytes() if request.file else request.audio
        return [Transcript("good day", is_final=True), Finish()]

    def looks(self, request: Any) -> list[Any]:
        self.request = request
        return [TextDelta("a tower"), Finish()]


async def test_large_sound_arrives_whole(serve: Serve) -> None:
    seen, sound = Seen(), wav(60.0)
    assert len(sound) > INLINE
    ear = scripted("ear", Script(seen.hears), "transcribe")
    async with serve(runners=[ear]) as server, server.client() as client:
        heard = await client.run(TranscribeRequest(audio=sound, runner="ear"))
        assert heard.text == "good day"
        assert seen.sound == sound
        assert seen.request.audio == b""


@pytest.mark.parametrize("seconds", [1.0, 60.0])
async def test_a_local_file_is_read_here(seconds: float, serve: Serve, tmp_path: Path) -> None:
    seen, file = Seen(), tmp_path / "speech.wav"
    file.write_bytes(wav(seconds))
    ear = scripted("ear", Script(seen.hears), "transcribe")
    async with serve(runners=[ear]) as server, server.client() as client:
        await client.run(TranscribeRequest(file=str(file), runner="ear"))
        assert seen.sound == file.read_bytes()
        assert str(file) not in str(seen.request)


async def test_a_file_that_is_not_here(serve: Serve, tmp_path: Path) -> None:
    async with serve() as server, server.client() as client:
        with pytest.raises(InputError, match="cannot be read here") as caught:
            await client.run(TranscribeRequest(file=str(tmp_path / "none.wav")))
        assert caught.value.field == "file"


async def test_large_pictures_and_documents_arrive_in_their_place(serve: Serve) -> None:
    seen, picture = Seen(), png(8, 8) + LARGE
    parts = (TextPart("See"), ImagePart(picture), FilePart(LARGE, "text/plain", "a.txt"))
    eye = scripted("eye", Script(seen.looks), vision=True)
    async with serve(runners=[eye]) as server, server.client() as client:
        await client.run(ChatRequest((Message("user", parts),), runner="eye"))
        _, image, document = seen.request.messages[0].parts
        assert (image.data, image.url) == (picture, "")
        assert (document.data, document.file_id, document.name) == (LARGE, "", "a.txt")


async def test_what_was_sent_for_one_request_is_removed_after_it(serve: Serve) -> None:
    ear = scripted("ear", Script(Seen().hears), "transcribe")
    async with serve(runners=[ear]) as server:
        async with server.client() as client:
            await client.run(TranscribeRequest(audio=LARGE, runner="ear"))
        assert [entry for entry in server.app.uploads.folder.iterdir() if entry.is_dir()] == []


async def test_an_upload_may_be_used_more_than_once(serve: Serve, tmp_path: Path) -> None:
    seen, file = Seen(), tmp_path / "speech.wav"
    file.write_bytes(wav(1.0))
    ear = scripted("ear", Script(seen.hears), "transcribe")
    async with serve(runners=[ear]) as server, server.client() as client:
        for data in (file, str(file), file.read_bytes()):
            id = await client.upload(data, "audio/wav")
            for _ in range(2):
                await client.run(TranscribeRequest(file=f"upload:{id}", runner="ear"))
                assert seen.sound == file.read_bytes()


async def test_an_unknown_upload_names_the_field(serve: Serve) -> None:
    async with serve() as server, server.client() as client:
        with pytest.raises(NotFoundError) as caught:
            await client.run(TranscribeRequest(file="upload:upload-none"))
        assert caught.value.field == "file"
