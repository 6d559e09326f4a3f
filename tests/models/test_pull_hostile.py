"""Servers that mean harm: what they send ends in an error, and in nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.errors import DownloadError, InputError, RunnerError
from breeze.models import ModelStore, StoreSettings, read_reference
from tests.models.hub import pulled

MB = 1_000_000
Answers = Callable[[str], bytes]


@asynccontextmanager
async def serving(answers: Answers, chunks: int = 0) -> AsyncIterator[str]:
    """A server whose raw answer to a path is what `answers` says, and its address. `chunks`: how
    many megabytes follow, of which the last never comes."""

    async def on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(answers(head.split()[1].decode()))
            for _ in range(chunks):
                writer.write(b"f4240\r\n" + bytes(MB) + b"\r\n")
                await writer.drain()
            await writer.drain()
            writer.close()

    server = await asyncio.start_server(on, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def ok(body: bytes, *headers: bytes) -> bytes:
    lines = (b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *headers)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@asynccontextmanager
async def store(root: Path, endpoint: str, **more: Any) -> AsyncIterator[ModelStore]:
    given = {"endpoint": endpoint, "reserve": 0, "timeout": 5.0, "tries": 1, **more}
    async with ModelStore(root, settings=StoreSettings(**given)) as opened:
        yield opened


async def test_a_name_for_a_version_may_be_of_any_bytes(tmp_path: Path) -> None:
    async with serving(lambda _: ok(b"hello", b'ETag: "\xff\xfe"')) as host:
        async with store(tmp_path, host) as at:
            model = await pulled(at, f"{host}/notes.txt")
            assert (model.folder / "notes.txt").read_bytes() == b"hello"


@pytest.mark.parametrize("where", [b"http://[", b"http://\xff/", b"file:///etc/passwd", b"//a@b/"])
async def test_a_redirect_to_nowhere_is_an_error(tmp_path: Path, where: bytes) -> None:
    answer = b"HTTP/1.1 302 Found\r\nLocation: " + where + b"\r\nContent-Length: 0\r\n\r\n"
    async with serving(lambda _: answer) as host, store(tmp_path, host) as at:
        with pytest.raises(InputError):
            await pulled(at, f"{host}/notes.txt")
        (rests,) = at.pulls()
        assert rests.stage == "failed"


async def test_only_the_hub_itself_leads_inside(tmp_path: Path) -> None:
    """The hub of a private network may; a place that it leads to may not lead on."""
    asked: list[str] = []

    def inner(path: str) -> bytes:
        asked.append(path)
        return ok(b"secret")

    async with serving(inner) as inside:

        def further(path: str) -> bytes:
            return (f"HTTP/1.1 302 Found\r\nLocation: {inside}/secret\r\n"
                    "Content-Length: 0\r\n\r\n").encode()  # fmt: skip

        async with serving(further) as elsewhere:

            def first(path: str) -> bytes:
                return (f"HTTP/1.1 302 Found\r\nLocation: {elsewhere}/x\r\n"
                        "Content-Length: 0\r\n\r\n").encode()  # fmt: skip

            async with serving(first) as hub, store(tmp_path, hub) as at:
                with pytest.raises(InputError, match="public server"):
                    await pulled(at, f"{hub}/notes.txt")
    assert asked == []


async def test_not_even_the_hub_leads_to_what_a_machine_tells_its_programs(tmp_path: Path) -> None:
    def first(path: str) -> bytes:
        return (b"HTTP/1.1 302 Found\r\nLocation: http://169.254.10.20/x\r\n"
                b"Content-Length: 0\r\n\r\n")  # fmt: skip

    async with serving(first) as hub, store(tmp_path, hub) as at:
        with pytest.raises(InputError, match=r"169\.254\.10\.20 does not lead"):
            await pulled(at, f"{hub}/notes.txt")


async def test_a_file_without_an_end_stops_at_the_quota(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with serving(lambda _: head, chunks=90) as host:
        async with store(tmp_path, host, quota=20 * MB) as at:
            with pytest.raises(DownloadError, match="Raise") as full:
                await pulled(at, f"{host}/notes.txt")
    assert full.value.detail == "quota"
    assert sum(f.stat().st_size for f in tmp_path.rglob("*.part")) < 40 * MB


async def test_what_signs_an_address_is_not_kept(tmp_path: Path) -> None:
    async with serving(lambda _: ok(b"hello")) as host, store(tmp_path, host) as at:
        model = await pulled(at, f"{host}/notes.txt?X-Signature=not-to-be-told")
        assert model.definition.source == f"{host}/notes.txt"
    assert not [f for f in tmp_path.rglob("*.json") if "not-to-be-told" in f.read_text()]


@pytest.mark.parametrize(
    "text", ["http://[/m.gguf", "https://user:pass@host/m.gguf", "http://host\\x/m.gguf"]
)
def test_an_odd_address_is_refused_at_once(text: str) -> None:
    with pytest.raises(InputError, match="plain host name"):
        read_reference(text)


def listing(*files: dict[str, Any]) -> Answers:
    """A hub with a repository of these files."""
    about = ok(json.dumps({"sha": "a" * 40}).encode())
    tree = ok(json.dumps(files).encode())
    return lambda path: tree if "/tree/" in path else about if "/api/" in path else ok(b"hello")


@pytest.mark.parametrize(
    "names",
    [["../x.txt"], ["/etc/x.txt"], ["a\0.txt"], ["C:\\x.txt"], ["a.txt", "A.txt"], ["*/a.txt"],
     ["\u00e9.txt", "e\u0301.txt"], ["model.json"], ["con.txt"], ["a/" * 600 + "x.txt"]],
)  # fmt: skip
async def test_no_name_leads_out_or_is_two_on_another_system(
    tmp_path: Path, names: list[str]
) -> None:
    async with serving(listing(*({"path": name} for name in names))) as hub:
        async with store(tmp_path, hub) as at:
            with pytest.raises(InputError, match="no name for|twice|own file|a pattern"):
                await pulled(at, "hf:org/name")
            assert at.models() == ()


async def test_a_list_of_hundreds_of_thousands_is_no_repository(tmp_path: Path) -> None:
    async with serving(listing(*({"path": ""},) * 300_000)) as hub, store(tmp_path, hub) as at:
        with pytest.raises(RunnerError, match="without end"):
            await pulled(at, "hf:org/name")


async def test_a_plan_that_was_tampered_with_is_not_followed(tmp_path: Path) -> None:
    root, victim = tmp_path / "models", tmp_path / "victim.txt"
    victim.write_bytes(b"mine")
    async with serving(listing({"path": "a.txt", "size": 9})) as hub, store(root, hub) as at:
        with pytest.raises(DownloadError):
            await pulled(at, "hf:org/name")
        (plan,) = root.rglob("plan.json")
        told = json.loads(plan.read_bytes())
        told["files"][0] |= {"path": "../../../../victim.txt", "size": 5}
        plan.write_text(json.dumps(told))
        with pytest.raises(DownloadError):
            await pulled(at, "hf:org/name")
    assert victim.read_bytes() == b"mine"


PICKLED = b"\x80\x04}\x94."


async def test_leave_to_be_pickled_is_asked_for_each_time_anew(tmp_path: Path) -> None:
    busy = [b"HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n"]
    async with serving(lambda _: busy.pop() if busy else ok(PICKLED)) as host:
        async with store(tmp_path, host) as at:
            with pytest.raises(RunnerError, match="HTTP 503"):
                await pulled(at, f"{host}/w.bin", allow_pickle=True)
            with pytest.raises(InputError, match="it is pickled"):
                await pulled(at, f"{host}/w.bin")
            model = await pulled(at, f"{host}/w.bin", allow_pickle=True)
            assert (model.folder / "w.bin").read_bytes() == PICKLED
