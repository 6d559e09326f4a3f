"""Files sent ahead over HTTP, and requests that refer to them."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.errors import AuthenticationError
from breeze.contracts.events import Finish, Transcript
from breeze.contracts.request import Request
from breeze.contracts.requests import TranscribeRequest
from breeze.service.access import Principal, Role
from breeze.service.uploads import MIB, UploadLimits, Uploads
from breeze.testing.scripted import Script, Steps, scripted
from tests.http.conftest import Serve
from tests.http.files import png, wav
from tests.http.raw import Answer, Wire, ask, request

WAV = wav()
PNG = png()


def two_people(key: bytes) -> Principal:
    """Anna and Berta may use the server."""
    if key in (b"anna", b"berta"):
        return Principal(key.decode(), Role.USE)
    raise AuthenticationError("Send a key.")


async def sent(url: str, data: bytes, kind: str = "audio/wav", key: str = "anna") -> Answer:
    return await ask(url, request("POST", "/v2/uploads", data, content_type=kind, x_api_key=key))


async def test_a_file_is_kept_and_described(serve: Serve, tmp_path: Path) -> None:
    async with serve() as server:
        answer = await sent(server.url, WAV)
        assert answer.status == 201
        told = answer.json
        assert told["id"].startswith("upload-")
        assert (told["size"], told["mime"]) == (len(WAV), "audio/wav")
        assert told["sha256"] == hashlib.sha256(WAV).hexdigest()
        assert 0 < told["expires_in"] <= 3600
        assert (tmp_path / "uploads" / told["id"] / "data").read_bytes() == WAV


async def test_a_form_with_a_file_does_the_same(serve: Serve) -> None:
    body = (
        b"--b\r\ncontent-disposition: form-data; name=file; filename=../../a.png\r\n\r\n"
        + PNG + b"\r\n--b--\r\n"
    )  # fmt: skip
    async with serve() as server:
        answer = await sent(server.url, body, "multipart/form-data; boundary=b")
        assert (answer.status, answer.json["mime"]) == (201, "image/png")
        nothing = b"--b\r\ncontent-disposition: form-data; name=x\r\n\r\n1\r\n--b--\r\n"
        answer = await sent(server.url, nothing, "multipart/form-data; boundary=b")
        assert (answer.status, answer.error["field"]) == (400, "file")


async def test_a_large_file_comes_in_chunks(serve: Serve) -> None:
    head = b"POST /v2/uploads HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
    block = bytes(64 * 1024)
    async with serve() as server:
        wire = await Wire.to(server.url)
        await wire.send(head)
        for _ in range(80):
            await wire.send(b"%x\r\n%b\r\n" % (len(block), block))
        await wire.send(b"0\r\n\r\n")
        assert (await wire.answer()).json["size"] == 80 * len(block)
        await wire.close()


async def test_speech_is_recognised_from_an_upload_of_the_same_caller_only(serve: Serve) -> None:
    heard: list[bytes] = []

    def listen(asked: Request[Any]) -> Steps:
        assert isinstance(asked, TranscribeRequest)
        heard.append(Path(asked.file).read_bytes())
        return [Transcript("hello", is_final=True, end=1.0), Finish()]

    ears = scripted("ears", Script(listen), "transcribe")
    async with serve(runners=[ears], app={"authenticate": two_people}) as server:
        id = (await sent(server.url, WAV)).json["id"]
        body = json.dumps({"file": f"upload:{id}", "runner": "ears"}).encode()
        answer = await ask(
            server.url, request("POST", "/v2/stream/asr", body, authorization="Bearer anna")
        )
        assert answer.status == 200
        assert heard == [WAV]
        answer = await ask(
            server.url, request("POST", "/v2/stream/asr", body, authorization="Bearer berta")
        )
        assert (answer.status, answer.error["field"]) == (404, "file")


async def test_a_picture_is_seen_through_every_surface(serve: Serve) -> None:
    async with serve() as server:
        id = (await sent(server.url, PNG)).json["id"]
        part = {"type": "image_url", "image_url": {"url": f"upload:{id}"}}
        message = {"role": "user", "content": [{"type": "text", "text": "What is it?"}, part]}
        body = json.dumps({"model": "mock_vlm", "messages": [message]}).encode()
        answer = await ask(server.url, request("POST", "/v1/chat/completions", body))
        assert answer.status == 200
        gone = body.replace(id.encode(), b"upload-none")
        answer = await ask(server.url, request("POST", "/v1/chat/completions", gone))
        assert (answer.status, answer.error["param"]) == (404, "messages[0].content[1].url")


async def test_a_removed_file_cannot_be_used(serve: Serve) -> None:
    async with serve(app={"authenticate": two_people}) as server:
        id = (await sent(server.url, WAV)).json["id"]
        path = f"/v2/uploads/{id}"
        assert (await ask(server.url, request("DELETE", path, x_api_key="berta"))).status == 404
        answer = await ask(server.url, request("DELETE", path, x_api_key="anna"))
        assert (answer.status, answer.json) == (200, {"id": id, "deleted": True})
        assert (await ask(server.url, request("DELETE", path, x_api_key="anna"))).status == 404


@pytest.mark.parametrize("path", ["..", "%2e%2e", "..%2f..%2fsecrets.json", "%00", "upload-%ff"])
async def test_no_id_leads_out_of_the_folder(serve: Serve, path: str, tmp_path: Path) -> None:
    async with serve() as server:
        (tmp_path / "secrets.json").write_text("{}")
        answer = await ask(server.url, request("DELETE", f"/v2/uploads/{path}"))
        assert answer.status in (400, 404)
        assert (tmp_path / "secrets.json").exists()


async def test_limits_are_an_answer(serve: Serve, tmp_path: Path) -> None:
    small = Uploads(tmp_path / "u", UploadLimits(size=MIB, total=MIB + 100, spare=0))
    async with serve(app={"uploads": small}) as server:
        assert (await sent(server.url, bytes(MIB + 1))).status == 413
        assert (await sent(server.url, b"")).status == 400
        assert (await sent(server.url, bytes(MIB))).status == 201
        answer = await sent(server.url, bytes(101))
        assert (answer.status, answer.headers["retry-after"]) == (507, "60")


async def test_nothing_is_left_of_a_client_that_hangs_up(serve: Serve, tmp_path: Path) -> None:
    folder = tmp_path / "uploads"
    async with serve() as server:
        wire = await Wire.to(server.url)
        await wire.send(
            b"POST /v2/uploads HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9000000\r\n\r\n"
        )
        await wire.send(bytes(2 * MIB))
        async with asyncio.timeout(5):
            while not folder.exists() or not any(folder.iterdir()):  # noqa: ASYNC110  # disk
                await asyncio.sleep(0.01)
            await wire.close()
            while any(folder.iterdir()):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
