"""A finished picture on its way here: fetched guarded, verified, put in its place."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from breeze.contracts.errors import DownloadError, RunnerError, TooLargeError
from breeze.runners._fetch import Policy, fetch_into
from breeze.runners._http_json import finite
from breeze.runners._image_form import ImageForm, NoPicture
from breeze.runners._runware_files import Shelf
from breeze.runners._runware_parameters import RunwareParameters
from breeze.runners._whole_picture import ENDINGS, whole_form

_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
_RETRIED = "the picture is made and paid: ask again and it is only fetched"


class Picture(NamedTuple):
    """A verified picture. `file` is empty where none is kept."""

    data: bytes
    form: ImageForm
    file: str
    url: str = ""
    seed: int | None = None
    cost: float | None = None


def policy_of(p: RunwareParameters) -> Policy:
    """From where results may come. A server on this machine may send them from here, too."""
    policy = Policy(
        limit=p.max_megabytes * 1_000_000,
        seconds=p.timeout,
        types=("image/", "application/octet-stream", "binary/octet-stream"),
        hosts=p.hosts,
    )
    if not p.target.loopback:
        return policy
    here = tuple({*p.hosts, p.target.host, "127.0.0.1", "localhost"})
    return policy._replace(hosts=here, networks=_LOOPBACK, ports=range(1, 65_536))


async def picture_of(
    result: Mapping[str, Any], shelf: Shelf, digest: str, model: str, policy: Policy
) -> Picture:
    """The picture of a result. Raises DownloadError; then no file of it is left."""
    url = str(result.get("imageURL") or "")
    with shelf.part() as part:
        try:
            if url:
                await _fetch(url, part, policy)
            else:
                await asyncio.to_thread(part.write_bytes, _inline(result, policy.limit))
            data = await asyncio.to_thread(part.read_bytes)
            form = await asyncio.to_thread(whole_form, data)
        except NoPicture as error:
            raise _failed(f"it {error}") from error
        except OSError as error:
            raise _failed(f"it cannot be kept: {error.strerror}", again=False) from error
        file = ""
        if shelf.folder is not None:
            file = str(shelf.put(part, digest, model, ENDINGS[form.mime]))
    seed = result.get("seed")
    return Picture(
        data, form, file, url,
        seed if isinstance(seed, int) else None,
        finite(result.get("cost")),
    )  # fmt: skip


async def _fetch(url: str, part: Path, policy: Policy) -> None:
    with part.open("wb") as file:
        try:
            await fetch_into(file.write, url, "imageURL", policy)
        except TooLargeError as error:
            text = f"it has more than {policy.limit} bytes: raise max_megabytes"
            raise _failed(text, again=False) from error
        except RunnerError as error:
            why = error.message.removeprefix("imageURL ").partition(". Check")[0].rstrip(".")
            again = "nothing may be fetched" not in why
            at = f" of {urlsplit(url).hostname}" if urlsplit(url).hostname else ""
            raise _failed(f"its link{at} {why}", again=again) from error


def _inline(result: Mapping[str, Any], limit: int) -> bytes:
    """The bytes that came within the answer."""
    text = str(result.get("imageBase64Data") or "")
    if uri := str(result.get("imageDataURI") or ""):
        text = uri.partition(",")[2]
    if len(text) > limit * 4 // 3 + 4:
        raise _failed(f"it has more than {limit} bytes: raise max_megabytes", again=False)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _failed("it is no base64") from error


def _failed(what: str, *, again: bool = True) -> DownloadError:
    return DownloadError(f"A picture could not be fetched: {what} ({_RETRIED}).", retryable=again)


def kept(path: Path) -> Picture | None:
    """A picture that was kept, or None when the file is not what it was. Blocks."""
    try:
        data = path.read_bytes()
        return Picture(data, whole_form(data), str(path), cost=0.0)
    except (NoPicture, OSError):
        return None
