"""Speaks to a stand-in byte by byte."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec

from breeze.testing.standins import Standin


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """One request's bytes; `_` in names of headers stands for `-`."""
    given = {"host": "127.0.0.1", "authorization": "Bearer test-key"} | headers
    if body and "transfer_encoding" not in given:
        given["content_length"] = str(len(body))
    lines = [f"{method} {path} HTTP/1.1"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in given.items() if value]
    return "\r\n".join([*lines, "", ""]).encode() + body


def asking(value: Any, path: str = "/v1/chat/completions", **headers: str) -> bytes:
    """A POST of JSON."""
    body = msgspec.json.encode(value)
    return request("POST", path, body, content_type="application/json", **headers)


def chat(text: str = "one two three", **fields: Any) -> dict[str, Any]:
    """The body of a chat request."""
    return {"model": "m", "messages": [{"role": "user", "content": text}], **fields}


@asynccontextmanager
async def connected(
    vendor: Standin, trust: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", vendor.port, ssl=trust, limit=2**27)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def told(vendor: Standin, data: bytes) -> bytes:
    """All that comes back until the connection is closed."""
    async with connected(vendor) as (reader, writer):
        writer.write(data.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1))
        return await reader.read()


async def whole(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of one answer, which stays within its promised length."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines)}
    if "chunked" in headers.get("transfer-encoding", ""):
        body = b""
        while size := int((await reader.readline()).strip(), 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    return int(first.split()[1]), headers, body


async def answered(vendor: Standin, data: bytes) -> tuple[int, dict[str, str], bytes]:
    """The answer to one request on a connection of its own."""
    async with connected(vendor) as (reader, writer):
        writer.write(data)
        return await whole(reader)
