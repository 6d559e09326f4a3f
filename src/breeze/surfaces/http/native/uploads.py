"""/v2/uploads: files that are too large for a request's JSON go ahead of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from breeze.contracts import service
from breeze.contracts.errors import InputError
from breeze.service.access import Role
from breeze.service.uploads import MIB, Upload
from breeze.surfaces.http.call import Call
from breeze.surfaces.http.form import Upload as SentFile
from breeze.surfaces.http.multipart import read_form
from breeze.surfaces.http.reply import Answer, Reply
from breeze.surfaces.http.routes import Route

LARGEST = 512 * MIB
_FORM = 64 * MIB
"""Bytes of a file in a form: it is written twice on its way."""
_BLOCK = MIB


async def upload(call: Call) -> Answer:
    """Keep the body for a while, or the field `file` of a form."""
    owner, said = call.caller.name, call.header(b"content-type")
    if not said.startswith("multipart/"):
        declared = call.header(b"content-length")
        size = int(declared) if declared else None
        kept = await call.app.uploads.receive(call.pieces(), owner, mime=said, size=size)
        return _created(call, kept)
    with await read_form(call, _FORM) as form:
        if form.file is None:
            raise InputError("The form has no file: send it in a field named file.", field="file")
        kept = await call.app.uploads.receive(_pieces(form.file), owner, size=form.file.size)
        return _created(call, kept)


async def remove(call: Call) -> Answer:
    """Forget a file before its time."""
    id = call.found["id"]
    await asyncio.to_thread(call.app.uploads.remove, id, call.caller.name)
    return Reply.json({"id": id, "deleted": True})


def _created(call: Call, kept: Upload) -> Reply:
    call.app.metrics.received("/v2/uploads", kept.size)
    told = service.Upload(
        id=kept.id,
        size=kept.size,
        mime=kept.mime,
        sha256=kept.sha256,
        expires_in=kept.expires_in,
    )
    return Reply.json(told, status=201)


async def _pieces(file: SentFile) -> AsyncIterator[bytes]:
    if not file.path:
        yield file.data
        return
    with await asyncio.to_thread(open, file.path, "rb") as source:
        while piece := await asyncio.to_thread(source.read, _BLOCK):
            yield piece


ROUTES = (
    Route("POST", "/v2/uploads", Role.USE, upload, "Send a file ahead of a request", LARGEST),
    Route("DELETE", "/v2/uploads/{id}", Role.USE, remove, "Forget a file"),
)
