"""From what was asked to the files that must be fetched."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatch
from unicodedata import normalize
from urllib.parse import unquote, urlsplit

import msgspec

from breeze.contracts.clock import Clock
from breeze.contracts.errors import InputError, NotFoundError
from breeze.contracts.model_files import ModelDefinition, ModelFile
from breeze.models.archive import check_form, is_archive
from breeze.models.catalogue import Catalogue
from breeze.models.hub import Hub, HubFile, Repository
from breeze.models.hub_address import ENDPOINT
from breeze.models.paths import safe_path
from breeze.models.plan import Plan, Wanted
from breeze.models.recognised import file_type
from breeze.models.reference import Reference, read_reference
from breeze.models.selection import chosen
from breeze.models.settings import StoreSettings
from breeze.models.web import Web


async def make_plan(
    reference: Reference,
    catalogue: Catalogue,
    settings: StoreSettings,
    web: Web,
    clock: Clock,
    allow_pickle: bool = False,
) -> Plan:
    """The files of `reference`, each with the addresses that it may be fetched from.

    Raises NotFoundError, InputError, and what the hub refuses with.
    """
    hub = Hub(web, settings, clock)
    if reference.kind == "hub":
        repository = await hub.repository(reference.repository, reference.revision)
        files = chosen(repository.files, reference.file, allow_pickle)
        wanted = tuple(_from_hub(file) for file in files)
        definition = _described(reference, repository)
    elif reference.kind == "url":
        urls = (_here(reference.url, settings),)
        wanted = (Wanted(reference.file, urls, type=file_type(reference.file)),)
        definition = ModelDefinition(reference.id, source=reference.url.partition("?")[0])
    else:
        definition = msgspec.structs.replace(catalogue.find(reference.text), id=reference.id)
        wanted = await _of_catalogue(definition, settings, hub)
        allow_pickle = allow_pickle or definition.metadata.get("allowPickle") is True
    if reference.kind != "hub" or reference.file:
        wanted = tuple(_unpacked(file) for file in wanted)
    return Plan(reference.text, definition, _sound(wanted, definition.id), allow_pickle)


def _unpacked(file: Wanted) -> Wanted:
    """An archive that was asked for is to be unpacked; those in a repository are files of it."""
    check_form(file.path)
    return msgspec.structs.replace(file, unpack=is_archive(file.path))


def _described(reference: Reference, repository: Repository) -> ModelDefinition:
    file = f":{reference.file}" if reference.file else ""
    return ModelDefinition(
        reference.id,
        licence=repository.licence,
        source=f"hf:{repository.name}@{repository.commit}{file}",
        metadata={k: v for k, v in (("task", repository.task),) if v},
    )


async def _of_catalogue(
    definition: ModelDefinition, settings: StoreSettings, hub: Hub
) -> tuple[Wanted, ...]:
    if not definition.files:
        raise InputError(
            f"{definition.id} has no files to fetch: its runner reaches it over the network.",
            field="model",
            model=definition.id,
        )
    found: list[Wanted] = []
    repository: Repository | None = None
    for file in definition.files:
        if file.urls:
            found += _with_urls(file, settings)
            continue
        if repository is None:
            repository = await _source(definition, hub)
        found += _of_repository(file, repository)
    return tuple(found)


async def _source(definition: ModelDefinition, hub: Hub) -> Repository:
    reference = read_reference(definition.source or "?")
    if reference.kind != "hub":
        raise InputError(
            f"{definition.id}: a file without urls needs a source such as hf:org/name.",
            field="source",
            model=definition.id,
        )
    return await hub.repository(reference.repository, reference.revision)


def _with_urls(file: ModelFile, settings: StoreSettings) -> Iterator[Wanted]:
    if not file.pattern:
        urls = tuple(_here(url, settings) for url in file.urls)
        name = file.file_name or _name(file.urls[0])
        yield Wanted(name, urls, file.size, file.sha256.lower(), "", file.type)
        return
    mirrors: dict[str, list[str]] = {}
    for url in file.urls:
        if fnmatch(_name(url), file.pattern):
            mirrors.setdefault(_name(url), []).append(_here(url, settings))
    for name, places in mirrors.items():
        yield Wanted(name, tuple(places), type=file.type)


def _of_repository(file: ModelFile, repository: Repository) -> Iterator[Wanted]:
    pattern = file.pattern or file.file_name
    found = [f for f in repository.files if f.path == pattern or fnmatch(f.path, pattern)]
    if not found:
        raise NotFoundError(
            f"{repository.name} has no file {pattern!r} at {repository.commit[:12]}.",
            field="files",
            detail="entry",
        )
    for one in found:
        wanted = _from_hub(one)
        yield msgspec.structs.replace(
            wanted, type=file.type, sha256=file.sha256.lower() or wanted.sha256
        )


def _from_hub(file: HubFile) -> Wanted:
    type = file_type(file.path)
    return Wanted(file.path, (file.url,), file.size, file.sha256, file.blob, type)


def _sound(files: tuple[Wanted, ...], id: str) -> tuple[Wanted, ...]:
    """Each file once, under a name that stays in the model's folder. Raises InputError."""
    names = set[str]()
    for file in files:
        name = safe_path(file.path, "files").as_posix()
        if "*" in name or "?" in name:
            raise InputError(f"{id}: {name!r} is a pattern, no file.", field="files", model=id)
        same = normalize("NFC", name).casefold()
        if same in names:
            raise InputError(f"{id} names {name!r} twice.", field="files", model=id)
        names.add(same)
    return files


def _here(url: str, settings: StoreSettings) -> str:
    """A URL of the usual hub at the hub that is configured."""
    same = url.startswith(f"{ENDPOINT}/")
    return settings.endpoint + url[len(ENDPOINT) :] if same else url


def _name(url: str) -> str:
    return unquote(urlsplit(url).path.rpartition("/")[2])
