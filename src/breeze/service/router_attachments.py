"""The binary attachments of a request: what they are by their bytes, and whether they may be."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import NamedTuple, Protocol

from breeze.contracts.errors import NotFoundError, TooLargeError
from breeze.contracts.router import AIRequest, BinaryData, ContentType
from breeze.service.router_limits import MIB, RouterLimits
from breeze.service.router_notes import Notes
from breeze.service.router_values import whole, within

_HEAD = 64
RAW = ("audio/pcm", "audio/l16")
"""Sound without a header: its attachment says `sample_rate` in its metadata."""

_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"BM", "image/bmp"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
    (b"\x1aE\xdf\xa3", "audio/webm"),
)
_INSIDE: tuple[tuple[bytes, int, bytes, str], ...] = (
    (b"RIFF", 8, b"WEBP", "image/webp"),
    (b"RIFF", 8, b"WAVE", "audio/wav"),
    (b"FORM", 8, b"AIFF", "audio/aiff"),
)
_BRANDS = {b"avif": "image/avif", b"heic": "image/heic", b"heix": "image/heic"}
_SAME = {
    "audio/mp3": "audio/mpeg", "audio/x-wav": "audio/wav", "audio/wave": "audio/wav",
    "image/jpg": "image/jpeg", "audio/opus": "audio/ogg", "audio/x-flac": "audio/flac",
    "audio/m4a": "audio/mp4", "audio/x-m4a": "audio/mp4", "audio/aac": "audio/aac",
    "video/webm": "audio/webm", "video/mp4": "audio/mp4",
}  # fmt: skip


class Upload(Protocol):
    """A file that was sent before: where it lies, what it was said to be, its bytes."""

    @property
    def path(self) -> Path: ...
    @property
    def mime(self) -> str: ...
    @property
    def size(self) -> int: ...


class Uploads(Protocol):
    """Finds an upload of a caller. Raises NotFoundError."""

    def __call__(self, upload_id: str, owner: str, /) -> Upload: ...


class Media(NamedTuple):
    """An attachment that is sound. `data` is empty when it lies at `path`."""

    place: int
    mime: str
    data: bytes
    path: Path | None
    sample_rate: int | None

    @property
    def family(self) -> str:
        """`image` or `audio`."""
        return self.mime.partition("/")[0]


def sniff(head: bytes) -> str:
    """The type of a file by its first bytes; empty when they say nothing."""
    for start, mime in _STARTS:
        if head.startswith(start):
            return mime
    for start, at, inside, mime in _INSIDE:
        if head.startswith(start) and head[at : at + len(inside)] == inside:
            return mime
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "audio/mp4")
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return "audio/aac" if head[1] & 0x06 == 0 else "audio/mpeg"
    return ""


async def open_attachments(
    request: AIRequest, limits: RouterLimits, uploads: Uploads | None, owner: str, notes: Notes
) -> list[Media]:
    """The attachments, each checked; what is wrong with them goes to `notes`.

    Raises TooLargeError for one above the inline limit, NotFoundError for an unknown upload.
    """
    if len(request.binary_attachments) > limits.attachments:
        notes.problem("binaryAttachments", f"has more than {limits.attachments} entries")
        return []
    found = []
    for index, sent in enumerate(request.binary_attachments):
        field = f"binaryAttachments[{index}]"
        data, path = sent.data, None
        if not data and (upload_id := sent.metadata.get("upload")):
            path = await _uploaded(upload_id, uploads, owner, f"{field}.metadata.upload")
            head = await asyncio.to_thread(_head_of, path)
        else:
            _check_size(len(data), limits, field, notes)
            head = data[:_HEAD]
        media = _checked(index, sent, head, notes)
        if media is not None:
            found.append(media._replace(data=data, path=path))
    return found


async def _uploaded(upload_id: str, uploads: Uploads | None, owner: str, field: str) -> Path:
    if uploads is None:
        raise NotFoundError("This service takes no uploads.", field=field)
    try:
        return (await asyncio.to_thread(uploads, upload_id, owner)).path
    except NotFoundError as error:
        raise NotFoundError(error.message, field=field) from error


def _head_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD)


def _check_size(size: int, limits: RouterLimits, field: str, notes: Notes) -> None:
    if size > limits.inline:
        raise TooLargeError(
            f"{field} has {size} bytes, and a frame may carry {limits.inline // MIB} MiB: send it "
            'to /v2/uploads and put {"upload": "<its id>"} into the attachment\'s metadata.',
            field=field,
            data={"limit": limits.inline, "size": size},
        )
    if size > limits.advised:
        advice = f"above {limits.advised} bytes an upload is better: see /v2/uploads"
        notes.adjust(field, size, size, advice)


def _checked(index: int, sent: BinaryData, head: bytes, notes: Notes) -> Media | None:
    field = f"binaryAttachments[{index}]"
    said = sent.type.partition(";")[0].strip().lower()
    said = _SAME.get(said, said)
    if not head:
        notes.problem(f"{field}.data", "is empty: give the bytes, or an upload's id")
        return None
    if said in RAW:
        rate = _rate_of(sent, field, notes)
        return Media(index, said, b"", None, rate) if rate else None
    is_really = sniff(head)
    if not is_really:
        what = f"says {sent.type[:64]!r}, but the bytes are no picture and no sound that is known"
        notes.problem(f"{field}.type", what)
        return None
    if said == is_really:
        return Media(index, is_really, b"", None, None)
    same_family = said.partition("/")[0] == is_really.partition("/")[0]
    if not same_family and said != ContentType.GENERIC_BINARY:
        notes.problem(f"{field}.type", f"says {sent.type[:64]!r}, the bytes are {is_really}")
        return None
    notes.adjust(f"{field}.type", sent.type[:64], is_really, "the bytes say so")
    return Media(index, is_really, b"", None, None)


def _rate_of(sent: BinaryData, field: str, notes: Notes) -> int | None:
    rate = notes.read(
        f"{field}.metadata.sample_rate",
        sent.metadata.get("sample_rate", ""),
        within(whole, 4_000, 384_000),
    )
    return int(rate) if rate is not None else None


async def loaded(media: Media, limits: RouterLimits) -> Media:
    """The same with its bytes in memory, for work that takes no files. Raises TooLargeError."""
    if media.path is None or media.data:
        return media
    if (size := media.path.stat().st_size) > limits.memory:
        raise TooLargeError(
            f"The upload has {size} bytes; up to {limits.memory // MIB} MiB can be looked at.",
            field=f"binaryAttachments[{media.place}]",
            data={"limit": limits.memory, "size": size},
        )
    return media._replace(data=await asyncio.to_thread(media.path.read_bytes))
