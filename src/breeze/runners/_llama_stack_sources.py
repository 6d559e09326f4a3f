"""What was searched and found: passages by the names of their sources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from breeze.runners._llama_stack_files import Source

_EXCERPT = 400
"""Characters of a passage that are told again."""
_MOST = 50


class Sources:
    """Collects the passages of searches. `files`: the sources by the ids of their files there."""

    def __init__(self, files: Mapping[str, Source] | None = None) -> None:
        self._files = dict(files or {})
        self._names = {id: source.name for id, source in self._files.items()}
        self._passages: dict[tuple[str, str], dict[str, Any]] = {}
        self._cited: dict[str, None] = {}

    def found(self, results: Any) -> None:
        """Note the results of a search; what is none is passed over."""
        for one in results if isinstance(results, list) else ():
            if not isinstance(one, dict):
                continue
            facts = one.get("attributes")
            text = str(one.get("text") or "").strip()
            name = self._name(one, facts if isinstance(facts, dict) else {}, text)
            passage = {"source": name, "text": text[:_EXCERPT]}
            if isinstance(one.get("score"), int | float):
                passage["score"] = one["score"]
            if len(self._passages) < _MOST:
                self._passages.setdefault((name, text), passage)

    def _name(self, one: Mapping[str, Any], facts: Mapping[str, Any], text: str) -> str:
        """Servers name a file by its id, by an id of their own, by its name, or not at all."""
        ids = [facts.get("file_id"), one.get("file_id"), facts.get("document_id")]
        known = next((self._names[i] for i in ids if isinstance(i, str) and i in self._names), "")
        said = str(facts.get("filename") or one.get("filename") or "")
        name = known or self._holder(text) or said
        for other in ids:  # citations may use any of them
            if isinstance(other, str) and other and name:
                self._names.setdefault(other, name)
        return name

    def _holder(self, text: str) -> str:
        """The only source, or the one that holds the text."""
        sources = list(self._files.values())
        if len(sources) == 1:
            return sources[0].name
        part = text.encode("utf-8", "replace")
        return next((source.name for source in sources if part and part in source.data), "")

    def cite(self, annotations: Any) -> None:
        """Note what a text refers to."""
        for one in annotations if isinstance(annotations, list) else ():
            if isinstance(one, dict):
                name = self._names.get(str(one.get("file_id"))) or one.get("filename")
                if name := name or one.get("url"):
                    self._cited[str(name)] = None

    @property
    def searched(self) -> bool:
        """Whether a search found anything."""
        return bool(self._passages)

    def metadata(self) -> dict[str, Any]:
        """What was used, for the end of the answer."""
        passages = list(self._passages.values())
        used = {passage["source"] for passage in passages}
        for passage in passages:
            passage["cited"] = passage["source"] in self._cited
        web = [{"source": name, "cited": True} for name in self._cited if name not in used]
        return {"rag_sources_used": len(used), "sources": [*passages, *web]}
