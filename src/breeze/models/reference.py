"""What `pull` may be given: a model of the catalogue, one of the hub, or an address."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple
from urllib.parse import unquote, urlsplit

from breeze.contracts.errors import InputError, RunnerError
from breeze.contracts.model_files import folder_name
from breeze.contracts.web_address import place_of
from breeze.models.archive import without_ending
from breeze.models.paths import safe_path

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9_][\w.-]{0,95}", re.ASCII)
_REVISION = re.compile(r"[\w][\w./-]{0,254}", re.ASCII)
_LONGEST_URL = 8192
_LONGEST = 200
"""Bytes of the name of a folder that an id becomes."""


class Reference(NamedTuple):
    """Where a model is to come from.

    `id` is what it is called here. `repository`, `revision` and `file` for one of the hub: the
    file may be a path, a pattern such as `*.onnx`, or a part of a name such as `Q4_K_M`.
    """

    kind: Literal["catalogue", "hub", "url"]
    text: str
    id: str
    repository: str = ""
    revision: str = ""
    file: str = ""
    url: str = ""


def read_reference(text: str) -> Reference:
    """What `text` refers to: an id, `hf:org/name[@revision][:file]`, or a URL.

    Raises InputError for `model`.
    """
    text = text.strip()
    if text.startswith("hf:"):
        return _hub(text)
    if text.startswith(("http://", "https://")):
        return _url(text)
    if not text or _is_long(text) or not text.isprintable():
        raise _wrong("must name a model of the catalogue, hf:org/name or a URL")
    return Reference("catalogue", text, text)


def _hub(text: str) -> Reference:
    address, _, file = text.removeprefix("hf:").partition(":")
    repository, at, revision = address.partition("@")
    if not _REPOSITORY.fullmatch(repository) or ".." in repository or "--" in repository:
        raise _wrong(f"{text[:200]!r} must have the form hf:org/name[@revision][:file]")
    if at and (not _REVISION.fullmatch(revision) or ".." in revision):
        raise _wrong(f"{revision[:80]!r} is no revision: name a branch, a tag or a commit")
    if file:
        safe_path(file, "model")
    id = f"{repository}:{file}" if file else repository
    if _is_long(id):
        raise _wrong(f"{id[:60]}… is too long")
    return Reference("hub", text, id, repository, revision, file)


def _url(text: str) -> Reference:
    place_of(text, "model", range(1, 65_536), _LONGEST_URL)
    name = unquote(urlsplit(text).path.rpartition("/")[2])
    if not name:
        raise _wrong(f"{text[:200]!r} must end with the name of a file")
    safe_path(name, "model")
    if _is_long(name):
        raise _wrong(f"{name[:60]}… is too long")
    return Reference("url", text, without_ending(name), file=name, url=text)


def _is_long(id: str) -> bool:
    return len(id) > _LONGEST or len(folder_name(id)) > _LONGEST


def _wrong(what: str) -> RunnerError:
    return InputError(f"model {what}.", field="model")
