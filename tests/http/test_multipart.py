"""Forms of every kind: what is read, what is refused, and that nothing stays behind."""

from __future__ import annotations

import tempfile
from pathlib import Path

import openai
import pytest
from openai import AsyncOpenAI

from breeze.contracts.events import Finish, Transcript
from breeze.surfaces.http.multipart import FIELD, HEADER, HEADERS, PARTS
from breeze.surfaces.http.openai.transcriptions import FILE_LIMIT
from breeze.testing.media import wav
from breeze.testing.scripted import Script, scripted
from tests.http.conftest import Serve
from tests.http.forms import BOUNDARY, form, part, post
from tests.http.raw import Answer, Wire, ask

PATH = "/v1/audio/transcriptions"
SOUND = wav(0.2)
FILE = part("file", SOUND, filename="a.wav")
MODEL = part("model", "ear")
FORM = f"multipart/form-data; boundary={BOUNDARY}"


async def sent(serve: Serve, body: bytes, type: str = FORM) -> Answer:
    """The answer of a runner that hears anything in `body`."""
    script = Script([Transcript("Heard", True), Finish()])
    async with serve(runners=[scripted("ear", script, "transcribe")]) as server:
        answer = await ask(server.url, post(PATH, body, type))
    if answer.status == 200:
        assert script.calls[0].request.audio == SOUND  # type: ignore[attr-defined]
    return answer


FINE = {
    "as curl sends it": form(MODEL, part("file", SOUND, "Content-Type: audio/x-wav", filename="a")),
    "the file first": form(FILE, MODEL),
    "a file without a name": form(MODEL, part("file", SOUND)),
    "a name in any script": form(MODEL, part("file", SOUND, filename="Zürich 東京.wav")),
    "a name that is a path": form(MODEL, part("file", SOUND, filename="../../etc/passwd")),
    "bytes after the end": form(MODEL, FILE) + b"what nobody reads",
    "a line before the start": b"\r\n" + form(MODEL, FILE),
    "an encoding that is none": form(
        MODEL, part("file", SOUND, "Content-Transfer-Encoding: binary")
    ),
    "as many parts as allowed": form(MODEL, FILE, *[part("keywords[]", "k")] * (PARTS - 2)),
    "a field as long as allowed": form(MODEL, FILE, part("prompt", "p" * FIELD)),
}


@pytest.mark.parametrize("name", FINE)
async def test_a_sound_form_is_read(serve: Serve, name: str) -> None:
    answer = await sent(serve, FINE[name])
    assert (answer.status, answer.json["text"]) == (200, "Heard")


async def test_a_quoted_boundary_of_capitals(serve: Serve) -> None:
    answer = await sent(serve, form(MODEL, FILE), f'Multipart/Form-Data; Boundary="{BOUNDARY}"')
    assert answer.status == 200


OPEN = f"--{BOUNDARY}\r\n".encode()
REFUSED: dict[str, tuple[bytes, int, str | None]] = {
    "nothing": (b"", 400, None),
    "no end": (form(MODEL, FILE, end=b""), 400, None),
    "half a file": (form(MODEL, FILE)[:-400], 400, None),
    "another boundary": (form(MODEL, FILE).replace(BOUNDARY.encode(), b"fronts"), 400, None),
    "only the end": (f"--{BOUNDARY}--\r\n".encode(), 400, "file"),
    "JSON": (b'{"model": "ear"}', 400, None),
    "two files": (form(MODEL, FILE, FILE), 400, "file"),
    "a file of another name": (form(MODEL, part("audio", SOUND, filename="a.wav")), 400, "audio"),
    "a part without a name": (OPEN + b"X: y\r\n\r\nz\r\n" + form(MODEL, FILE), 400, None),
    "a part that is no field": (
        OPEN + b'Content-Disposition: attachment; name="model"\r\n\r\near\r\n' + form(FILE),
        400,
        None,
    ),
    "base64": (
        form(MODEL, part("file", "UklGRg==", "Content-Transfer-Encoding: base64")),
        400,
        None,
    ),
    "a field that is not UTF-8": (form(MODEL, FILE, part("prompt", b"\xff\xfe")), 400, "prompt"),
    "a name that is not UTF-8": (
        OPEN + b'Content-Disposition: form-data; name="\xff"\r\n\r\nx\r\n' + form(MODEL, FILE),
        400,
        None,
    ),
    "a header without a colon": (OPEN + b"model\r\n\r\near\r\n" + form(FILE), 400, None),
    "a field too long": (form(MODEL, part("prompt", "p" * (FIELD + 1)), FILE), 413, "prompt"),
    "too many parts": (form(MODEL, FILE, *[part("keywords[]", "k")] * PARTS), 413, None),
    "too many headers": (
        form(MODEL, part("prompt", "p", *(f"X-{i}: y" for i in range(HEADERS))), FILE),
        400,
        None,
    ),
    "a header too long": (form(MODEL, part("prompt", "p", "X: " + "y" * HEADER), FILE), 400, None),
    "a name too long": (form(MODEL, part("n" * (HEADER + 1), "p"), FILE), 400, None),
    "deep keys": (form(MODEL, part("breeze" + "[a]" * 200, "p"), FILE), 400, None),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_broken_form_is_refused(serve: Serve, name: str) -> None:
    body, status, param = REFUSED[name]
    answer = await sent(serve, body)
    assert answer.status == status
    assert answer.error["type"] == "invalid_request_error"
    assert param is None or answer.error["param"] == param
    assert len(answer.body) < 1_000


@pytest.mark.parametrize(
    "type",
    [
        "",
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        f"multipart/form-data; boundary={'b' * 300}",
        f"multipart/mixed; boundary={BOUNDARY}",
    ],
)
async def test_another_content_type_is_refused_in_clear_words(serve: Serve, type: str) -> None:
    answer = await sent(serve, form(MODEL, FILE), type)
    assert answer.status == 400
    assert "multipart/form-data" in answer.error["message"]


async def test_a_file_beyond_the_limit_is_too_large(serve: Serve) -> None:
    async with serve() as server:
        async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key="-", max_retries=0) as client:
            for size in (FILE_LIMIT + 1, FILE_LIMIT + 2**21):
                with pytest.raises(openai.APIStatusError) as caught:
                    await client.audio.transcriptions.create(model="auto", file=bytes(size))
                assert caught.value.status_code == 413
                assert caught.value.type == "invalid_request_error"


async def test_a_file_of_the_limit_is_read(serve: Serve) -> None:
    script = Script([Transcript("Heard", True), Finish()])
    async with serve(runners=[scripted("ear", script, "transcribe")]) as server:
        async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key="-", max_retries=0) as client:
            heard = await client.audio.transcriptions.create(model="ear", file=bytes(FILE_LIMIT))
    assert heard.text == "Heard"


@pytest.mark.parametrize("ends", ["client leaves", "two files", "no end"])
async def test_no_file_stays_of_a_form_that_was_not_read(
    serve: Serve, ends: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    large = part("file", bytes(2**22), filename="a.wav")
    async with serve() as server:
        before = set(tmp_path.iterdir())
        wire = await Wire.to(server.url)
        if ends == "client leaves":
            await wire.send(post(PATH, form(large, large))[: 2**22])
            await wire.close()
        else:
            await wire.send(post(PATH, form(large, *[FILE] * (ends == "two files"), end=b"")))
            assert (await wire.answer()).status == 400
            await wire.close()
    assert set(tmp_path.iterdir()) <= before


@pytest.mark.parametrize("size", [1, 7, 100])
async def test_a_form_may_come_in_pieces_of_any_size(serve: Serve, size: int) -> None:
    data = post(PATH, form(MODEL, FILE, part("prompt", f"\r\n--{BOUNDARY[:5]}\r\n-")))
    head = data.index(b"\r\n\r\n") + 4
    script = Script([Transcript("Heard", True), Finish()])
    async with serve(runners=[scripted("ear", script, "transcribe")]) as server:
        wire = await Wire.to(server.url)
        await wire.send(data[:head])
        for start in range(head, len(data), size):
            await wire.send(data[start : start + size])
        answer = await wire.answer()
        await wire.close()
    assert answer.status == 200
    request = script.calls[0].request
    assert request.audio == SOUND  # type: ignore[attr-defined]
    assert request.prompt == f"\r\n--{BOUNDARY[:5]}\r\n-"  # type: ignore[attr-defined]
