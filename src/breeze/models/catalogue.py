"""Models that are known by name, with where their files are."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from breeze.contracts.errors import InputError, NotFoundError
from breeze.contracts.model_files import ModelDefinition
from breeze.contracts.unreadable import UNREADABLE
from breeze.models.json_place import field_of, line_of, plain


class _File(msgspec.Struct):
    models: tuple[ModelDefinition, ...] = ()


class Catalogue(Mapping[str, ModelDefinition]):
    """Definitions by id, in their order. Of two with one id the later holds."""

    def __init__(self, definitions: Iterable[ModelDefinition] = ()) -> None:
        self._known = {definition.id: definition for definition in definitions}

    @classmethod
    def read(cls, *files: Path) -> Catalogue:
        """What the files say together; one that is not there says nothing. Raises InputError."""
        found: list[ModelDefinition] = []
        for file in files:
            try:
                data = file.read_bytes()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise InputError(f"{file} cannot be read: {error.strerror}.") from error
            found += decode_definitions(data, str(file))
        return cls(found)

    def find(self, id: str) -> ModelDefinition:
        """The model of that id. Raises NotFoundError, which names the nearest."""
        if id in self._known:
            return self._known[id]
        near = difflib.get_close_matches(id, self._known, 3, 0.5)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise NotFoundError(
            f"The catalogue has no model {id[:120]!r}.{hint} Name one that it has "
            "(breeze models --catalogue), hf:org/name or the URL of a file.",
            field="model",
            model=id[:120],
        )

    def __getitem__(self, id: str) -> ModelDefinition:
        return self._known[id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


def decode_definitions(data: bytes, where: str) -> tuple[ModelDefinition, ...]:
    """The models in `data`: a JSON list of them, or an object with one as `models`.

    Raises InputError that names `where` and the field.
    """
    try:
        if data.lstrip()[:1] == b"[":
            found = msgspec.json.decode(data, type=tuple[ModelDefinition, ...])
        else:
            found = msgspec.json.decode(data, type=_File).models
    except UNREADABLE as error:
        said = str(error)
        field = field_of(said)
        told = f"{field}: {plain(said)}" if field else said
        raise InputError(
            f"{where}, line {line_of(data, said)}: {told}. Correct it, or move the file away.",
            field=field or "models",
        ) from error
    if blank := [n for n, model in enumerate(found) if not model.id.strip()]:
        field = f"models[{blank[0]}].id"
        line = line_of(data, f" - at `$.{field}`")
        raise InputError(f"{where}, line {line}: {field} is empty.", field=field)
    return found
