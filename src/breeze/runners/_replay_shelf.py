"""The recordings of a folder, by what was asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from breeze.contracts.errors import NotFoundError, UnavailableError
from breeze.contracts.recording import UNREADABLE, Recording

_COMPARED = 2_000
"""Characters of a question that are compared with others, and recordings that are."""
_SHOWN = 80


class Shelf:
    """What a folder holds. `refresh` takes up what has come since; the rest is for one loop."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[Path, Recording | None] = {}
        self._by_key: dict[str, list[Recording]] = {}
        self._turns: Counter[str] = Counter()

    @property
    def recordings(self) -> tuple[Recording, ...]:
        """All that can be read, the oldest first."""
        return tuple(sorted(filter(None, self._known.values()), key=lambda one: one.at))

    def refresh(self) -> None:
        """Read what is new, and what had no end yet. Raises UnavailableError: no such folder."""
        try:
            files = sorted(self.folder.glob("*.jsonl"))
            if not self.folder.is_dir():
                raise FileNotFoundError(2, "it is not there")
        except OSError as error:
            raise UnavailableError(
                f"The recordings in {self.folder} cannot be read: {error.strerror}. Set folder to "
                "one that `breeze serve --record` wrote.",
                retryable=False,
            ) from error
        for file in files:
            known = self._known.get(file)
            if known is None or not known.complete:
                self._known[file] = _read(file)
        self._by_key = {}
        for recording in self.recordings:
            self._by_key.setdefault(recording.key, []).append(recording)

    def find(self, key: str, model: str) -> Recording | None:
        """The recording of a question: of that model's answer where there is one.

        Of several, each is given once, in the order in which they were made, then the last one.
        """
        found = self._by_key.get(key, [])
        found = [one for one in found if one.complete] or found
        found = [one for one in found if model and model in models_of(one)] or found
        if not found:
            return None
        turn = self._turns[f"{key} {model}"]
        self._turns[f"{key} {model}"] += 1
        return found[min(turn, len(found) - 1)]

    def params(self) -> set[str]:
        """Names of parameters that recorded requests had set."""
        return {name for one in self.recordings for name in one.asked.get("params", ())}

    def missing(self, asked: dict[str, Any], capability: str) -> NotFoundError:
        """What to say when a question was never asked: which one comes nearest."""
        alike = [one for one in self.recordings if one.capability == capability]
        field = next((name for name in _QUESTION if name in asked), "messages")
        if not alike:
            return NotFoundError(
                f"{self.folder} holds no recording for {capability}. Record one with --record.",
                field=field,
                detail="not_recorded",
            )
        near = max(alike[-_COMPARED:], key=lambda one: _likeness(asked, one.asked))
        differs = list(_differences(asked, near.asked))
        shown = "; ".join(
            f"{d.field} (recorded {d.recorded}, asked {d.asked})" for d in differs[:4]
        )
        return NotFoundError(
            f"This request was never recorded. The nearest is {near.file.name}; what differs: "
            f"{shown or 'nothing that can be shown'}. Record this one, or ask that one.",
            field=differs[0].field if differs else field,
            detail="not_recorded",
            data={"nearest": near.file.name, "differs": [d.field for d in differs]},
        )


_QUESTION = ("messages", "text", "texts", "prompts", "audio")


def models_of(recording: Recording) -> set[str]:
    """Names by which its answer's model may be asked for."""
    answer = recording.answer
    names = {recording.model, recording.model.partition("/")[2]}
    if answer is not None:
        names |= {answer.model, f"{answer.runner}/{answer.model}".rstrip("/")}
    return names - {"", "auto"}


class _Difference(NamedTuple):
    field: str
    recorded: str
    asked: str


def _differences(asked: dict[str, Any], recorded: dict[str, Any]) -> Iterator[_Difference]:
    one, other = dict(_leaves("", asked)), dict(_leaves("", recorded))
    for field in {**one, **other}:
        if one.get(field) != other.get(field):
            yield _Difference(field, _short(other.get(field)), _short(one.get(field)))


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(f"{path}.{name}" if path else name, inner)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _leaves(f"{path}[{i}]", inner)
    else:
        yield path, value


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _likeness(asked: dict[str, Any], recorded: dict[str, Any]) -> float:
    one, other = (
        msgspec.json.encode(each)[-_COMPARED:].decode("latin-1") for each in (asked, recorded)
    )
    return SequenceMatcher(None, one, other, autojunk=False).quick_ratio()


def _read(file: Path) -> Recording | None:
    try:
        return Recording.read(file)
    except UNREADABLE:
        return None  # another program's file, or one of which not even the request was written
